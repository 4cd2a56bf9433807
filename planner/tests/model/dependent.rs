//! A hub whose storage account is to have its key, with the mark of the object that encrypts it.

use keyholder_crds::vocabulary::ENCRYPTION_TAG;
use keyholder_crds::{OperationKind, OperationState, ResourceStatus};
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::observed::{AtRest, Stored};
use keyholder_planner::report::touch;
use keyholder_planner::{Declared, Fact, Observed, Write};

use crate::hub;
use crate::hub::azure::{Key as HubKey, Keys};
use crate::law::{Broken, Case, Told};
use crate::pass::{Object, Seen};
use crate::reading::{Operation, arm_id, unreachable};
use crate::time::NOW;
use crate::world::{self, End, Ending, Place, Policy, Scene, Taken, World as _};
use azure::{Azure, Key, Mark, Storage};
use declared::{NAME, SPECS, STORAGE, Spec};

pub mod azure;
pub mod declared;

/// What goes wrong with reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    OfTheHub(hub::reading::Trouble),
    /// The storage account could not be read.
    StorageUnreadable,
    /// The URL of the operation on it does not answer.
    OperationUnreadable,
    /// Azure does not know that URL any more.
    OperationForgotten,
}

/// What others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// The hub's key gets a second version.
    Rotate,
    /// That version is disabled.
    Disable,
    /// The storage account goes back to Microsoft's key.
    TakeKey,
    /// It is given another key.
    GiveOther,
    /// Its mark is taken away.
    Unmark,
    /// Another object's mark is put on it.
    MarkAnothers,
}

/// Hubs with a storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World;

type Hub = hub::World;

/// What of it is the hub's alone.
fn of_hub<'a>(case: &Case<'a, World>) -> Case<'a, Hub> {
    let trouble = match case.seen.trouble {
        Trouble::OfTheHub(trouble) => trouble,
        _ => Hub::UNTROUBLED,
    };
    Case {
        object: Object {
            spec: case.object.spec.hub(),
            policy: case.object.policy,
            is_deleting: case.object.is_deleting,
            has_finalizer: case.object.has_finalizer,
            status: case.object.status,
        },
        seen: Seen {
            azure: case.seen.azure.hub,
            trouble,
        },
        declared: case.declared,
        status: case.status,
        told: case.told,
    }
}

/// The key that the storage account is to have.
fn wanted(spec: Spec) -> Key {
    if spec == Spec::OtherKey {
        Key::Other
    } else {
        Key::First
    }
}

/// Whether nothing is to be written to the storage account, or may be.
fn is_settled(storage: &Storage, spec: Spec) -> bool {
    !spec.enforces() || (!storage.is_updating && storage.key == Some(wanted(spec)))
}

fn may_be_written(storage: &Storage, spec: Spec) -> bool {
    storage.mark == Mark::Ours || (storage.mark == Mark::Nobodys && spec.adopts())
}

/// Whether the hub is as declared, as far as it was read, but for what Azure failed or ignored, and its key can be used.
fn hub_is_in_order(case: &Case<'_, World>) -> bool {
    let mut hub = of_hub(case);
    let operation = case.status.operation.as_ref();
    let is_of_no_avail = operation.is_some_and(|operation| {
        operation.kind == OperationKind::Update
            && matches!(operation.state, OperationState::Failed | OperationState::Ignored)
    });
    if is_of_no_avail && hub.object.spec == hub::declared::Spec::Tagged {
        hub.object.spec = hub::declared::Spec::Follow;
    }
    let azure = &hub.seen.azure;
    let is_usable = azure.keys != Keys::SecondDisabled
        || hub.seen.trouble == hub::reading::Trouble::KeyOutdated
        || azure.hub.is_none_or(|hub| hub.key != Some(HubKey::Second));
    Hub::may_be_ready(&hub) && is_usable
}

impl world::World for World {
    type Spec = Spec;
    type Azure = Azure;
    type Trouble = Trouble;
    type Deed = Deed;

    const SPECS: &'static [Spec] = &SPECS;
    const ASKED: Option<Spec> = Some(Spec::Adopted);
    const UNTROUBLED: Trouble = Trouble::OfTheHub(Hub::UNTROUBLED);

    fn declared(spec: Spec, policy: Policy) -> Declared {
        spec.valid(policy)
    }

    fn touched(spec: Spec, policy: Policy, status: ResourceStatus) -> Option<ResourceStatus> {
        touch(&spec.object(policy, Some(status)), NOW)
    }

    fn nothing() -> Azure {
        Azure {
            hub: Hub::nothing(),
            storage: Storage {
                mark: Mark::Nobodys,
                key: None,
                is_updating: false,
            },
            operation: Operation::None,
        }
    }

    fn is_working(azure: &Azure, at: Place) -> bool {
        match at {
            Place::Own => Hub::is_working(&azure.hub, at),
            Place::Dependent => azure.storage.is_updating,
        }
    }

    fn take(azure: &mut Azure, write: &Write) -> Taken {
        if write.kind == OperationKind::EncryptDependent {
            azure.take(write)
        } else {
            Hub::take(&mut azure.hub, write)
        }
    }

    fn finish(azure: &mut Azure, at: Place, ending: Ending) {
        match at {
            Place::Own => Hub::finish(&mut azure.hub, at, ending),
            Place::Dependent => azure.finish(ending),
        }
    }

    fn endings(at: Place) -> &'static [Ending] {
        match at {
            // What else becomes of hubs is the hubs' model to check.
            Place::Own => &[Ending::Succeeds, Ending::Fails],
            Place::Dependent => &[Ending::Succeeds, Ending::Fails, Ending::IsIgnored],
        }
    }

    fn deeds(azure: &Azure, _: Scene) -> Vec<Deed> {
        let mut deeds = Vec::new();
        match azure.hub.keys {
            Keys::One => deeds.push(Deed::Rotate),
            Keys::Rotated => deeds.push(Deed::Disable),
            Keys::SecondDisabled => {}
        }
        if !azure.storage.is_updating {
            if azure.storage.key.is_some() {
                deeds.push(Deed::TakeKey);
            }
            deeds.extend([Deed::GiveOther, Deed::MarkAnothers]);
            if azure.storage.mark != Mark::Nobodys {
                deeds.push(Deed::Unmark);
            }
        }
        deeds
    }

    fn act(azure: &mut Azure, deed: Deed) {
        match deed {
            Deed::Rotate => azure.hub.keys = Keys::Rotated,
            Deed::Disable => azure.hub.keys = Keys::SecondDisabled,
            Deed::TakeKey => azure.storage.key = None,
            Deed::GiveOther => azure.storage.key = Some(Key::Other),
            Deed::Unmark => azure.storage.mark = Mark::Nobodys,
            Deed::MarkAnothers => azure.storage.mark = Mark::Anothers,
        }
    }

    fn troubles(azure: &Azure, status: &ResourceStatus) -> Vec<Trouble> {
        let of_hub = Hub::troubles(&azure.hub, status).into_iter();
        let mut troubles: Vec<Trouble> = of_hub.map(Trouble::OfTheHub).collect();
        troubles.push(Trouble::StorageUnreadable);
        if url(status).is_some() {
            troubles.extend([Trouble::OperationUnreadable, Trouble::OperationForgotten]);
        }
        troubles
    }

    fn see(azure: Azure, trouble: Trouble, status: &ResourceStatus) -> Azure {
        let of_hub = match trouble {
            Trouble::OfTheHub(trouble) => trouble,
            _ => Hub::UNTROUBLED,
        };
        let operation = if url(status).is_none() || trouble == Trouble::OperationForgotten {
            Operation::None
        } else {
            azure.operation
        };
        Azure {
            hub: Hub::see(azure.hub, of_hub, status),
            operation,
            ..azure
        }
    }

    fn observed(seen: &Seen<Self>, declared: &Declared, status: &ResourceStatus, deleting: bool) -> Observed {
        let trouble = match seen.trouble {
            Trouble::OfTheHub(trouble) => trouble,
            _ => Hub::UNTROUBLED,
        };
        let of_hub = Seen {
            azure: seen.azure.hub,
            trouble,
        };
        let mut observed = Hub::observed(&of_hub, declared, status, deleting);
        let id = arm_id(STORAGE, NAME);
        let stored = if seen.trouble == Trouble::StorageUnreadable {
            Fact::Unknown(unreachable())
        } else {
            Fact::Known(stored(&seen.azure.storage, declared))
        };
        observed.at_rest.push((id.clone(), stored));
        if url(status).is_some() {
            let is_read = seen.trouble != Trouble::OperationUnreadable;
            let told = Operation::seen(is_read.then_some(&seen.azure.operation));
            observed.dependent_operations.push((id, told));
        }
        observed
    }

    fn is_blind(trouble: Trouble) -> bool {
        matches!(trouble, Trouble::OfTheHub(trouble) if Hub::is_blind(trouble))
    }

    fn is_outdated(trouble: Trouble) -> bool {
        matches!(trouble, Trouble::OfTheHub(trouble) if Hub::is_outdated(trouble))
    }

    fn of_write(case: &Case<'_, Self>, write: &Write) -> Option<Broken> {
        if write.kind != OperationKind::EncryptDependent {
            return Hub::of_write(&of_hub(case), write);
        }
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        if matches!(
            case.seen.trouble,
            Trouble::StorageUnreadable | Trouble::OperationUnreadable
        ) {
            return Some(Broken::WroteBlindly);
        }
        if !may_be_written(&azure.storage, spec) {
            return Some(Broken::WroteToAnothers);
        }
        if !hub_is_in_order(case) {
            return Some(Broken::GaveOnAKeyTooEarly);
        }
        let work = azure::work(write);
        let is_asked_for = spec.enforces()
            && !case.object.is_deleting
            && write.id == arm_id(STORAGE, NAME)
            && work.is_some_and(|work| {
                work.key == Some(wanted(spec)) && work.marks == (azure.storage.mark != Mark::Ours)
            });
        (!is_asked_for).then_some(Broken::WroteAForbiddenChange)
    }

    fn is_converged(azure: &Azure, spec: Spec) -> bool {
        Hub::is_converged(&azure.hub, spec.hub()) && is_settled(&azure.storage, spec)
    }

    fn is_excused(case: &Case<'_, Self>) -> bool {
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        if !Hub::is_converged(&azure.hub, spec.hub()) {
            return Hub::is_excused(&of_hub(case));
        }
        azure.storage.is_updating || !may_be_written(&azure.storage, spec) || !hub_is_in_order(case)
    }

    fn may_be_ready(case: &Case<'_, Self>) -> bool {
        let is_known = case.seen.trouble != Trouble::StorageUnreadable;
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        // What is on its way may lead to what is there already.
        let key = match azure.operation {
            Operation::Running(work) if azure.storage.is_updating => work.key,
            _ => azure.storage.key,
        };
        let stays = azure.storage.key == Some(wanted(spec)) && key == azure.storage.key;
        Hub::may_be_ready(&of_hub(case)) && (!is_known || !spec.enforces() || stays)
    }

    fn told(azure: &Azure) -> Told {
        Hub::told(&azure.hub)
    }

    fn is_bound(azure: &Azure, status: &ResourceStatus) -> bool {
        Hub::is_bound(&azure.hub, status)
    }

    fn is_left(azure: &Azure, policy: Policy, told: Told) -> bool {
        Hub::is_left(&azure.hub, policy, told)
    }

    fn end(case: &Case<'_, Self>) -> End {
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        let end = Hub::end(&of_hub(case));
        if is_settled(&azure.storage, spec) || end == End::Stalled {
            return end;
        }
        match (may_be_written(&azure.storage, spec), end) {
            (true, End::Ready) => End::Ready,
            // Its own key comes first, and cannot be used; or the mark is in the way.
            _ => End::Stalled,
        }
    }

    fn is_tidy(status: &ResourceStatus) -> bool {
        status.operation.is_none() && status.dependents.iter().all(|one| one.operation.is_none())
    }
}

fn url(status: &ResourceStatus) -> Option<&str> {
    let mut operations = status.dependents.iter().filter_map(|one| one.operation.as_ref());
    operations.find_map(|operation| operation.url.as_deref())
}

fn stored(storage: &Storage, declared: &Declared) -> Stored {
    let ours = declared.encryption_tag();
    let mark = match storage.mark {
        Mark::Nobodys => None,
        Mark::Ours => Some(ours),
        Mark::Anothers => Some("another/of/theirs/AIHub".to_owned()),
    };
    let at_rest = match storage.key {
        None => AtRest::Microsoft,
        Some(key) => {
            AtRest::Key(KeyIdentifier::parse(&format!("{}/{}", key.url(), HubKey::First.version())).unwrap())
        }
    };
    Stored {
        follows: storage.key.is_some(),
        at_rest,
        location: Some(declared.location.clone()),
        provisioning_state: Some(
            if storage.is_updating {
                "Updating"
            } else {
                "Succeeded"
            }
            .to_owned(),
        ),
        tags: mark
            .map(|mark| (ENCRYPTION_TAG.to_owned(), mark))
            .into_iter()
            .collect(),
        user_assigned: declared.user_assigned.clone(),
        system_assigned: false,
        unwraps: storage.key.and(declared.user_assigned.first().cloned()),
        account: None,
    }
}

//! Hubs: created with their key, which rotates, and changed by PATCH.

use keyholder_crds::ResourceStatus;
use keyholder_planner::report::touch;
use keyholder_planner::{Declared, Observed, Write};

use crate::law::{Broken, Case, Told};
use crate::pass::Seen;
use crate::reading::Operation;
use crate::time::NOW;
use crate::world::{self, End, Ending, Place, Policy, Scene, Taken};
use azure::{Azure, Hub, HubState, Key, Keys};
use declared::{SPECS, Spec};
use reading::Trouble;

pub mod azure;
pub mod declared;
pub mod law;
pub mod reading;

/// What others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Somebody deletes the hub in Azure.
    Take,
    /// Somebody makes a hub of this name.
    MakeAnothers,
    /// Somebody takes the owner tag away.
    Untag,
    /// The key gets a second version.
    Rotate,
    /// The second version is disabled.
    Disable,
}

/// Hubs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World;

impl world::World for World {
    type Spec = Spec;
    type Azure = Azure;
    type Trouble = Trouble;
    type Deed = Deed;

    const SPECS: &'static [Spec] = &SPECS;
    const UNTROUBLED: Trouble = Trouble::None;

    fn declared(spec: Spec, policy: Policy) -> Declared {
        spec.valid(policy)
    }

    fn touched(spec: Spec, policy: Policy, status: ResourceStatus) -> Option<ResourceStatus> {
        touch(&spec.object(policy, Some(status)), NOW)
    }

    fn nothing() -> Azure {
        Azure {
            hub: None,
            operation: Operation::None,
            keys: Keys::One,
        }
    }

    fn is_working(azure: &Azure, at: Place) -> bool {
        at == Place::Own && azure.is_working()
    }

    fn take(azure: &mut Azure, write: &Write) -> Taken {
        azure.take(write)
    }

    fn finish(azure: &mut Azure, _: Place, ending: Ending) {
        azure.finish(ending);
    }

    fn endings(_: Place) -> &'static [Ending] {
        &[
            Ending::Succeeds,
            Ending::Fails,
            Ending::FailsAndBreaks,
            Ending::IsIgnored,
        ]
    }

    fn deeds(azure: &Azure, scene: Scene) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if !azure.is_working() && !scene.creates {
            match azure.hub {
                Some(hub) => {
                    deeds.push(Deed::Take);
                    if hub.is_ours && scene.is_quiet {
                        deeds.push(Deed::Untag);
                    }
                }
                None if scene.is_quiet => deeds.push(Deed::MakeAnothers),
                None => {}
            }
        }
        match azure.keys {
            Keys::One => deeds.push(Deed::Rotate),
            Keys::Rotated => deeds.push(Deed::Disable),
            Keys::SecondDisabled => {}
        }
        deeds
    }

    fn act(azure: &mut Azure, deed: Deed) {
        match deed {
            Deed::Take => azure.hub = None,
            Deed::MakeAnothers => azure.hub = Some(Hub::ANOTHERS),
            Deed::Untag => {
                if let Some(hub) = &mut azure.hub {
                    hub.is_ours = false;
                }
            }
            Deed::Rotate => azure.keys = Keys::Rotated,
            Deed::Disable => azure.keys = Keys::SecondDisabled,
        }
    }

    fn troubles(azure: &Azure, status: &ResourceStatus) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        if has_url(status) {
            troubles.extend([Trouble::OperationUnreadable, Trouble::OperationForgotten]);
        }
        troubles.extend([Trouble::HubUnreadable, Trouble::KeyUnreadable]);
        if azure.keys != Keys::One {
            troubles.push(Trouble::KeyOutdated);
        }
        troubles
    }

    fn see(mut azure: Azure, trouble: Trouble, status: &ResourceStatus) -> Azure {
        if !has_url(status) || trouble == Trouble::OperationForgotten {
            azure.operation = Operation::None;
        }
        azure
    }

    fn observed(seen: &Seen<Self>, declared: &Declared, status: &ResourceStatus, deleting: bool) -> Observed {
        reading::observed(seen, declared, status, deleting)
    }

    fn is_blind(trouble: Trouble) -> bool {
        matches!(trouble, Trouble::HubUnreadable | Trouble::OperationUnreadable)
    }

    fn is_outdated(trouble: Trouble) -> bool {
        trouble == Trouble::KeyOutdated
    }

    fn of_write(case: &Case<'_, Self>, write: &Write) -> Option<Broken> {
        law::of_write(case, write)
    }

    fn is_converged(azure: &Azure, spec: Spec) -> bool {
        azure.hub.is_some_and(|hub| {
            hub.is_ours && hub.state == HubState::Succeeded && spec.is_met_by(&hub, azure.keys)
        })
    }

    fn is_excused(case: &Case<'_, Self>) -> bool {
        let azure = &case.seen.azure;
        azure.is_working()
            || match azure.hub {
                None => case.told != Told::Nothing,
                Some(hub) => !hub.is_ours || hub.is_in_progress() || !case.object.spec.can_become(&hub),
            }
    }

    fn may_be_ready(case: &Case<'_, Self>) -> bool {
        let (azure, trouble) = (&case.seen.azure, case.seen.trouble);
        let key_is_known = !matches!(trouble, Trouble::KeyUnreadable | Trouble::KeyOutdated);
        let spec = case.object.spec;
        !Self::is_blind(trouble)
            && azure.hub.is_some_and(|hub| {
                hub.is_ours
                    && hub.state == HubState::Succeeded
                    && spec.can_become(&hub)
                    && (!key_is_known || spec.is_met_by(&hub, azure.keys))
            })
    }

    fn told(azure: &Azure) -> Told {
        match azure.hub {
            Some(hub) if hub.is_ours && hub.state == HubState::Succeeded => Told::InOrder,
            Some(hub) if hub.is_ours => Told::Seen,
            _ => Told::Nothing,
        }
    }

    fn is_bound(azure: &Azure, status: &ResourceStatus) -> bool {
        azure.hub.is_none_or(|hub| !hub.is_ours) || status.bound.is_some()
    }

    fn is_left(azure: &Azure, policy: Policy, _: Told) -> bool {
        policy != Policy::Retain && azure.hub.is_some_and(|hub| hub.is_ours)
    }

    fn end(case: &Case<'_, Self>) -> End {
        let azure = &case.seen.azure;
        let is_reachable = match azure.hub {
            None => case.told == Told::Nothing,
            Some(hub) => hub.is_ours && case.object.spec.can_become(&hub),
        };
        let key_is_usable =
            azure.keys != Keys::SecondDisabled || azure.hub.is_none_or(|hub| hub.key != Some(Key::Second));
        match (is_reachable, key_is_usable) {
            (true, true) => End::Ready,
            (true, false) => End::AsDeclared,
            (false, _) => End::Stalled,
        }
    }
}

/// Whether the status names an operation that can be asked about.
pub fn has_url(status: &ResourceStatus) -> bool {
    status
        .operation
        .as_ref()
        .is_some_and(|operation| operation.url.is_some())
}

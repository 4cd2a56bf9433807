//! What one identity has read of Azure, shared by all objects that act through it.
//!
//! Invariant: reads at rest do not grow with the number of objects. One list feeds every resource of a type in a subscription, one
//! list of generic resources feeds every managed group; each is read once however many ask at the same time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyholder_azure::{ArmClient, ArmError, ErrorClass, ListReading, Reader, wire};
use keyholder_planner::ArmId;
use keyholder_planner::observed::{GroupResource, Live, Stored};
use moka::future::Cache;
use serde_json::Value;

use crate::observe::at_rest::AtRestType;
use crate::observe::convert;
use crate::resource::ResourceType;

pub mod overtaken;

use overtaken::Overtaken;

/// Subscriptions that one identity may look at, at the most.
const MOST_SUBSCRIPTIONS: u64 = 256;
/// Lists of resources that are kept for one identity, at the most: those of subscriptions, and those of the projects of each account.
const MOST_LISTS: u64 = 16_384;

/// What a list tells, by lower-case ARM id. What could not be understood is kept as its error. What is as the list before had it is
/// shared with that list, so that two lists at once are hardly more than one.
pub type Listed<T> = HashMap<Arc<str>, Arc<Result<T, String>>>;

/// The resources of a list.
pub type Resources = Listed<Live>;

/// What the resources of a list are encrypted with.
pub type AtRestList = Listed<Stored>;

/// All resources of a subscription whose group Microsoft manages for a hub, by lower-case group name; shared as hubs are.
pub type Groups = HashMap<Arc<str>, Vec<Arc<GroupResource>>>;

/// The shared reads of one identity.
#[derive(Debug)]
pub struct Inventory {
    /// The client.
    pub arm: Arc<ArmClient>,
    /// The same client for lists that nobody waits for.
    sweeper: ArmClient,
    /// Single reads, cached for as long as the asker says.
    pub reader: Reader,
    resources: Cache<String, Arc<Resources>>,
    groups: Cache<String, Arc<Groups>>,
    at_rest: Cache<String, Arc<AtRestList>>,
    /// Resources whose list is older than what was read of them.
    pub overtaken: Overtaken,
    /// The same of what they are encrypted with.
    pub overtaken_at_rest: Overtaken,
}

impl Inventory {
    /// Nothing read so far.
    #[must_use]
    pub fn new(arm: Arc<ArmClient>) -> Self {
        Self {
            reader: Reader::new(Arc::clone(&arm)),
            sweeper: arm.for_sweeps(),
            arm,
            resources: Cache::new(MOST_LISTS),
            groups: Cache::new(MOST_SUBSCRIPTIONS),
            at_rest: Cache::new(MOST_LISTS),
            overtaken: Overtaken::default(),
            overtaken_at_rest: Overtaken::default(),
        }
    }

    /// The resources of a list, in lower case, as last read; read now if they never were.
    ///
    /// # Errors
    /// Azure's, shared by all who asked.
    pub async fn resources(
        &self,
        kind: &'static ResourceType,
        path: &str,
    ) -> Result<Arc<Resources>, Arc<ArmError>> {
        self.resources
            .try_get_with(path.to_owned(), list(&self.arm, kind, path, None))
            .await
    }

    /// The resources of a list as they are now.
    ///
    /// # Errors
    /// Azure's.
    pub async fn resources_now(
        &self,
        kind: &'static ResourceType,
        path: &str,
    ) -> Result<Arc<Resources>, ArmError> {
        list(&self.arm, kind, path, self.known(path).await.as_deref()).await
    }

    /// The managed groups of a subscription as last listed; listed now if they never were.
    ///
    /// # Errors
    /// Azure's, shared by all who asked.
    pub async fn groups(&self, subscription: &str) -> Result<Arc<Groups>, Arc<ArmError>> {
        self.groups
            .try_get_with(
                subscription.to_lowercase(),
                list_groups(&self.arm, subscription, None),
            )
            .await
    }

    /// Reads a list of resources anew, for the sweep.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh(&self, kind: &'static ResourceType, path: &str) -> Result<Arc<Resources>, ArmError> {
        let before = self.known(path).await;
        let listed = list(&self.sweeper, kind, path, before.as_deref()).await?;
        self.resources.insert(path.to_owned(), Arc::clone(&listed)).await;
        Ok(listed)
    }

    /// Lists the managed groups anew.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh_groups(&self, subscription: &str) -> Result<Arc<Groups>, ArmError> {
        let before = self.known_groups(subscription).await;
        let listed = list_groups(&self.sweeper, subscription, before.as_deref()).await?;
        self.groups
            .insert(subscription.to_lowercase(), Arc::clone(&listed))
            .await;
        Ok(listed)
    }

    /// What the resources of a list are encrypted with, as last read; read now if they never were. `None`: it cannot be read, so each
    /// resource is asked for by itself.
    pub async fn at_rest(&self, kind: &'static AtRestType, path: &str) -> Option<Arc<AtRestList>> {
        let listed = list_at_rest(&self.arm, kind, path, None);
        self.at_rest.try_get_with(path.to_owned(), listed).await.ok()
    }

    /// The same, read anew for the sweep.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh_at_rest(
        &self,
        kind: &'static AtRestType,
        path: &str,
    ) -> Result<Arc<AtRestList>, ArmError> {
        let before = self.known_at_rest(path).await;
        let listed = list_at_rest(&self.sweeper, kind, path, before.as_deref()).await?;
        self.at_rest.insert(path.to_owned(), Arc::clone(&listed)).await;
        Ok(listed)
    }

    /// What was last read of it, if it was.
    pub async fn known_at_rest(&self, path: &str) -> Option<Arc<AtRestList>> {
        self.at_rest.get(path).await
    }

    /// Role assignments that reach a key and are those of a principal or of its groups, read no longer than `age` ago.
    ///
    /// # Errors
    /// Azure's.
    pub async fn assignments(
        &self,
        key: &str,
        principal: &str,
        age: Duration,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        let (path, filter) = assignments_of(key, principal);
        self.reader
            .read_list(
                &path,
                wire::ROLE_ASSIGNMENTS_VERSION,
                &[("$filter", &filter)],
                age,
            )
            .await
    }

    /// The same, read now for the sweep.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh_assignments(
        &self,
        key: &str,
        principal: &str,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        let (path, filter) = assignments_of(key, principal);
        self.reader
            .sweep_list(&path, wire::ROLE_ASSIGNMENTS_VERSION, &[("$filter", &filter)])
            .await
    }

    /// What a list said when it was last read, if it was.
    pub async fn known(&self, path: &str) -> Option<Arc<Resources>> {
        self.resources.get(path).await
    }

    /// What the last list said of the managed groups, if there was one.
    pub async fn known_groups(&self, subscription: &str) -> Option<Arc<Groups>> {
        self.groups.get(&subscription.to_lowercase()).await
    }
}

async fn list(
    arm: &ArmClient,
    kind: &ResourceType,
    path: &str,
    before: Option<&Resources>,
) -> Result<Arc<Resources>, ArmError> {
    let mut shared = SharedIds::default();
    let listed = arm
        .list_with(path, kind.version, &[], |item| {
            let id = id_of(&item)?.lower();
            let mut live = (kind.convert)(&item).map_err(|error| error.to_string());
            let known = before.and_then(|before| before.get_key_value(id.as_str()));
            Some(match known {
                Some((id, known)) if is_spelled_as(known, &live) => (Arc::clone(id), Arc::clone(known)),
                _ => {
                    if let Ok(live) = &mut live {
                        shared.share_within(live);
                    }
                    (Arc::from(id), Arc::new(live))
                }
            })
        })
        .await;
    match listed {
        Ok(listed) => Ok(Arc::new(listed.items.into_iter().collect())),
        // Nothing is within what is not there.
        Err(error) if error.class() == ErrorClass::NotFound && is_within(path) => Ok(Arc::default()),
        Err(error) => Err(error),
    }
}

/// Whether a list is one of what lies within a resource.
fn is_within(path: &str) -> bool {
    path.contains("/resourcegroups/")
}

async fn list_at_rest(
    arm: &ArmClient,
    kind: &AtRestType,
    path: &str,
    before: Option<&AtRestList>,
) -> Result<Arc<AtRestList>, ArmError> {
    let listed = arm
        .list_with(path, kind.version, &[], |item| {
            let id = id_of(&item)?.lower();
            let at_rest = (kind.convert)(&item).map_err(|error| error.to_string());
            let known = before.and_then(|before| before.get_key_value(id.as_str()));
            Some(match known {
                Some((id, known)) if **known == at_rest => (Arc::clone(id), Arc::clone(known)),
                _ => (Arc::from(id), Arc::new(at_rest)),
            })
        })
        .await?;
    Ok(Arc::new(listed.items.into_iter().collect()))
}

/// What resources rest on, each id once for each spelling: vaults, identities and storage accounts serve many.
#[derive(Default)]
pub struct SharedIds(HashMap<String, ArmId>);

impl SharedIds {
    fn share_within(&mut self, hub: &mut Live) {
        let encryption = hub.encryption.as_mut();
        let of_key = encryption.map(|encryption| (encryption.vault.as_mut(), encryption.identity.as_mut()));
        let (vault, identity) = of_key.unzip();
        let ids = hub
            .user_assigned
            .iter_mut()
            .chain(&mut hub.key_vault)
            .chain(&mut hub.storage_account)
            .chain(vault.flatten())
            .chain(identity.flatten());
        for id in ids {
            self.share(id);
        }
    }

    /// Has the id held once with all that came before in the same letters.
    pub fn share(&mut self, id: &mut ArmId) {
        match self.0.get(id.as_str()) {
            Some(known) => *id = known.clone(),
            None => {
                self.0.insert(id.to_string(), id.clone());
            }
        }
    }
}

/// Equal, and with the key's URL, which the status repeats, in the same letters.
fn is_spelled_as(before: &Result<Live, String>, after: &Result<Live, String>) -> bool {
    let key = |hub: &Result<Live, String>| {
        let encryption = hub.as_ref().ok()?.encryption.as_ref()?;
        Some(encryption.key.to_string())
    };
    before == after && key(before) == key(after)
}

async fn list_groups(
    arm: &ArmClient,
    subscription: &str,
    before: Option<&Groups>,
) -> Result<Arc<Groups>, ArmError> {
    let path = format!("/subscriptions/{subscription}/resources");
    let query = [("$expand", "createdTime,changedTime,provisioningState")];
    let mut groups = Groups::new();
    arm.list_with(&path, wire::RESOURCES_VERSION, &query, |item| {
        let group = id_of(&item)?.resource_group().to_lowercase();
        let resource = convert::group_resource(&item)?;
        let known = before.and_then(|before| before.get_key_value(group.as_str()));
        let same = known.and_then(|(_, resources)| resources.iter().find(|one| ***one == resource));
        let resource = same.map_or_else(|| Arc::new(resource), Arc::clone);
        let group = known.map_or_else(|| Arc::from(group), |(group, _)| Arc::clone(group));
        groups.entry(group).or_default().push(resource);
        None::<()>
    })
    .await?;
    Ok(Arc::new(groups))
}

/// The id of an item of a list.
fn id_of(item: &Value) -> Option<ArmId> {
    ArmId::parse(item.get("id")?.as_str()?).ok()
}

/// Where role assignments at a key are listed, and the filter for those of a principal.
fn assignments_of(key: &str, principal: &str) -> (String, String) {
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments",
        key.to_lowercase()
    );
    (path, format!("atScope() and assignedTo('{principal}')"))
}

/// How old a shared reading may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// As the last sweep left it: enough to see that nothing is to be done.
    Swept,
    /// The object's own resource is read now, what it rests on may be as old as a sweep: enough to go on.
    Recent(Duration),
    /// Everything is read now: needed before anything is said for the worse.
    Now,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hub(name: &str, vault: &str, key: &str) -> Live {
        let id =
            |kind: &str, name: &str| format!("/subscriptions/s/resourceGroups/g/providers/{kind}/{name}");
        convert::workspace(&json!({
            "id": id("Microsoft.MachineLearningServices/workspaces", name),
            "location": "westeurope",
            "properties": {
                "keyVault": id("Microsoft.KeyVault/vaults", vault),
                "encryption": {
                    "status": "Enabled",
                    "keyVaultProperties": {
                        "keyVaultArmId": id("Microsoft.KeyVault/vaults", vault),
                        "keyIdentifier": format!("https://{vault}.vault.azure.net/keys/{key}/0123456789abcdef0123456789abcdef"),
                    },
                },
            },
        }))
        .unwrap()
    }

    #[test]
    fn hubs_share_an_id_in_the_same_letters_alone() {
        let mut hubs = [
            hub("a", "vault", "k"),
            hub("b", "vault", "k"),
            hub("c", "VAULT", "k"),
        ];
        let before = hubs.clone();
        let mut shared = SharedIds::default();
        for hub in &mut hubs {
            shared.share_within(hub);
        }
        let places = hubs.each_ref().map(|hub| {
            let own = hub.key_vault.as_ref().unwrap().as_str();
            let keys = hub.encryption.as_ref().unwrap().vault.as_ref().unwrap().as_str();
            assert_eq!(own.as_ptr(), keys.as_ptr());
            own.as_ptr()
        });
        assert_eq!(places[0], places[1]);
        assert_ne!(places[0], places[2]);
        assert_eq!(hubs[2].key_vault.as_ref().unwrap().name(), "VAULT");
        assert_eq!(hubs, before);
    }

    #[test]
    fn a_hub_is_kept_while_it_and_the_letters_of_its_key_are_as_before() {
        let before = Ok(hub("a", "vault", "k"));
        assert!(is_spelled_as(&before, &before.clone()));
        assert!(!is_spelled_as(&before, &Ok(hub("a", "VAULT", "k"))));
        assert!(!is_spelled_as(&before, &Ok(hub("b", "vault", "k"))));
        assert!(!is_spelled_as(&before, &Err("unreadable".to_owned())));
    }
}

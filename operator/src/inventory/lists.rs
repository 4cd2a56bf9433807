//! Lists of resources of one type in a subscription, or within a resource, as last read, and what is newer than they.
//!
//! Invariant: each list is read once, however many ask at the same time; a list that could not be read leaves what was read before.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use keyholder_azure::{ArmClient, ArmError, ErrorClass};
use keyholder_planner::ArmId;
use keyholder_planner::observed::{Live, Stored};
use moka::future::Cache;

use super::id_of;
use super::overtaken::Overtaken;
use crate::resource::ApiType;

/// Lists that are kept for one identity, at the most: those of subscriptions, and those of the projects of each account.
const MOST_LISTS: u64 = 16_384;

/// What a list tells, by lower-case ARM id. What could not be understood is kept as its error. What is as the list before had it is
/// shared with that list, so that two lists at once are hardly more than one.
pub type Listed<T> = HashMap<Arc<str>, Arc<Result<T, String>>>;

/// What is told of a resource by a list.
pub trait Item: Debug + PartialEq + Send + Sync + Sized + 'static {
    /// Whether it serves for one that is equal to it.
    fn is_spelled_as(&self, _: &Self) -> bool {
        true
    }

    /// Has what it rests on held once with what came before.
    fn share_within(&mut self, _: &mut SharedIds) {}
}

impl Item for Stored {}

impl Item for Live {
    /// The key's URL is repeated in status.
    fn is_spelled_as(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            one.encryption
                .as_ref()
                .map(|encryption| encryption.key.to_string())
        };
        key(self) == key(other)
    }

    fn share_within(&mut self, shared: &mut SharedIds) {
        let encryption = self.encryption.as_mut();
        let of_key = encryption.map(|encryption| (encryption.vault.as_mut(), encryption.identity.as_mut()));
        let (vault, identity) = of_key.unzip();
        let ids = self
            .user_assigned
            .iter_mut()
            .chain(&mut self.key_vault)
            .chain(&mut self.storage_account)
            .chain(vault.flatten())
            .chain(identity.flatten());
        for id in ids {
            shared.share(id);
        }
    }
}

/// The lists that tell the same of their resources, by their path in lower case.
#[derive(Debug)]
pub struct Lists<T: Item> {
    arm: Arc<ArmClient>,
    sweeper: ArmClient,
    lists: Cache<String, Arc<Listed<T>>>,
    /// Resources whose list is older than what was read of them.
    pub overtaken: Overtaken,
}

impl<T: Item> Lists<T> {
    /// Nothing read so far.
    pub fn new(arm: Arc<ArmClient>) -> Self {
        Self {
            sweeper: arm.for_sweeps(),
            arm,
            lists: Cache::new(MOST_LISTS),
            overtaken: Overtaken::default(),
        }
    }

    /// A list as last read; read now if it never was.
    ///
    /// # Errors
    /// Azure's, shared by all who asked.
    pub async fn get(&self, kind: &ApiType<T>, path: &str) -> Result<Arc<Listed<T>>, Arc<ArmError>> {
        self.lists
            .try_get_with(path.to_owned(), list(&self.arm, kind, path, None))
            .await
    }

    /// A list as it is now.
    ///
    /// # Errors
    /// Azure's.
    pub async fn now(&self, kind: &ApiType<T>, path: &str) -> Result<Arc<Listed<T>>, ArmError> {
        list(&self.arm, kind, path, self.known(path).await.as_deref()).await
    }

    /// Reads a list anew, for the sweep.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh(&self, kind: &ApiType<T>, path: &str) -> Result<Arc<Listed<T>>, ArmError> {
        let before = self.known(path).await;
        let listed = list(&self.sweeper, kind, path, before.as_deref()).await?;
        self.lists.insert(path.to_owned(), Arc::clone(&listed)).await;
        Ok(listed)
    }

    /// What a list said when it was last read, if it was.
    pub async fn known(&self, path: &str) -> Option<Arc<Listed<T>>> {
        self.lists.get(path).await
    }
}

async fn list<T: Item>(
    arm: &ArmClient,
    kind: &ApiType<T>,
    path: &str,
    before: Option<&Listed<T>>,
) -> Result<Arc<Listed<T>>, ArmError> {
    let mut shared = SharedIds::default();
    let listed = arm
        .list_with(path, kind.version, &[], |item| {
            let id = id_of(&item)?.lower();
            let mut told = (kind.convert)(&item).map_err(|error| error.to_string());
            let known = before.and_then(|before| before.get_key_value(id.as_str()));
            Some(match known {
                Some((id, known)) if serves_for(known, &told) => (Arc::clone(id), Arc::clone(known)),
                _ => {
                    if let Ok(told) = &mut told {
                        told.share_within(&mut shared);
                    }
                    (Arc::from(id), Arc::new(told))
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

/// Equal, and in the same letters where letters count.
fn serves_for<T: Item>(before: &Result<T, String>, after: &Result<T, String>) -> bool {
    before == after
        && before
            .as_ref()
            .ok()
            .zip(after.as_ref().ok())
            .is_none_or(|(before, after)| before.is_spelled_as(after))
}

/// What resources rest on, each id once for each spelling: vaults, identities and storage accounts serve many.
#[derive(Default)]
pub struct SharedIds(HashMap<String, ArmId>);

impl SharedIds {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observe::convert;

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
            hub.share_within(&mut shared);
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
        assert!(serves_for(&before, &before.clone()));
        assert!(!serves_for(&before, &Ok(hub("a", "VAULT", "k"))));
        assert!(!serves_for(&before, &Ok(hub("b", "vault", "k"))));
        assert!(!serves_for(&before, &Err("unreadable".to_owned())));
    }
}

//! Reads a key, its vault, and who may use it.
//!
//! Invariant: the key is known only when each version that is decided on was answered for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::Timestamp;
use keyholder_azure::{KeyVaults, wire};
use keyholder_crds::Reason;
use keyholder_planner::key_store::KeyStore;
use keyholder_planner::observed::{DeletedKey, LiveKey, LiveVault, RoleAssignment};
use keyholder_planner::{ArmId, Fact, Why};
use url::Url;

use super::{Look, SLOW, convert, key_store, not_understood};

/// Asks the vault itself for a key that is gone. That it does not answer says nothing about the key.
pub(super) async fn deleted_key(vaults: &KeyVaults, vault: &str, key: &str) -> Fact<DeletedKey> {
    let Ok(url) = Url::parse(vault) else {
        return not_understood(vault, "it is no URL of a vault");
    };
    match vaults.deleted_key(&url, key).await {
        Ok(Some(deleted)) => Fact::Known(DeletedKey {
            purge_at: deleted
                .purge_at
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        }),
        Ok(None) => Fact::Absent,
        Err(error) => {
            tracing::info!(
                vault,
                key,
                error = keyholder_azure::chain(&error),
                "a vault did not tell of its deleted keys"
            );
            Fact::Unknown(Why {
                reason: Reason::Unverifiable,
                message: keyholder_azure::chain(&error),
                retry_at: None,
            })
        }
    }
}

impl Look<'_> {
    pub(super) async fn vault(&self, id: &ArmId) -> Fact<LiveVault> {
        let convert = match KeyStore::of(id) {
            KeyStore::Vault => key_store::vault,
            KeyStore::ManagedHsm => key_store::managed_hsm,
        };
        self.read(&id.lower(), wire::VAULTS_VERSION, Duration::ZERO, convert)
            .await
    }

    /// The key with its current version, and the other versions that matter: the pinned one, the one in use, and when
    /// the current one cannot be used, all.
    pub(super) async fn key(&self, id: &str, wanted: Vec<String>) -> Fact<LiveKey> {
        let id = id.to_lowercase();
        let mut key = match self
            .read(&id, wire::KEYS_VERSION, Duration::ZERO, convert::key)
            .await
        {
            Fact::Known(key) => key,
            other => return other,
        };
        if !key.current.enabled
            || key
                .current
                .expires
                .is_some_and(|expires| expires <= Timestamp::now())
        {
            let path = format!("{id}/versions");
            return match self
                .inventory
                .reader
                .read_list(&path, wire::KEYS_VERSION, &[], self.age(Duration::ZERO))
                .await
            {
                Ok(versions) => match versions
                    .items
                    .iter()
                    .map(convert::key_version)
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(versions) => {
                        key.others = versions
                            .into_iter()
                            .filter(|one| one.identifier != key.current.identifier)
                            .collect();
                        Fact::Known(key)
                    }
                    Err(error) => not_understood(&path, &error.to_string()),
                },
                Err(error) => Fact::Unknown(self.why(&error)),
            };
        }
        for version in wanted {
            let known = std::iter::once(&key.current).chain(&key.others);
            if known.into_iter().any(|one| {
                one.identifier
                    .version()
                    .is_some_and(|known| known.as_str().eq_ignore_ascii_case(&version))
            }) {
                continue;
            }
            let path = format!("{id}/versions/{version}");
            match self
                .read(&path, wire::KEYS_VERSION, Duration::ZERO, convert::key_version)
                .await
            {
                Fact::Known(version) => key.others.push(version),
                Fact::Absent => {}
                Fact::Unknown(why) => return Fact::Unknown(why),
            }
        }
        Fact::Known(key)
    }

    /// Role assignments that reach the key, and the definitions of the roles they give.
    pub(super) async fn access(
        &self,
        key_id: &str,
        principal: &str,
    ) -> (
        Fact<Vec<RoleAssignment>>,
        BTreeMap<String, Fact<keyholder_planner::observed::RoleDefinition>>,
    ) {
        let path = key_id;
        let listed = self
            .inventory
            .assignments(key_id, principal, self.age(Duration::ZERO))
            .await;
        let assignments = match listed {
            Ok(listed) => match listed
                .items
                .iter()
                .map(convert::role_assignment)
                .collect::<Result<Vec<_>, _>>()
            {
                Ok(assignments) => assignments,
                Err(error) => return (not_understood(path, &error.to_string()), BTreeMap::new()),
            },
            Err(error) => return (Fact::Unknown(self.why(&error)), BTreeMap::new()),
        };
        let mut definitions = BTreeMap::new();
        for assignment in &assignments {
            let id = assignment.role_definition_id.to_lowercase();
            if let Entry::Vacant(entry) = definitions.entry(id) {
                let path = entry.key().clone();
                let definition = self
                    .read(
                        &path,
                        wire::ROLE_DEFINITIONS_VERSION,
                        SLOW,
                        convert::role_definition,
                    )
                    .await;
                entry.insert(definition);
            }
        }
        (Fact::Known(assignments), definitions)
    }
}

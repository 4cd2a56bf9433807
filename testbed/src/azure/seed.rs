//! What the simulated Azure holds at the beginning.
//!
//! Invariant: the operator has exactly the rights of `deploy/azure/roles`, and its identity trusts one ServiceAccount.

use std::fs;

use serde_json::{Value, json};

use super::names::{
    AI_GROUP, ALICE, HSM, HUB_IDENTITY, KEY, LOCATION, LOOSE_VAULT, MICROSOFT, OPERATOR, OPERATOR_CLIENT_ID,
    OTHER_KEY, OTHER_VAULT, PLATFORM_GROUP, SECURITY_GROUP, STRANGER, SUBSCRIPTION, TENANT, VAULT, group,
    hsm, identity, resource, subscription, vault,
};
use crate::binaries::repository;
use crate::error::Error;

/// The role with which a hub's identity uses a key.
const ENCRYPTION_USER: &str = "Key Vault Crypto Service Encryption User";

/// Each managed group has a search service and a storage account of its own: a subscription with many hubs has asked
/// Azure for more than the usual 16 and 250.
const ROOM: u32 = 20_000;
const SEARCH: &str = "Microsoft.Search/searchServices";
const STORAGE: &str = "Microsoft.Storage/storageAccounts";

/// Resource providers that hubs and accounts need.
const PROVIDERS: [&str; 9] = [
    "Microsoft.CognitiveServices",
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Authorization",
];

/// The ServiceAccount whose tokens the operator's identity trusts.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Issuer of the tokens: the API server's URL.
    pub issuer: String,
    /// Certificate authority of the issuer, as PEM.
    pub authority: String,
    /// Namespace of the ServiceAccount.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
}

/// A seed, in the simulator's form. What [`Seed::new`] holds can be changed before Azure starts.
#[derive(Clone, Debug)]
pub struct Seed(Value);

impl Seed {
    /// Everything the examples rest on, no hub, and settings that let operations end quickly.
    ///
    /// # Errors
    /// The role definitions in `deploy/azure/roles` cannot be read.
    pub fn new(trust: &Trust) -> Result<Self, Error> {
        let vaults = [VAULT, OTHER_VAULT, LOOSE_VAULT].map(|name| {
            json!({
                "id": vault(name),
                "location": LOCATION,
                "properties": { "enablePurgeProtection": name != LOOSE_VAULT },
                "keys": [
                    { "name": KEY, "kty": "RSA", "keySize": 3072, "versions": 2 },
                    { "name": OTHER_KEY, "kty": "RSA", "keySize": 3072, "versions": 1 },
                ],
            })
        });
        let groups = [AI_GROUP, SECURITY_GROUP, PLATFORM_GROUP]
            .map(|name| json!({ "id": group(name), "location": LOCATION }));
        let hub_secrets = json!({ "id": resource(AI_GROUP, "Microsoft.KeyVault/vaults", "hub-secrets"), "location": LOCATION });
        let quotas = [SEARCH, STORAGE].map(
            |kind| json!({ "subscription": SUBSCRIPTION, "location": LOCATION, "type": kind, "limit": ROOM }),
        );
        Ok(Self(json!({
            "tenant": TENANT,
            "settings": {
                "operationSeconds": 1, "retryAfterSeconds": 1, "propagationSeconds": 0, "pageSize": 50,
                // An operation lasts a thirtieth of Azure's time, and so does what an empty bucket needs.
                "limits": { "readsPerSecond": 750, "writesPerSecond": 300, "deletesPerSecond": 300 },
            },
            "subscriptions": [{ "id": SUBSCRIPTION, "registeredProviders": PROVIDERS }],
            "roleDefinitions": [role("observer")?, role("writer")?, role("granter")?, role("encryptor")?, role("purger")?, role("key-reader")?],
            "principals": [
                {
                    "name": ALICE,
                    "clientId": "33333333-0000-0000-0000-000000000001",
                    "objectId": "33333333-0000-0000-0000-000000000002",
                    "secret": "the-simulator-s-secret-of-alice",
                },
                {
                    "name": MICROSOFT,
                    "clientId": "33333333-0000-0000-0000-000000000003",
                    "objectId": "33333333-0000-0000-0000-000000000004",
                    "secret": "the-simulator-s-secret-of-microsoft",
                    "bypassDenyAssignments": true,
                },
            ],
            "resourceGroups": groups,
            "identities": [
                {
                    "id": identity(OPERATOR),
                    "location": LOCATION,
                    "clientId": OPERATOR_CLIENT_ID,
                    "principalId": "22222222-0000-0000-0000-000000000002",
                    "federatedCredentials": [{
                        "name": "keyholder",
                        "issuer": trust.issuer,
                        "subject": format!("system:serviceaccount:{}:{}", trust.namespace, trust.service_account),
                        "audiences": ["api://AzureADTokenExchange"],
                        "issuerCa": trust.authority,
                    }],
                },
                {
                    "id": identity(HUB_IDENTITY),
                    "location": LOCATION,
                    "clientId": "22222222-0000-0000-0000-000000000003",
                    "principalId": "22222222-0000-0000-0000-000000000004",
                },
                {
                    "id": identity(STRANGER),
                    "location": LOCATION,
                    "clientId": "22222222-0000-0000-0000-000000000005",
                    "principalId": "22222222-0000-0000-0000-000000000006",
                },
            ],
            "vaults": vaults.into_iter().chain([hub_secrets]).collect::<Vec<_>>(),
            "managedHsms": [
                { "id": hsm(HSM), "location": LOCATION, "keys": [{ "name": KEY, "keySize": 3072, "versions": 2 }] },
            ],
            "hsmRoleAssignments": [
                { "hsm": hsm(HSM), "principal": HUB_IDENTITY, "role": "Managed HSM Crypto User", "scope": format!("/keys/{KEY}") },
            ],
            "storageAccounts": [
                { "id": resource(AI_GROUP, "Microsoft.Storage/storageAccounts", "aihubdata"), "location": LOCATION },
            ],
            "quotas": quotas,
            "roleAssignments": [
                { "principal": OPERATOR, "role": "Keyholder Observer", "scope": subscription() },
                { "principal": OPERATOR, "role": "Keyholder Writer", "scope": group(AI_GROUP) },
                { "principal": OPERATOR, "role": "Keyholder Encryptor", "scope": group(AI_GROUP) },
                { "principal": OPERATOR, "role": "Keyholder Purger", "scope": subscription() },
                { "principal": HUB_IDENTITY, "role": ENCRYPTION_USER, "scope": vault(VAULT) },
                { "principal": HUB_IDENTITY, "role": ENCRYPTION_USER, "scope": vault(OTHER_VAULT) },
                { "principal": HUB_IDENTITY, "role": ENCRYPTION_USER, "scope": vault(LOOSE_VAULT) },
                { "principal": ALICE, "role": "Owner", "scope": subscription() },
                { "principal": MICROSOFT, "role": "Owner", "scope": subscription() },
            ],
        })))
    }

    /// Adds `item` to a list such as `vaults` or `roleAssignments`.
    pub fn add(&mut self, list: &str, item: Value) {
        match self.0.get_mut(list).and_then(Value::as_array_mut) {
            Some(items) => items.push(item),
            None => self.put(list, json!([item])),
        }
    }

    /// Removes from a list what `unwanted` picks.
    pub fn remove(&mut self, list: &str, unwanted: impl Fn(&Value) -> bool) {
        if let Some(items) = self.0.get_mut(list).and_then(Value::as_array_mut) {
            items.retain(|item| !unwanted(item));
        }
    }

    /// Sets one of the simulator's settings.
    pub fn setting(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(settings) = self.0.get_mut("settings").and_then(Value::as_object_mut) {
            settings.insert(name.to_owned(), value.into());
        }
    }

    /// All of it, for changes that have no name here.
    pub fn value(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The text that the simulator reads: JSON is YAML.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// A service principal with a client secret, as client id and secret.
    #[must_use]
    pub fn secret(&self, principal: &str) -> Option<(String, String)> {
        let found = self.principal(principal)?;
        Some((
            found.get("clientId")?.as_str()?.to_owned(),
            found.get("secret")?.as_str()?.to_owned(),
        ))
    }

    /// Object id of a service principal, for role assignments.
    #[must_use]
    pub fn object_id(&self, principal: &str) -> Option<String> {
        Some(self.principal(principal)?.get("objectId")?.as_str()?.to_owned())
    }

    fn principal(&self, name: &str) -> Option<&Value> {
        let principals = self.0.get("principals")?.as_array()?;
        principals
            .iter()
            .find(|one| one.get("name").and_then(Value::as_str) == Some(name))
    }

    fn put(&mut self, name: &str, value: Value) {
        if let Some(seed) = self.0.as_object_mut() {
            seed.insert(name.to_owned(), value);
        }
    }
}

/// A role definition as it is shipped.
fn role(name: &str) -> Result<Value, Error> {
    let path = repository()
        .join("deploy/azure/roles")
        .join(format!("{name}.json"));
    let text = fs::read_to_string(&path).map_err(Error::file("reading", &path))?;
    serde_json::from_str(&text).map_err(Error::azure(format!("understanding {}", path.display())))
}

/// The assignment that lets the operator give access to keys of the vault, with the condition of `deploy/azure`.
///
/// # Errors
/// The condition cannot be read.
pub fn granter() -> Result<Value, Error> {
    let path = repository().join("deploy/azure/granter-condition.txt");
    let condition = fs::read_to_string(&path).map_err(Error::file("reading", &path))?;
    Ok(json!({
        "principal": OPERATOR,
        "role": "Keyholder Granter",
        "scope": vault(VAULT),
        "condition": condition.trim(),
    }))
}

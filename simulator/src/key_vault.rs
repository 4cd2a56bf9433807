//! What the resource provider of Key Vault does beside vaults and keys: deleted vaults, access policies one by one, and
//! whether a name is free.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::{Address, ResourceId, subscription_of};
use crate::deleted_keys::is_purge_protected;
use crate::deleted_vaults::DeletedVault;
use crate::front::{Method, Reply, Request, only};
use crate::operations::{Effect, Verb};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::{ACCESS_POLICIES, DELETED_HSMS, DELETED_VAULTS, DELETED_VAULTS_OF_LOCATION, Type, VAULTS};
use crate::world::World;

/// The kinds of permissions of an access policy.
const KINDS: [&str; 4] = ["keys", "secrets", "certificates", "storage"];

impl World {
    /// Answers what is asked of the provider itself; `None` for everything else.
    pub(crate) fn key_vault(
        &mut self,
        request: &Request<'_>,
        address: &Address,
    ) -> Result<Option<Reply>, Refusal> {
        let is = |kind: &str, wanted: &str| kind.eq_ignore_ascii_case(wanted);
        match address {
            Address::Collection { scope, kind } if is(kind, DELETED_VAULTS) => {
                self.list_deleted_vaults(request, scope).map(Some)
            }
            Address::Collection { scope, kind } if is(kind, DELETED_HSMS) => {
                only(request, Method::Get)?;
                let action = format!("{DELETED_HSMS}/read");
                self.authorize(request.caller, &action, scope, request.now)?;
                Ok(Some(self.page(request, Vec::new())))
            }
            Address::Resource(id) if is(&id.kind, DELETED_VAULTS_OF_LOCATION) => {
                only(request, Method::Get)?;
                let action = format!("{DELETED_VAULTS_OF_LOCATION}/read");
                self.authorize(request.caller, &action, &id.id, request.now)?;
                Ok(Some(Reply::ok(self.deleted_vault(id)?.body())))
            }
            Address::Resource(id) if is(&id.kind, ACCESS_POLICIES) => {
                self.change_access_policies(request, id).map(Some)
            }
            Address::Action { resource, action }
                if is(&resource.kind, DELETED_VAULTS_OF_LOCATION) && is(action, "purge") =>
            {
                self.ask_for_purge(request, resource).map(Some)
            }
            Address::Action { resource, action }
                if is(&resource.kind, "Microsoft.KeyVault") && is(action, "checkNameAvailability") =>
            {
                self.check_vault_name(request, resource).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn list_deleted_vaults(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        only(request, Method::Get)?;
        let action = format!("{DELETED_VAULTS}/read");
        self.authorize(request.caller, &action, scope, request.now)?;
        let items = self
            .deleted_vaults
            .values()
            .filter(|one| subscription_of(one.vault_id()).eq_ignore_ascii_case(subscription_of(scope)))
            .map(DeletedVault::body)
            .collect();
        Ok(self.page(request, items))
    }

    fn deleted_vault(&self, id: &ResourceId) -> Result<&DeletedVault, Refusal> {
        self.deleted_vaults
            .get(&id.name.to_lowercase())
            .filter(|one| at(&one.body(), "/id").is_some_and(|own| own.eq_ignore_ascii_case(&id.id)))
            // The code is not confirmed.
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::NOT_FOUND,
                    "DeletedVaultNotFound",
                    format!("The specified deleted vault '{}' does not exist.", id.name),
                )
            })
    }

    fn ask_for_purge(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        only(request, Method::Post)?;
        let action = format!("{DELETED_VAULTS_OF_LOCATION}/purge/action");
        self.authorize(request.caller, &action, &id.id, request.now)?;
        let deleted = self.deleted_vault(id)?;
        if is_purge_protected(&deleted.vault) {
            // microsoft/AzureTRE #1446.
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "Operation 'DeletedVaultPurge' is not allowed.",
            ));
        }
        let name = id.name.clone();
        let effect = Effect::new(Verb::Purge, move |world: &mut Self, operation, _| {
            operation.outcome_of(|| Ok(()))?;
            world.purge_vault(&name);
            Ok(())
        });
        let vault = deleted.vault_id().to_owned();
        Ok(self.begin(request, &vault, effect))
    }

    /// PUT of `accessPolicies/add`, `replace` and `remove`: changes what some identities may do, and nobody else.
    fn change_access_policies(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        only(request, Method::Put)?;
        let action = format!("{ACCESS_POLICIES}/write");
        self.authorize(request.caller, &action, &id.scope, request.now)?;
        let sent = request.required_body()?;
        if let Some(kind) = Type::named(&id.kind) {
            crate::shape::check(kind.body, sent, false)?;
        }
        let how = id.name.to_lowercase();
        if !["add", "replace", "remove"].contains(&how.as_str()) {
            return Err(Refusal::bad_request(
                "BadRequest",
                format!(
                    "Access policies are changed by add, replace or remove, not by '{}'.",
                    id.name
                ),
            ));
        }
        let sent = policies(sent);
        let Some(vault) = self.get_mut(&id.scope) else {
            let name = id.scope.rsplit('/').next().unwrap_or_default();
            return Err(Refusal::resource_not_found(VAULTS, name, id.group()));
        };
        let mut kept = policies(&vault.body);
        for change in sent {
            let before = kept.iter().position(|one| same_identity(one, &change));
            match (how.as_str(), before.and_then(|index| kept.get_mut(index))) {
                ("replace", Some(policy)) => *policy = change,
                ("add", Some(policy)) => change_words(policy, &change, true),
                ("remove", Some(policy)) => change_words(policy, &change, false),
                ("remove", None) => {}
                (_, None) => kept.push(change),
                (_, Some(_)) => {}
            }
        }
        kept.retain(|policy| KINDS.iter().any(|kind| !words(policy, kind).is_empty()));
        if let Some(properties) = vault.body.get_mut("properties") {
            set(properties, "accessPolicies", Value::Array(kept.clone()));
        }
        vault.changed = request.now;
        Ok(Reply::ok(json!({
            "id": format!("{}/accessPolicies/", vault.id()),
            "name": id.name,
            "type": ACCESS_POLICIES,
            "properties": { "accessPolicies": kept },
        })))
    }

    fn check_vault_name(&self, request: &Request<'_>, provider: &ResourceId) -> Result<Reply, Refusal> {
        only(request, Method::Post)?;
        let action = "Microsoft.KeyVault/checkNameAvailability/read";
        self.authorize(request.caller, action, &provider.scope, request.now)?;
        let body = request.required_body()?;
        let name = at(body, "/name").unwrap_or_default();
        if at(body, "/type").is_none_or(|kind| !kind.eq_ignore_ascii_case(VAULTS)) {
            return Err(Refusal::bad_request(
                "BadRequest",
                format!("The type must be '{VAULTS}'."),
            ));
        }
        let is_valid = Type::named(VAULTS).is_some_and(|kind| kind.allows_name(name));
        let is_taken =
            self.vault_named(name).is_some() || self.deleted_vaults.contains_key(&name.to_lowercase());
        let refused = |reason: &str, message: String| json!({ "nameAvailable": false, "reason": reason, "message": message });
        Ok(Reply::ok(if !is_valid {
            refused(
                "AccountNameInvalid",
                format!("The vault name '{name}' is invalid."),
            )
        } else if is_taken {
            refused("AlreadyExists", already_exists(name))
        } else {
            json!({ "nameAvailable": true })
        }))
    }
}

/// What is said of the name of a vault that somebody has (azure-powershell #15115).
pub(crate) fn already_exists(name: &str) -> String {
    format!(
        "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is \
         already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same \
         name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a \
         recoverable state then the vault will need to be purged before reusing the name. For more information on soft \
         delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740."
    )
}

fn policies(body: &Value) -> Vec<Value> {
    body.pointer("/properties/accessPolicies")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// A policy is one identity's, perhaps by way of an application.
fn same_identity(one: &Value, other: &Value) -> bool {
    ["/tenantId", "/objectId", "/applicationId"]
        .iter()
        .all(|pointer| {
            let text = |policy| at(policy, pointer).unwrap_or_default().to_lowercase();
            text(one) == text(other)
        })
}

fn words(policy: &Value, kind: &str) -> Vec<String> {
    policy
        .pointer(&format!("/permissions/{kind}"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Adds the words of `change` to a policy, or takes them away.
fn change_words(policy: &mut Value, change: &Value, adds: bool) {
    for kind in KINDS {
        let change = words(change, kind);
        let is_in = |words: &[String], word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
        let mut kept = words(policy, kind);
        if adds {
            let new: Vec<String> = change.into_iter().filter(|word| !is_in(&kept, word)).collect();
            kept.extend(new);
        } else {
            kept.retain(|word| !is_in(&change, word));
        }
        if let Some(permissions) = policy.get_mut("permissions")
            && (!kept.is_empty() || permissions.get(kind).is_some())
        {
            set(permissions, kind, kept);
        }
    }
}

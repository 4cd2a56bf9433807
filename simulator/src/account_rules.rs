//! What an account may be: its kind, its subdomain, its projects.
//!
//! Invariant: what is refused here is refused before anything is begun.
//!
//! Source, unless another is named: terraform-provider-azurerm, cognitive_account_resource.

use serde_json::Value;

use crate::account_key::own_key;
use crate::address::ResourceId;
use crate::provisioning::is_kind;
use crate::refusal::Refusal;
use crate::text::at;
use crate::types::ACCOUNTS;
use crate::world::World;

const SUBDOMAIN: &str = "/properties/customSubDomainName";

/// Kinds that can let trusted Microsoft services through their network rules.
const WITH_BYPASS: [&str; 3] = ["OpenAI", "AIServices", "TextAnalytics"];

/// Whether a property is true.
pub(crate) fn is_set(account: &Value, property: &str) -> bool {
    account
        .pointer(&format!("/properties/{property}"))
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

impl World {
    /// Looks whether an account may be as it would be after a request.
    pub(crate) fn check_account(&self, id: &ResourceId, account: &Value) -> Result<(), Refusal> {
        if is_set(account, "allowProjectManagement") {
            let has_identity =
                at(account, "/identity/type").is_some_and(|kind| !kind.eq_ignore_ascii_case("None"));
            if !is_kind(account, "AIServices") || !has_identity {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    "allowProjectManagement needs an account of kind AIServices with a managed identity.",
                ));
            }
        }
        let has_bypass = account
            .pointer("/properties/networkAcls/bypass")
            .is_some_and(|bypass| !bypass.is_null());
        if has_bypass && !WITH_BYPASS.iter().any(|kind| is_kind(account, kind)) {
            return Err(Refusal::bad_request(
                "BadRequest",
                format!(
                    "networkAcls.bypass is for accounts of kind {} only.",
                    WITH_BYPASS.join(", ")
                ),
            ));
        }
        match at(account, SUBDOMAIN).filter(|name| !name.is_empty()) {
            Some(name) if self.has_subdomain(id, name) => Err(in_use(name)),
            _ => Ok(()),
        }
    }

    /// Looks whether an account may become what it would be after a request. What may not change is set back.
    pub(crate) fn check_account_change(
        &self,
        id: &ResourceId,
        before: &Value,
        account: &mut Value,
    ) -> Result<(), Refusal> {
        let back = |account: &mut Value, pointer: &str| {
            if let (Some(old), Some(new)) = (before.pointer(pointer), account.pointer_mut(pointer)) {
                *new = old.clone();
            }
        };
        let was = at(before, SUBDOMAIN).unwrap_or_default();
        if !was.is_empty() && at(account, SUBDOMAIN).is_none_or(|new| !new.eq_ignore_ascii_case(was)) {
            self.forbidden_change(id, "properties.customSubDomainName")?;
            back(account, SUBDOMAIN);
        }
        let is_other = at(before, "/kind")
            .zip(at(account, "/kind"))
            .is_some_and(|(old, new)| !old.eq_ignore_ascii_case(new));
        if is_other && !self.may_change_kind(before, account) {
            self.forbidden_change(id, "kind")?;
            back(account, "/kind");
        }
        let projects = "allowProjectManagement";
        let gives_up = is_set(before, projects) && !is_set(account, projects);
        if gives_up && self.account_projects(&id.id).next().is_some() {
            // upgrade-azure-openai; the text is not known.
            return Err(Refusal::bad_request(
                "BadRequest",
                "The account has projects. They must be deleted before allowProjectManagement is given up.",
            ));
        }
        if gives_up && !is_kind(account, "OpenAI") {
            self.forbidden_change(id, "properties.allowProjectManagement")?;
            if let Some(properties) = account.get_mut("properties") {
                crate::text::set(properties, projects, true);
            }
        }
        Ok(())
    }

    /// Only `OpenAI` and `AIServices` become each other (terraform-provider-azurerm #31063).
    fn may_change_kind(&self, before: &Value, after: &Value) -> bool {
        let both = ["OpenAI", "AIServices"];
        let is_upgrade = [before, after]
            .iter()
            .all(|account| both.iter().any(|kind| is_kind(account, kind)));
        is_upgrade && (own_key(before).is_none() || self.settings.accounts.kind_changes_with_key)
    }

    /// A subdomain is taken in all of Azure, by deleted accounts too.
    fn has_subdomain(&self, id: &ResourceId, name: &str) -> bool {
        let is_it = |account: &Value| {
            at(account, SUBDOMAIN).is_some_and(|own| own.eq_ignore_ascii_case(name))
                && at(account, "/id").is_some_and(|own| !own.eq_ignore_ascii_case(&id.id))
        };
        let mut live = self.resources.values().filter(|one| one.kind() == ACCOUNTS);
        live.any(|one| is_it(&one.body)) || self.deleted_accounts.values().any(|one| is_it(&one.account.body))
    }
}

/// azuresandbox #164.
fn in_use(name: &str) -> Refusal {
    Refusal::conflict(
        "CustomDomainInUse",
        format!(
            "Please pick a different name. The subdomain name '{name}' is not available as it's already used by a \
             resource. If the resource using the name was deleted in the last 48 hours, you may need to purge the deleted \
             resource. Learn more at \"https://go.microsoft.com/fwlink/?linkid=2215493\""
        ),
    )
}

//! The rules for Azure AI services accounts alone.

use kube::core::{Reason, Rule};

use super::{ACCOUNT, name_fits, transition};
use crate::formats::ACCOUNT_NAME;

/// Without `azureName`, the object's own name must be one that Azure takes.
#[must_use]
pub fn name_fits_azure() -> Rule {
    name_fits(ACCOUNT_NAME, "an account (2 to 64 letters, digits, - _ and .)")
}

/// True when the account may have projects, as it is declared or as Azure has it.
const WITH_PROJECTS: &str = "((has(oldSelf.status.bound.allowProjectManagement) && oldSelf.status.bound.allowProjectManagement) || \
                             (has(self.spec.allowProjectManagement) && self.spec.allowProjectManagement))";

/// An account with projects does not go back to Microsoft's key.
#[must_use]
pub fn mode_unchanged_with_projects() -> Rule {
    let mode = "self.spec.encryption.mode";
    transition(
        mode,
        "oldSelf.spec.encryption.mode",
        &format!("{mode} == oldSelf.status.bound.mode || {mode} == 'CustomerManaged' || !{WITH_PROJECTS}"),
        ".spec.encryption.mode",
        &ACCOUNT.refusal("Azure cannot take an account with projects back to Microsoft-managed keys."),
    )
}

/// An account does not become one of another kind.
#[must_use]
pub fn account_kind_unchanged() -> Rule {
    let kind = |root: &str| format!("{root}.spec.accountKind.lowerAscii()");
    let new = kind("self");
    let bound = "(has(oldSelf.status.bound.accountKind) ? oldSelf.status.bound.accountKind : '')";
    transition(
        &new,
        &kind("oldSelf"),
        &format!("{new} == {bound}"),
        ".spec.accountKind",
        &ACCOUNT.refusal("Azure fixes the kind of an account when it is created."),
    )
}

/// Projects cannot be disallowed again.
#[must_use]
pub fn projects_stay() -> Rule {
    let allows = |root: &str| {
        format!("(has({root}.spec.allowProjectManagement) ? {root}.spec.allowProjectManagement : true)")
    };
    let new = allows("self");
    transition(
        &new,
        &allows("oldSelf"),
        &format!(
            "{new} || !has(oldSelf.status.bound.allowProjectManagement) || !oldSelf.status.bound.allowProjectManagement"
        ),
        ".spec.allowProjectManagement",
        &ACCOUNT.refusal("Azure cannot disallow projects on an account that allows them."),
    )
}

/// The subdomain stays once it is given.
#[must_use]
pub fn sub_domain_unchanged() -> Rule {
    let name = |root: &str| {
        format!("(has({root}.spec.customSubDomainName) ? {root}.spec.customSubDomainName.lowerAscii() : '')")
    };
    let new = name("self");
    transition(
        &new,
        &name("oldSelf"),
        &format!(
            "{new} == '' || !has(oldSelf.status.bound.customSubDomainName) || {new} == oldSelf.status.bound.customSubDomainName"
        ),
        ".spec.customSubDomainName",
        &ACCOUNT.refusal("Azure cannot change the subdomain of an account."),
    )
}

/// Projects are for Foundry accounts with a managed identity (terraform-provider-azurerm, cognitive_account_resource).
#[must_use]
pub fn projects_need_foundry_and_an_identity() -> Rule {
    Rule::new(
        "!has(self.allowProjectManagement) || !self.allowProjectManagement || \
         (self.accountKind.lowerAscii() == 'aiservices' && has(self.identity))",
    )
    .message("allowProjectManagement needs accountKind: AIServices and an identity.")
    .reason(Reason::FieldValueInvalid)
    .field_path(".allowProjectManagement")
}

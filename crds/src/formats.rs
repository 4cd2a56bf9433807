//! The rules for the form of single values, each saying in words what the field takes.
//!
//! Invariant: they are CEL rules, not `pattern`s: of a pattern the API server shows people nothing but the expression.

use kube::core::Rule;

const GUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
const GROUP: &str = "[-0-9A-Za-z_.()]*[-0-9A-Za-z_()]";
const ACCOUNT: &str = "[a-z0-9]{3,24}";
const VAULT: &str = "[a-z][a-z0-9-]{1,22}[a-z0-9]";
const IDENTITY: &str = "[a-z0-9][a-z0-9_-]{2,127}";

fn matches(pattern: &str, message: &str) -> Rule {
    Rule::new(format!("self.matches('^{pattern}$')")).message(message)
}

/// A name, or the ARM id of a resource of type `kind` with such a name.
fn reference_pattern(name: &str, kind: &str) -> String {
    let kind = kind.replace('.', "[.]");
    format!("(?i)^({name}|/subscriptions/{GUID}/resourceGroups/{GROUP}/providers/{kind}/{name})$")
}

fn reference(what: &str, name: &str, kind: &str) -> String {
    format!(
        "{what}: give its name ({name}), or its whole ARM id when it is elsewhere \
         (/subscriptions/GUID/resourceGroups/GROUP/providers/{kind}/NAME)."
    )
}

/// A subscription's id.
#[must_use]
pub fn subscription() -> Rule {
    matches(
        GUID,
        "not the id of a subscription: a GUID, as `az account show --query id` prints it.",
    )
}

/// A resource group's name.
#[must_use]
pub fn resource_group() -> Rule {
    matches(
        GROUP,
        "not a name that Azure takes for a resource group: letters, digits, - _ . ( ), and no . at its end.",
    )
}

/// A region.
#[must_use]
pub fn location() -> Rule {
    matches(
        "[A-Za-z0-9 ]+",
        "not the name of a region: letters and digits, such as westeurope.",
    )
}

/// A hub's name in Azure.
#[must_use]
pub fn azure_name() -> Rule {
    matches(
        "[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
        "not a name that Azure takes for a hub: 3 to 33 letters, digits, - and _, a letter or a digit first.",
    )
}

/// A storage account, by name or id.
#[must_use]
pub fn storage_account() -> Rule {
    let kind = "Microsoft.Storage/storageAccounts";
    Rule::new(format!("self.matches('{}')", reference_pattern(ACCOUNT, kind))).message(&*reference(
        "not a storage account",
        "3 to 24 lower-case letters and digits",
        kind,
    ))
}

/// A key vault, by name or id.
#[must_use]
pub fn vault() -> Rule {
    let kind = "Microsoft.KeyVault/vaults";
    Rule::new(format!("self.matches('{}')", reference_pattern(VAULT, kind))).message(&*reference(
        "not a key vault",
        "3 to 24 letters, digits and -, a letter first, no URL",
        kind,
    ))
}

const IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
const IDENTITY_NAME: &str = "3 to 128 letters, digits, - and _";

/// A user-assigned identity, by name or id.
#[must_use]
pub fn identity() -> Rule {
    Rule::new(format!(
        "self.matches('{}')",
        reference_pattern(IDENTITY, IDENTITIES)
    ))
    .message(&*reference(
        "not a user-assigned identity",
        IDENTITY_NAME,
        IDENTITIES,
    ))
}

/// A list of user-assigned identities, by name or id.
#[must_use]
pub fn identities() -> Rule {
    Rule::new(format!(
        "self.all(one, one.matches('{}'))",
        reference_pattern(IDENTITY, IDENTITIES)
    ))
    .message(&*reference(
        "one of these is not a user-assigned identity",
        IDENTITY_NAME,
        IDENTITIES,
    ))
}

/// A key's name.
#[must_use]
pub fn key() -> Rule {
    matches(
        "[a-zA-Z0-9-]{1,127}",
        "not the name of a key: 1 to 127 letters, digits and -. Its URL is not wanted here, its version belongs in version.",
    )
}

/// A key's version.
#[must_use]
pub fn key_version() -> Rule {
    matches(
        "[a-fA-F0-9]{32}",
        "not the version of a key: 32 hexadecimal digits, the last part of its URL.",
    )
}

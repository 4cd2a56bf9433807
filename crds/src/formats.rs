//! The rules for the form of single values, each saying in words what the field takes.
//!
//! Invariant: they are CEL rules, not `pattern`s: of a pattern the API server shows people nothing but the expression.

use kube::core::Rule;

pub(crate) const GUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
pub(crate) const GROUP: &str = "[-0-9A-Za-z_.()]*[-0-9A-Za-z_()]";
/// A hub's name in Azure.
pub(crate) const AZURE_NAME: &str = "[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}";
/// An account's name in Azure.
pub(crate) const ACCOUNT_NAME: &str = "[a-zA-Z0-9][a-zA-Z0-9_.-]{1,63}";
/// ARM type of user-assigned identities.
pub(crate) const USER_ASSIGNED_IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

fn matches(pattern: &str, message: &str) -> Rule {
    Rule::new(format!("self.matches('^{pattern}$')")).message(message)
}

/// A kind of resource that a spec refers to.
struct Referred {
    /// Its ARM type.
    kind: &'static str,
    /// Its names, as an expression.
    name: &'static str,
    /// The same for people.
    words: &'static str,
}

const STORAGE_ACCOUNTS: Referred = Referred {
    kind: "Microsoft.Storage/storageAccounts",
    name: "[a-z0-9]{3,24}",
    words: "3 to 24 lower-case letters and digits",
};
const VAULTS: Referred = Referred {
    kind: "Microsoft.KeyVault/vaults",
    name: "[a-z][a-z0-9-]{1,22}[a-z0-9]",
    words: "3 to 24 letters, digits and -, a letter first, no URL",
};
const IDENTITIES: Referred = Referred {
    kind: USER_ASSIGNED_IDENTITIES,
    name: "[a-z0-9][a-z0-9_-]{2,127}",
    words: "3 to 128 letters, digits, - and _",
};

impl Referred {
    /// Whether `text` is such a name, or the ARM id of a resource with such a name.
    fn is(&self, text: &str) -> String {
        let kind = self.kind.replace('.', "[.]");
        let name = self.name;
        format!(
            "{text}.matches('(?i)^({name}|/subscriptions/{GUID}/resourceGroups/{GROUP}/providers/{kind}/{name})$')"
        )
    }

    /// That `rule` holds; `what` it is not otherwise.
    fn rule(&self, rule: String, what: &str) -> Rule {
        let Self { kind, words, .. } = self;
        let message = format!(
            "{what}: give its name ({words}), or its whole ARM id when it is elsewhere \
             (/subscriptions/GUID/resourceGroups/GROUP/providers/{kind}/NAME)."
        );
        Rule::new(rule).message(&*message)
    }
}

/// The name of an object in Kubernetes: a DNS subdomain (kubernetes.io, overview/working-with-objects/names).
#[must_use]
pub fn object_name() -> Rule {
    const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    matches(
        &format!("{LABEL}([.]{LABEL})*"),
        "not the name of an object: lower-case letters, digits, - and ., no - or . at its ends, such as research.",
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
        AZURE_NAME,
        "not a name that Azure takes for a hub: 3 to 33 letters, digits, - and _, a letter or a digit first.",
    )
}

/// An account's name in Azure.
#[must_use]
pub fn account_name() -> Rule {
    matches(
        ACCOUNT_NAME,
        "not a name that Azure takes for an account: 2 to 64 letters, digits, - _ and ., a letter or a digit first.",
    )
}

/// The kind of an account.
#[must_use]
pub fn account_kind() -> Rule {
    matches(
        "[A-Za-z][A-Za-z0-9.]*",
        "not a kind of account: letters and digits, such as AIServices, OpenAI or SpeechServices.",
    )
}

/// A subdomain.
#[must_use]
pub fn sub_domain() -> Rule {
    matches(
        "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?",
        "not a subdomain: letters, digits and -, no - at its ends.",
    )
}

/// A dependent, by name or id: a resource of its own, and nothing within it. Its type is told beside it.
#[must_use]
pub fn dependent() -> Rule {
    const NAME: &str = "[0-9A-Za-z_.-]+";
    let id = format!("/subscriptions/{GUID}/resourceGroups/{GROUP}/providers/[0-9a-z.]+/[0-9a-z]+/{NAME}");
    Rule::new(format!("self.matches('(?i)^({NAME}|{id})$')")).message(
        "not a resource: give its name (letters, digits, - _ and .), or its whole ARM id when it is elsewhere \
         (/subscriptions/GUID/resourceGroups/GROUP/providers/TYPE/NAME), not that of something within it.",
    )
}

/// A storage account, by name or id.
#[must_use]
pub fn storage_account() -> Rule {
    STORAGE_ACCOUNTS.rule(STORAGE_ACCOUNTS.is("self"), "not a storage account")
}

/// A key vault, by name or id.
#[must_use]
pub fn vault() -> Rule {
    VAULTS.rule(VAULTS.is("self"), "not a key vault")
}

/// A key vault, by name or id, or a managed HSM, by id.
#[must_use]
pub fn key_store() -> Rule {
    let hsms = Referred {
        kind: "Microsoft.KeyVault/(vaults|managedHSMs)",
        ..VAULTS
    };
    VAULTS.rule(
        hsms.is("self"),
        "not a key vault, and not the whole ARM id of a managed HSM (Microsoft.KeyVault/managedHSMs)",
    )
}

/// A user-assigned identity, by name or id.
#[must_use]
pub fn identity() -> Rule {
    IDENTITIES.rule(IDENTITIES.is("self"), "not a user-assigned identity")
}

/// A list of user-assigned identities, by name or id.
#[must_use]
pub fn identities() -> Rule {
    let rule = format!("self.all(one, {})", IDENTITIES.is("one"));
    IDENTITIES.rule(rule, "one of these is not a user-assigned identity")
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

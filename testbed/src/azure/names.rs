//! What the simulated Azure is called: one tenant with one subscription, as in the examples.

/// Tenant id.
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// Subscription id.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
/// Where everything is.
pub const LOCATION: &str = "westeurope";

/// The resource group of the hubs, and of what they rest on.
pub const AI_GROUP: &str = "rg-ai";
/// The resource group of the vaults.
pub const SECURITY_GROUP: &str = "rg-security";
/// The resource group of the operator's own identity.
pub const PLATFORM_GROUP: &str = "rg-platform";

/// The vault that is as it should be.
pub const VAULT: &str = "corp-keys";
/// A second such vault.
pub const OTHER_VAULT: &str = "other-keys";
/// A vault without purge protection.
pub const LOOSE_VAULT: &str = "loose-keys";
/// A managed HSM that is as it should be.
pub const HSM: &str = "corp-hsm";
/// The key of the examples, in every vault.
pub const KEY: &str = "ai-hub";
/// A second key, in every vault.
pub const OTHER_KEY: &str = "ai-hub-next";

/// The identity of hubs, with access to the keys of every vault.
pub const HUB_IDENTITY: &str = "hub";
/// An identity without access.
pub const STRANGER: &str = "stranger";
/// The operator's identity, which its ServiceAccount is federated with.
pub const OPERATOR: &str = "operator";
/// The operator's client id.
pub const OPERATOR_CLIENT_ID: &str = "22222222-0000-0000-0000-000000000001";

/// A human principal: owner of the subscription, with a client secret.
pub const ALICE: &str = "alice";
/// The principal that stands for Microsoft's own service: deny assignments do not hold it.
pub const MICROSOFT: &str = "microsoft";

/// The subscription's ARM id.
#[must_use]
pub fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

/// A resource group's ARM id.
#[must_use]
pub fn group(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}

/// A resource's ARM id; `kind` is a provider with a type, as `Microsoft.KeyVault/vaults`.
#[must_use]
pub fn resource(group_name: &str, kind: &str, name: &str) -> String {
    format!("{}/providers/{kind}/{name}", group(group_name))
}

/// A hub's ARM id.
#[must_use]
pub fn hub(name: &str) -> String {
    resource(AI_GROUP, "Microsoft.MachineLearningServices/workspaces", name)
}

/// An account's ARM id.
#[must_use]
pub fn account(name: &str) -> String {
    resource(AI_GROUP, "Microsoft.CognitiveServices/accounts", name)
}

/// A vault's ARM id.
#[must_use]
pub fn vault(name: &str) -> String {
    resource(SECURITY_GROUP, "Microsoft.KeyVault/vaults", name)
}

/// A managed HSM's ARM id.
#[must_use]
pub fn hsm(name: &str) -> String {
    resource(SECURITY_GROUP, "Microsoft.KeyVault/managedHSMs", name)
}

/// An identity's ARM id.
#[must_use]
pub fn identity(name: &str) -> String {
    let group = if name == OPERATOR {
        PLATFORM_GROUP
    } else {
        AI_GROUP
    };
    resource(group, "Microsoft.ManagedIdentity/userAssignedIdentities", name)
}

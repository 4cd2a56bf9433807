//! Resource groups, resources of any type, resource providers, and user-assigned identities.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A resource group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroup {
    /// ARM id.
    pub id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// The resource that it is managed for.
    pub managed_by: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Everything else.
    pub properties: Option<ResourceGroupProperties>,
}

/// A resource group's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroupProperties {
    /// `Succeeded`, `Deleting`, …
    pub provisioning_state: Option<String>,
}

/// A resource of any type, as lists of a group or a subscription have it: without its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenericResource {
    /// Name.
    pub name: Option<String>,
    /// ARM resource type.
    pub r#type: Option<String>,
    /// Kind, where the type has kinds.
    pub kind: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// The resource that it is managed for.
    pub managed_by: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// With `$expand=provisioningState`.
    pub provisioning_state: Option<String>,
    /// With `$expand=createdTime`; RFC 3339.
    pub created_time: Option<String>,
    /// With `$expand=changedTime`; RFC 3339.
    pub changed_time: Option<String>,
}

/// A resource provider in a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// ARM id.
    pub id: Option<String>,
    /// `Microsoft.KeyVault`, …
    pub namespace: Option<String>,
    /// `Registered`, `Registering`, `NotRegistered`, `Unregistering`.
    pub registration_state: Option<String>,
}

/// A user-assigned identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentity {
    /// ARM id.
    pub id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Everything else.
    pub properties: Option<UserAssignedIdentityProperties>,
}

/// A user-assigned identity's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentityProperties {
    /// Tenant.
    pub tenant_id: Option<String>,
    /// Object id of its service principal.
    pub principal_id: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
}

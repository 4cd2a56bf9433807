//! `Microsoft.Authorization/roleAssignments` and `roleDefinitions`.

use serde::Deserialize;

/// A role assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// ARM id.
    pub id: Option<String>,
    /// A GUID.
    pub name: Option<String>,
    /// Everything else.
    pub properties: Option<RoleAssignmentProperties>,
}

/// A role assignment's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignmentProperties {
    /// Where it applies: there and below.
    pub scope: Option<String>,
    /// ARM id of the role.
    pub role_definition_id: Option<String>,
    /// Object id of the principal; may be a group's.
    pub principal_id: Option<String>,
    /// `ServicePrincipal`, `User`, `Group`, …
    pub principal_type: Option<String>,
    /// A condition under which alone it applies.
    pub condition: Option<String>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    /// ARM id.
    pub id: Option<String>,
    /// A GUID.
    pub name: Option<String>,
    /// Everything else.
    pub properties: Option<RoleDefinitionProperties>,
}

/// A role's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinitionProperties {
    /// Name for people.
    pub role_name: Option<String>,
    /// `BuiltInRole` or `CustomRole`.
    pub r#type: Option<String>,
    /// What it allows.
    pub permissions: Option<Vec<Permission>>,
}

/// Actions that a role allows, less those that it takes out. With wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// On the resource.
    pub actions: Option<Vec<String>>,
    /// Taken out of `actions`.
    pub not_actions: Option<Vec<String>>,
    /// On the data in it.
    pub data_actions: Option<Vec<String>>,
    /// Taken out of `data_actions`.
    pub not_data_actions: Option<Vec<String>>,
}

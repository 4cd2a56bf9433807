//! From Azure's wire to the planner's facts.
//!
//! Invariant: a field of the wrong type or a missing one that matters is an error that names it, never a guess.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyholder_azure::wire;
use keyholder_planner::ArmId;
use keyholder_planner::name::{KeyIdentifier, Location};
use keyholder_planner::observed::{
    Deleted, GroupResource, Live, LiveEncryption, LiveIdentity, LiveKey, LiveKeyVersion, RoleAssignment,
    RoleDefinition, Rotation,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::project;

/// Why an answer cannot be used.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// A field has another type than Azure documents.
    #[error("{0}")]
    Shape(String),
    /// A field that matters is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field holds something else than it must.
    #[error("{field} holds {value:?}, which is not {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it must hold.
        expected: &'static str,
    },
}

pub(super) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, ConvertError> {
    wire::read("answer", value).map_err(|error| ConvertError::Shape(keyholder_azure::chain(&error)))
}

pub(super) fn arm_id(field: &'static str, value: &str) -> Result<ArmId, ConvertError> {
    ArmId::parse(value).map_err(|_| ConvertError::Value {
        field,
        value: value.to_owned(),
        expected: "an ARM id",
    })
}

pub(super) fn required_id(field: &'static str, value: Option<String>) -> Result<ArmId, ConvertError> {
    arm_id(field, &value.ok_or(ConvertError::Missing(field))?)
}

pub(super) fn location(value: Option<String>) -> Result<Location, ConvertError> {
    let value = value.ok_or(ConvertError::Missing("location"))?;
    Location::parse(&value).map_err(|_| ConvertError::Value {
        field: "location",
        value,
        expected: "an Azure region",
    })
}

pub(super) fn key_identifier(field: &'static str, value: &str) -> Result<KeyIdentifier, ConvertError> {
    KeyIdentifier::parse(value).map_err(|_| ConvertError::Value {
        field,
        value: value.to_owned(),
        expected: "a key's URL",
    })
}

/// Tags; one without a value has an empty one.
pub(super) fn tags(tags: Option<BTreeMap<String, Option<String>>>) -> BTreeMap<String, String> {
    let tags = tags.unwrap_or_default().into_iter();
    tags.map(|(name, value)| (name, value.unwrap_or_default()))
        .collect()
}

/// A workspace: a hub, a project of one, or a plain one.
///
/// # Errors
/// See [`ConvertError`].
pub fn workspace(value: &Value) -> Result<Live, ConvertError> {
    let workspace: wire::Workspace = typed(value)?;
    let mut properties = workspace.properties.ok_or(ConvertError::Missing("properties"))?;
    let identity = workspace.identity.unwrap_or_default();
    let kinds = identity.r#type.unwrap_or_default().to_lowercase();
    let encryption = match properties.encryption.take().filter(|block| {
        block
            .status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("Enabled"))
    }) {
        None => None,
        Some(block) => {
            let key = block
                .key_vault_properties
                .ok_or(ConvertError::Missing("properties.encryption.keyVaultProperties"))?;
            let user = block
                .identity
                .and_then(|identity| identity.user_assigned_identity)
                .filter(|id| !id.is_empty());
            Some(LiveEncryption {
                vault: Some(required_id(
                    "properties.encryption.keyVaultProperties.keyVaultArmId",
                    key.key_vault_arm_id,
                )?),
                key: key_identifier(
                    "properties.encryption.keyVaultProperties.keyIdentifier",
                    &key.key_identifier.unwrap_or_default(),
                )?,
                gone: None,
                identity: user
                    .map(|id| arm_id("properties.encryption.identity.userAssignedIdentity", &id))
                    .transpose()?,
            })
        }
    };
    let reference = |field: &'static str, id: Option<String>| {
        id.filter(|id| !id.is_empty())
            .map(|id| arm_id(field, &id))
            .transpose()
    };
    let live = Live {
        id: required_id("id", workspace.id)?,
        location: location(workspace.location)?,
        kind: workspace.kind.unwrap_or_default().to_lowercase(),
        provisioning_state: properties.provisioning_state.take(),
        tags: tags(workspace.tags),
        user_assigned: identity
            .user_assigned_identities
            .unwrap_or_default()
            .keys()
            .map(|id| arm_id("identity.userAssignedIdentities", id))
            .collect::<Result<_, _>>()?,
        system_assigned_principal: identity.principal_id,
        system_assigned: kinds.contains("systemassigned"),
        key_vault: reference("properties.keyVault", properties.key_vault.take())?,
        storage_account: reference("properties.storageAccount", properties.storage_account.take())?,
        encryption,
        service_side: properties.enable_service_side_cmk_encryption.unwrap_or(false),
        high_business_impact: properties.hbi_workspace.unwrap_or(false),
        public_network_access: properties.public_network_access.take(),
        network_isolation: properties
            .managed_network
            .take()
            .and_then(|network| network.isolation_mode)
            .filter(|mode| !mode.is_empty()),
        managed_group: properties
            .service_provisioned_resource_group
            .take()
            .filter(|name| !name.is_empty()),
        account: None,
        project: None,
    };
    if live.kind == "project" {
        project::of_hub(live, properties)
    } else {
        Ok(live)
    }
}

/// A deleted resource that Azure keeps.
///
/// # Errors
/// See [`ConvertError`].
pub fn deleted(value: &Value) -> Result<Deleted, ConvertError> {
    let account: wire::Account = typed(value)?;
    Ok(Deleted {
        tags: tags(account.tags),
    })
}

/// The region of a resource group.
///
/// # Errors
/// See [`ConvertError`].
pub fn resource_group(value: &Value) -> Result<Location, ConvertError> {
    let group: wire::ResourceGroup = typed(value)?;
    location(group.location)
}

/// A user-assigned identity.
///
/// # Errors
/// See [`ConvertError`].
pub fn identity(value: &Value) -> Result<LiveIdentity, ConvertError> {
    let identity: wire::UserAssignedIdentity = typed(value)?;
    let properties = identity.properties.ok_or(ConvertError::Missing("properties"))?;
    Ok(LiveIdentity {
        principal_id: properties
            .principal_id
            .ok_or(ConvertError::Missing("properties.principalId"))?,
        tenant_id: properties
            .tenant_id
            .ok_or(ConvertError::Missing("properties.tenantId"))?,
        client_id: properties
            .client_id
            .ok_or(ConvertError::Missing("properties.clientId"))?,
    })
}

/// Whether a resource provider is registered.
///
/// # Errors
/// See [`ConvertError`].
pub fn registered(value: &Value) -> Result<bool, ConvertError> {
    let provider: wire::Provider = typed(value)?;
    let state = provider
        .registration_state
        .ok_or(ConvertError::Missing("registrationState"))?;
    Ok(state.eq_ignore_ascii_case("Registered"))
}

/// A key with the version that Azure calls current.
///
/// # Errors
/// See [`ConvertError`].
pub fn key(value: &Value) -> Result<LiveKey, ConvertError> {
    let key: wire::Key = typed(value)?;
    let properties = key.properties.ok_or(ConvertError::Missing("properties"))?;
    Ok(LiveKey {
        kty: properties.kty.clone().unwrap_or_default(),
        size: properties.key_size.and_then(|size| u32::try_from(size).ok()),
        current: version(&properties)?,
        others: Vec::new(),
        rotation: properties
            .rotation_policy
            .unwrap_or_default()
            .lifetime_actions
            .unwrap_or_default()
            .into_iter()
            .map(rotation)
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
    })
}

/// When an action of a rotation policy makes a new version; `None` for one that only notifies.
fn rotation(action: wire::LifetimeAction) -> Result<Option<Rotation>, ConvertError> {
    let makes_a_version = action
        .action
        .and_then(|action| action.r#type)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("Rotate"));
    let Some(trigger) = action.trigger.filter(|_| makes_a_version) else {
        return Ok(None);
    };
    let texts = (trigger.time_after_create, trigger.time_before_expiry);
    let (text, make): (String, fn(SignedDuration) -> Rotation) = match texts {
        (Some(text), _) => (text, Rotation::AfterCreation),
        (None, Some(text)) => (text, Rotation::BeforeExpiry),
        (None, None) => return Ok(None),
    };
    match while_of(&text) {
        Some(while_) => Ok(Some(make(while_))),
        None => Err(ConvertError::Value {
            field: "properties.rotationPolicy.lifetimeActions.trigger",
            value: text,
            expected: "an ISO 8601 duration",
        }),
    }
}

/// An ISO 8601 duration, a year as 365 days and a month as 30.
fn while_of(text: &str) -> Option<SignedDuration> {
    let span: jiff::Span = text.parse().ok()?;
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_weeks()) * 7
        + i64::from(span.get_days());
    let hours = i64::from(span.get_hours()).checked_add(days.checked_mul(24)?)?;
    let seconds = hours
        .checked_mul(3600)?
        .checked_add(span.get_minutes().checked_mul(60)?)?
        .checked_add(span.get_seconds())?;
    Some(SignedDuration::from_secs(seconds))
}

/// One version of a key.
///
/// # Errors
/// See [`ConvertError`].
pub fn key_version(value: &Value) -> Result<LiveKeyVersion, ConvertError> {
    let key: wire::Key = typed(value)?;
    version(&key.properties.ok_or(ConvertError::Missing("properties"))?)
}

fn version(properties: &wire::KeyProperties) -> Result<LiveKeyVersion, ConvertError> {
    let url = properties
        .key_uri_with_version
        .as_deref()
        .ok_or(ConvertError::Missing("properties.keyUriWithVersion"))?;
    let attributes = properties.attributes.clone().unwrap_or_default();
    let time = |seconds: Option<i64>| seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    Ok(LiveKeyVersion {
        identifier: key_identifier("properties.keyUriWithVersion", url)?,
        enabled: attributes.enabled.unwrap_or(true),
        not_before: time(attributes.nbf),
        expires: time(attributes.exp),
        created: time(attributes.created),
    })
}

/// A role assignment.
///
/// # Errors
/// See [`ConvertError`].
pub fn role_assignment(value: &Value) -> Result<RoleAssignment, ConvertError> {
    let assignment: wire::RoleAssignment = typed(value)?;
    let properties = assignment.properties.ok_or(ConvertError::Missing("properties"))?;
    Ok(RoleAssignment {
        scope: properties
            .scope
            .ok_or(ConvertError::Missing("properties.scope"))?,
        role_definition_id: properties
            .role_definition_id
            .ok_or(ConvertError::Missing("properties.roleDefinitionId"))?,
        conditional: properties
            .condition
            .is_some_and(|condition| !condition.trim().is_empty()),
    })
}

/// A role definition.
///
/// # Errors
/// See [`ConvertError`].
pub fn role_definition(value: &Value) -> Result<RoleDefinition, ConvertError> {
    let definition: wire::RoleDefinition = typed(value)?;
    let properties = definition.properties.ok_or(ConvertError::Missing("properties"))?;
    Ok(RoleDefinition {
        name: properties.role_name.unwrap_or_default(),
        permissions: properties
            .permissions
            .unwrap_or_default()
            .into_iter()
            .map(|permission| {
                (
                    permission.data_actions.unwrap_or_default(),
                    permission.not_data_actions.unwrap_or_default(),
                )
            })
            .collect(),
    })
}

/// A resource of a list of generic resources; `None` when it lacks what identifies it.
#[must_use]
pub fn group_resource(value: &Value) -> Option<GroupResource> {
    let resource: wire::GenericResource = typed(value).ok()?;
    Some(GroupResource {
        r#type: resource.r#type?,
        name: resource.name?,
        state: resource.provisioning_state,
    })
}

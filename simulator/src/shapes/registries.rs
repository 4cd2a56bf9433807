//! `Microsoft.ContainerRegistry/registries`, as api-version 2025-11-01 publishes it.

use super::{IDENTITY_BLOCK, TAGS};
use crate::shape::Shape::{Any, Flag, Object, Text};
use crate::shape::{Member, Shape};

/// `Microsoft.ContainerRegistry/registries`. Its words are published as open lists.
pub(crate) static REGISTRY: Shape = envelope![
    Member::required("location", Text),
    Member::required(
        "sku",
        Object(&[Member::required("name", Text), Member::read_only("tier")])
    ),
    TAGS,
    IDENTITY_BLOCK,
    Member::new("properties", PROPERTIES),
];

const PROPERTIES: Shape = Object(&[
    Member::new("adminUserEnabled", Flag),
    Member::new("anonymousPullEnabled", Flag),
    Member::new("dataEndpointEnabled", Flag),
    Member::new("encryption", ENCRYPTION),
    Member::new("networkRuleBypassAllowedForTasks", Flag),
    Member::new("networkRuleBypassOptions", Text),
    Member::new("networkRuleSet", Any),
    Member::new("policies", Any),
    Member::new("publicNetworkAccess", Text),
    Member::new("roleAssignmentMode", Text),
    Member::new("zoneRedundancy", Text),
    Member::read_only("creationDate"),
    Member::read_only("dataEndpointHostNames"),
    Member::read_only("loginServer"),
    Member::read_only("privateEndpointConnections"),
    Member::read_only("provisioningState"),
    Member::read_only("status"),
]);

const ENCRYPTION: Shape = Object(&[
    Member::new("status", Text),
    Member::new(
        "keyVaultProperties",
        Object(&[
            Member::new("identity", Text),
            Member::new("keyIdentifier", Text),
            Member::read_only("keyRotationEnabled"),
            Member::read_only("lastKeyRotationTimestamp"),
            Member::read_only("versionedKeyIdentifier"),
        ]),
    ),
]);

//! `Microsoft.DocumentDB/databaseAccounts`, as api-version 2026-03-15 publishes it.

use super::{IDENTITY_BLOCK, TAGS};
use crate::shape::Shape::{Any, Flag, List, Number, Object, Text, Word};
use crate::shape::{Member, Shape};

/// `Microsoft.DocumentDB/databaseAccounts`
pub(crate) static COSMOS: Shape = envelope![
    Member::new("kind", Word(&["GlobalDocumentDB", "MongoDB", "Parse"])),
    Member::new("location", Text),
    TAGS,
    IDENTITY_BLOCK,
    Member::required("properties", PROPERTIES),
];

const PROPERTIES: Shape = Object(&[
    Member::new("analyticalStorageConfiguration", Any),
    Member::new("apiProperties", Any),
    Member::new("backupPolicy", Any),
    Member::new("capabilities", List(&Any)),
    Member::new("capacity", Any),
    Member::new("connectorOffer", Text),
    Member::new("consistencyPolicy", Any),
    Member::new("cors", List(&Any)),
    Member::new("createMode", Word(&["Default", "Restore"])),
    Member::required("databaseAccountOfferType", Word(&["Standard"])),
    Member::new("defaultIdentity", Text),
    Member::new("defaultPriorityLevel", Text),
    Member::new("disableKeyBasedMetadataWriteAccess", Flag),
    Member::new("disableLocalAuth", Flag),
    Member::new("enableAnalyticalStorage", Flag),
    Member::new("enableAutomaticFailover", Flag),
    Member::new("enableBurstCapacity", Flag),
    Member::new("enableCassandraConnector", Flag),
    Member::new("enableFreeTier", Flag),
    Member::new("enableMultipleWriteLocations", Flag),
    Member::new("enablePartitionMerge", Flag),
    Member::new("enablePerRegionPerPartitionAutoscale", Flag),
    Member::new("enablePriorityBasedExecution", Flag),
    Member::new("enforceHierarchicalPartitionKeyIdLastLevel", Flag),
    Member::new("ipRules", List(&Any)),
    Member::new("isVirtualNetworkFilterEnabled", Flag),
    Member::new("keyVaultKeyUri", Text),
    Member::required("locations", List(&LOCATION)),
    Member::new("minimalTlsVersion", Text),
    Member::new("networkAclBypass", Word(&["None", "AzureServices"])),
    Member::new("networkAclBypassResourceIds", List(&Text)),
    Member::new("publicNetworkAccess", Text),
    Member::new("restoreParameters", Any),
    Member::new("virtualNetworkRules", List(&Any)),
    // The published type lets it be sent; only Azure says it.
    Member::read_only("customerManagedKeyStatus"),
    Member::read_only("documentEndpoint"),
    Member::read_only("failoverPolicies"),
    Member::read_only("instanceId"),
    Member::read_only("keyVaultKeyUriVersion"),
    Member::read_only("keysMetadata"),
    Member::read_only("privateEndpointConnections"),
    Member::read_only("provisioningState"),
    Member::read_only("readLocations"),
    Member::read_only("writeLocations"),
]);

const LOCATION: Shape = Object(&[
    Member::new("failoverPriority", Number),
    Member::new("isZoneRedundant", Flag),
    Member::new("locationName", Text),
    Member::read_only("documentEndpoint"),
    Member::read_only("id"),
    Member::read_only("provisioningState"),
]);

//! `Microsoft.Storage/storageAccounts`, as api-version 2026-04-01 publishes it.

use super::{ENABLED, IDENTITY_BLOCK, TAGS};
use crate::shape::Shape::{Any, Flag, List, Object, Text, Word};
use crate::shape::{Member, Shape};

/// `Microsoft.Storage/storageAccounts`
pub(crate) static STORAGE: Shape = envelope![
    Member::required("location", Text),
    Member::required(
        "sku",
        Object(&[Member::required("name", Text), Member::read_only("tier")])
    ),
    Member::required("kind", Text),
    Member::new("extendedLocation", Any),
    Member::new("zones", List(&Text)),
    Member::new("placement", Any),
    TAGS,
    IDENTITY_BLOCK,
    Member::new("properties", PROPERTIES),
];

const PROPERTIES: Shape = Object(&[
    Member::new("accessTier", Word(&["Hot", "Cool", "Premium", "Cold", "Smart"])),
    Member::new("allowBlobPublicAccess", Flag),
    Member::new("allowCrossTenantReplication", Flag),
    Member::new("allowSharedKeyAccess", Flag),
    Member::new("allowSharedKeyAccessForServices", Any),
    Member::new("allowedCopyScope", Text),
    Member::new("azureFilesIdentityBasedAuthentication", Any),
    Member::new("customDomain", Any),
    Member::new("dataCollaborationPolicyProperties", Any),
    Member::new("defaultToOAuthAuthentication", Flag),
    Member::new("dnsEndpointType", Text),
    Member::new("dualStackEndpointPreference", Any),
    Member::new("enableExtendedGroups", Flag),
    Member::new("encryption", ENCRYPTION),
    Member::new("geoPriorityReplicationStatus", Any),
    Member::new("immutableStorageWithVersioning", Any),
    Member::new("isHnsEnabled", Flag),
    Member::new("isLocalUserEnabled", Flag),
    Member::new("isNfsV3Enabled", Flag),
    Member::new("isSftpEnabled", Flag),
    Member::new("keyPolicy", Any),
    Member::new("largeFileSharesState", Word(ENABLED)),
    Member::new("minimumTlsVersion", Text),
    Member::new(
        "networkAcls",
        Object(&[
            // One word, or several with commas.
            Member::new("bypass", Text),
            Member::required("defaultAction", Word(&["Allow", "Deny"])),
            Member::new("ipRules", List(&Any)),
            Member::new("ipv6Rules", List(&Any)),
            Member::new("resourceAccessRules", List(&Any)),
            Member::new("virtualNetworkRules", List(&Any)),
        ]),
    ),
    Member::new("publicNetworkAccess", Text),
    Member::new("routingPreference", Any),
    Member::new("sasPolicy", Any),
    Member::new("supportsHttpsTrafficOnly", Flag),
    Member::read_only("accountMigrationInProgress"),
    Member::read_only("blobRestoreStatus"),
    Member::read_only("creationTime"),
    Member::read_only("failoverInProgress"),
    Member::read_only("geoReplicationStats"),
    Member::read_only("isSkuConversionBlocked"),
    Member::read_only("keyCreationTime"),
    Member::read_only("lastGeoFailoverTime"),
    Member::read_only("primaryEndpoints"),
    Member::read_only("primaryLocation"),
    Member::read_only("privateEndpointConnections"),
    Member::read_only("provisioningState"),
    Member::read_only("secondaryEndpoints"),
    Member::read_only("secondaryLocation"),
    Member::read_only("statusOfPrimary"),
    Member::read_only("statusOfSecondary"),
    Member::read_only("storageAccountSkuConversionStatus"),
]);

/// A service of an account: blobs, files, queues, tables.
const SERVICE: Shape = Object(&[
    Member::new("enabled", Flag),
    Member::new("keyType", Word(&["Service", "Account"])),
    Member::read_only("lastEnabledTime"),
]);

/// An account's encryption.
const ENCRYPTION: Shape = Object(&[
    Member::new("keySource", Word(&["Microsoft.Storage", "Microsoft.Keyvault"])),
    Member::new(
        "keyvaultproperties",
        Object(&[
            Member::new("keyname", Text),
            Member::new("keyversion", Text),
            Member::new("keyvaulturi", Text),
            Member::read_only("currentVersionedKeyExpirationTimestamp"),
            Member::read_only("currentVersionedKeyIdentifier"),
            Member::read_only("lastKeyRotationTimestamp"),
        ]),
    ),
    Member::new(
        "identity",
        Object(&[
            Member::new("federatedIdentityClientId", Text),
            Member::new("userAssignedIdentity", Text),
        ]),
    ),
    Member::new("requireInfrastructureEncryption", Flag),
    Member::new(
        "services",
        Object(&[
            Member::new("blob", SERVICE),
            Member::new("file", SERVICE),
            Member::new("queue", SERVICE),
            Member::new("table", SERVICE),
        ]),
    ),
]);

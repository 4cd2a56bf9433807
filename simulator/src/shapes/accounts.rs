//! `Microsoft.CognitiveServices/accounts`, their projects and the capability hosts of both, as api-version 2026-07-01 publishes it.

use super::{ENABLED, IDENTITY_BLOCK, TAGS};
use crate::shape::Shape::{Any, Flag, List, Map, Number, Object, Text, Word};
use crate::shape::{Member, Shape};

/// `Microsoft.CognitiveServices/accounts`
pub(crate) static ACCOUNT: Shape = envelope![
    Member::required("kind", Text),
    Member::required("location", Text),
    Member::required(
        "sku",
        Object(&[
            Member::required("name", Text),
            Member::new("tier", Text),
            Member::new("size", Text),
            Member::new("family", Text),
            Member::new("capacity", Number),
        ])
    ),
    TAGS,
    IDENTITY_BLOCK,
    Member::new("properties", PROPERTIES),
];

/// `Microsoft.CognitiveServices/accounts/projects`
pub(crate) static PROJECT: Shape = envelope![
    Member::new("location", Text),
    TAGS,
    IDENTITY_BLOCK,
    Member::new(
        "properties",
        Object(&[
            Member::new("description", Text),
            Member::new("displayName", Text),
            Member::read_only("endpoints"),
            Member::read_only("isDefault"),
            Member::read_only("provisioningState"),
        ])
    ),
];

/// `Microsoft.CognitiveServices/accounts/capabilityHosts`
pub(crate) static CAPABILITY_HOST: Shape = envelope![Member::required(
    "properties",
    Object(&[
        Member::new("aiServicesConnections", List(&Text)),
        Member::new("capabilityHostKind", Text),
        Member::new("customerSubnet", Text),
        Member::new("description", Text),
        Member::new("enablePublicHostingEnvironment", Flag),
        Member::new("storageConnections", List(&Text)),
        Member::new("tags", Map(&Text)),
        Member::new("threadStorageConnections", List(&Text)),
        Member::new("vectorStoreConnections", List(&Text)),
        Member::read_only("provisioningState"),
    ])
)];

/// `Microsoft.CognitiveServices/accounts/projects/capabilityHosts`
pub(crate) static PROJECT_CAPABILITY_HOST: Shape = envelope![Member::required(
    "properties",
    Object(&[
        Member::new("aiServicesConnections", List(&Text)),
        Member::new("storageConnections", List(&Text)),
        Member::new("threadStorageConnections", List(&Text)),
        Member::new("vectorStoreConnections", List(&Text)),
        Member::read_only("provisioningState"),
    ])
)];

const PROPERTIES: Shape = Object(&[
    Member::new("allowProjectManagement", Flag),
    Member::new("allowedFqdnList", List(&Text)),
    Member::new("amlWorkspace", Any),
    Member::new("apiProperties", Map(&Any)),
    Member::new("associatedProjects", List(&Text)),
    Member::new("customSubDomainName", Text),
    Member::new("defaultProject", Text),
    Member::new("disableLocalAuth", Flag),
    Member::new("dynamicThrottlingEnabled", Flag),
    Member::new("encryption", ENCRYPTION),
    Member::new("locations", Any),
    Member::new("migrationToken", Text),
    Member::new(
        "networkAcls",
        Object(&[
            Member::new("bypass", Word(&["AzureServices", "None"])),
            Member::new("defaultAction", Word(&["Allow", "Deny"])),
            Member::new("ipRules", List(&Any)),
            Member::new("virtualNetworkRules", List(&Any)),
        ]),
    ),
    Member::new("networkInjections", List(&Any)),
    Member::new("publicNetworkAccess", Word(ENABLED)),
    Member::new("raiMonitorConfig", Any),
    Member::new("restore", Flag),
    Member::new("restrictOutboundNetworkAccess", Flag),
    Member::new("storedCompletionsDisabled", Flag),
    Member::new("userOwnedStorage", List(&Any)),
    Member::read_only("abusePenalty"),
    Member::read_only("callRateLimit"),
    Member::read_only("capabilities"),
    Member::read_only("commitmentPlanAssociations"),
    Member::read_only("dateCreated"),
    Member::read_only("deletionDate"),
    Member::read_only("endpoint"),
    Member::read_only("endpoints"),
    Member::read_only("internalId"),
    Member::read_only("isMigrated"),
    Member::read_only("privateEndpointConnections"),
    Member::read_only("provisioningState"),
    Member::read_only("quotaLimit"),
    Member::read_only("scheduledPurgeDate"),
    Member::read_only("skuChangeInfo"),
]);

/// An account's encryption.
const ENCRYPTION: Shape = Object(&[
    Member::new(
        "keySource",
        Word(&["Microsoft.CognitiveServices", "Microsoft.KeyVault"]),
    ),
    Member::new(
        "keyVaultProperties",
        Object(&[
            Member::new("identityClientId", Text),
            Member::new("keyName", Text),
            Member::new("keyVaultUri", Text),
            Member::new("keyVersion", Text),
        ]),
    ),
]);

//! Bodies of the types that this Azure has: the members that Microsoft's resource types publish.

use crate::shape::Shape::{Any, Flag, List, Map, Number, Object, Text, Word};
use crate::shape::{Member, Shape};

/// Nothing may be written.
pub(crate) static NOTHING: Shape = Object(&[]);

const TAGS: Member = Member::new("tags", Map(&Text));
const ENABLED: &[&str] = &["Enabled", "Disabled"];

const IDENTITY_BLOCK: Member = Member::new(
    "identity",
    Object(&[
        Member::required(
            "type",
            Word(&[
                "None",
                "SystemAssigned",
                "UserAssigned",
                "SystemAssigned,UserAssigned",
                "SystemAssigned, UserAssigned",
            ]),
        ),
        Member::new("userAssignedIdentities", Map(&Any)),
        Member::read_only("principalId"),
        Member::read_only("tenantId"),
    ]),
);

/// What every body may repeat of the envelope.
macro_rules! envelope {
    ($($member:expr),* $(,)?) => {
        Object(&[
            Member::read_only("id"),
            Member::read_only("name"),
            Member::read_only("type"),
            Member::read_only("systemData"),
            Member::read_only("etag"),
            $($member),*
        ])
    };
}

mod accounts;
mod databases;
mod registries;
mod search;
mod storage;

pub(crate) use accounts::{ACCOUNT, CAPABILITY_HOST, PROJECT, PROJECT_CAPABILITY_HOST};
pub(crate) use databases::COSMOS;
pub(crate) use registries::REGISTRY;
pub(crate) use search::SEARCH;
pub(crate) use storage::STORAGE;

/// `Microsoft.MachineLearningServices/workspaces`
pub(crate) static WORKSPACE: Shape = envelope![
    Member::new("kind", Text),
    Member::required("location", Text),
    Member::new(
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
    Member::required("properties", WORKSPACE_PROPERTIES),
];

/// A workspace's encryption.
const ENCRYPTION: Shape = Object(&[
    Member::required("status", Word(ENABLED)),
    Member::required(
        "keyVaultProperties",
        Object(&[
            Member::required("keyVaultArmId", Text),
            Member::required("keyIdentifier", Text),
            Member::new("identityClientId", Text),
        ]),
    ),
    Member::new("identity", Object(&[Member::new("userAssignedIdentity", Text)])),
    Member::new("cosmosDbResourceId", Text),
    Member::new("storageAccountResourceId", Text),
    Member::new("searchAccountResourceId", Text),
]);

const WORKSPACE_PROPERTIES: Shape = Object(&[
    Member::new("allowPublicAccessWhenBehindVnet", Flag),
    Member::new("applicationInsights", Text),
    Member::new("associatedWorkspaces", List(&Text)),
    Member::new("containerRegistry", Text),
    Member::new("description", Text),
    Member::new("discoveryUrl", Text),
    Member::new("enableDataIsolation", Flag),
    Member::new("enableServiceSideCMKEncryption", Flag),
    Member::new("encryption", ENCRYPTION),
    Member::new("featureStoreSettings", Any),
    Member::new("friendlyName", Text),
    Member::new("hbiWorkspace", Flag),
    Member::new("hubResourceId", Text),
    Member::new("imageBuildCompute", Text),
    Member::new("keyVault", Text),
    Member::new(
        "managedNetwork",
        Object(&[
            Member::new("enableNetworkMonitor", Flag),
            Member::new(
                "isolationMode",
                Word(&["Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound"]),
            ),
            Member::new("outboundRules", Map(&Any)),
            Member::new("status", Any),
            Member::new("firewallSku", Word(&["Standard", "Basic"])),
            Member::new("managedNetworkKind", Word(&["V1", "V2"])),
            Member::read_only("networkId"),
            Member::read_only("firewallPublicIpAddress"),
        ]),
    ),
    Member::new("primaryUserAssignedIdentity", Text),
    Member::new("provisionNetworkNow", Flag),
    Member::new("publicNetworkAccess", Word(ENABLED)),
    Member::new("serverlessComputeSettings", Any),
    Member::new("serviceManagedResourcesSettings", Any),
    Member::new("sharedPrivateLinkResources", List(&Any)),
    Member::new("storageAccount", Text),
    Member::new(
        "systemDatastoresAuthMode",
        Word(&["AccessKey", "Identity", "UserDelegationSAS"]),
    ),
    Member::new("v1LegacyMode", Flag),
    Member::new("workspaceHubConfig", Any),
    Member::read_only("mlFlowTrackingUri"),
    Member::read_only("notebookInfo"),
    Member::read_only("privateEndpointConnections"),
    Member::read_only("privateLinkCount"),
    Member::read_only("provisioningState"),
    Member::read_only("serviceProvisionedResourceGroup"),
    Member::read_only("storageHnsEnabled"),
    Member::read_only("tenantId"),
    Member::read_only("workspaceId"),
]);

/// `Microsoft.KeyVault/vaults`
pub(crate) static VAULT: Shape = envelope![
    Member::required("location", Text),
    TAGS,
    Member::required(
        "properties",
        Object(&[
            Member::required("tenantId", Text),
            Member::required(
                "sku",
                Object(&[
                    Member::required("family", Word(&["A"])),
                    Member::required("name", Word(&["standard", "premium"])),
                ])
            ),
            Member::new("accessPolicies", List(&ACCESS_POLICY)),
            Member::new("vaultUri", Text),
            Member::new("enabledForDeployment", Flag),
            Member::new("enabledForDiskEncryption", Flag),
            Member::new("enabledForTemplateDeployment", Flag),
            Member::new("enableSoftDelete", Flag),
            Member::new("softDeleteRetentionInDays", Number),
            Member::new("enableRbacAuthorization", Flag),
            Member::new("createMode", Word(&["recover", "default"])),
            Member::new("enablePurgeProtection", Flag),
            Member::new(
                "networkAcls",
                Object(&[
                    Member::new("bypass", Word(&["AzureServices", "None"])),
                    Member::new("defaultAction", Word(&["Allow", "Deny"])),
                    Member::new("ipRules", List(&Any)),
                    Member::new("virtualNetworkRules", List(&Any)),
                ])
            ),
            Member::new("publicNetworkAccess", Text),
            Member::read_only("provisioningState"),
            Member::read_only("hsmPoolResourceId"),
            Member::read_only("privateEndpointConnections"),
        ])
    ),
];

/// `Microsoft.KeyVault/managedHSMs`
pub(crate) static HSM: Shape = envelope![
    Member::required("location", Text),
    TAGS,
    Member::new(
        "sku",
        Object(&[
            Member::required("family", Word(&["B", "C"])),
            Member::required(
                "name",
                Word(&[
                    "Standard_B1",
                    "Custom_B6",
                    "Custom_B32",
                    "Custom_C10",
                    "Custom_C42"
                ])
            ),
        ])
    ),
    Member::new("identity", Any),
    Member::new(
        "properties",
        Object(&[
            Member::new("tenantId", Text),
            Member::new("initialAdminObjectIds", List(&Text)),
            Member::new("enableSoftDelete", Flag),
            Member::new("softDeleteRetentionInDays", Number),
            Member::new("enablePurgeProtection", Flag),
            Member::new("createMode", Word(&["recover", "default"])),
            Member::new("networkAcls", Any),
            Member::new("regions", List(&Any)),
            Member::new("publicNetworkAccess", Text),
            Member::read_only("hsmUri"),
            Member::read_only("provisioningState"),
            Member::read_only("statusMessage"),
            Member::read_only("scheduledPurgeDate"),
            Member::read_only("securityDomainProperties"),
            Member::read_only("privateEndpointConnections"),
        ])
    ),
];

/// What one identity may do in a vault without RBAC.
const ACCESS_POLICY: Shape = Object(&[
    Member::required("tenantId", Text),
    Member::required("objectId", Text),
    Member::new("applicationId", Text),
    Member::required(
        "permissions",
        Object(&[
            Member::new("keys", List(&Text)),
            Member::new("secrets", List(&Text)),
            Member::new("certificates", List(&Text)),
            Member::new("storage", List(&Text)),
        ]),
    ),
]);

/// `Microsoft.KeyVault/vaults/accessPolicies`
pub(crate) static ACCESS_POLICIES: Shape = envelope![
    Member::read_only("location"),
    Member::required(
        "properties",
        Object(&[Member::required("accessPolicies", List(&ACCESS_POLICY))])
    ),
];

/// `Microsoft.KeyVault/vaults/keys`
pub(crate) static KEY: Shape = envelope![
    TAGS,
    Member::read_only("location"),
    Member::required(
        "properties",
        Object(&[
            Member::new(
                "attributes",
                Object(&[
                    Member::new("enabled", Flag),
                    Member::new("nbf", Number),
                    Member::new("exp", Number),
                    Member::new("exportable", Flag),
                    Member::read_only("created"),
                    Member::read_only("updated"),
                    Member::read_only("recoveryLevel"),
                ])
            ),
            Member::new("kty", Word(&["EC", "EC-HSM", "RSA", "RSA-HSM"])),
            Member::new("keyOps", List(&Text)),
            Member::new("keySize", Number),
            Member::new("curveName", Word(&["P-256", "P-384", "P-521", "P-256K"])),
            Member::new("rotationPolicy", Any),
            Member::new("release_policy", Any),
            Member::read_only("keyUri"),
            Member::read_only("keyUriWithVersion"),
        ])
    ),
];

/// `Microsoft.ManagedIdentity/userAssignedIdentities`
pub(crate) static IDENTITY: Shape = envelope![
    Member::required("location", Text),
    TAGS,
    Member::new(
        "properties",
        Object(&[
            Member::new("isolationScope", Word(&["None", "Regional"])),
            Member::read_only("tenantId"),
            Member::read_only("principalId"),
            Member::read_only("clientId"),
        ])
    ),
];

/// `Microsoft.Authorization/roleAssignments`
pub(crate) static ASSIGNMENT: Shape = envelope![Member::required(
    "properties",
    Object(&[
        Member::required("roleDefinitionId", Text),
        Member::required("principalId", Text),
        Member::new("principalType", Text),
        Member::new("description", Text),
        Member::new("condition", Text),
        Member::new("conditionVersion", Text),
        Member::new("delegatedManagedIdentityResourceId", Text),
        Member::read_only("scope"),
        Member::read_only("createdOn"),
        Member::read_only("updatedOn"),
        Member::read_only("createdBy"),
        Member::read_only("updatedBy"),
    ])
)];

/// `Microsoft.Authorization/locks`
pub(crate) static LOCK: Shape = envelope![Member::required(
    "properties",
    Object(&[
        Member::required("level", Word(&["NotSpecified", "CanNotDelete", "ReadOnly"])),
        Member::new("notes", Text),
        Member::new("owners", Any),
    ])
)];

/// `Microsoft.PolicyInsights/checkPolicyRestrictions`: CheckRestrictionsRequest.
pub(crate) static RESTRICTIONS: Shape = Object(&[
    Member::required(
        "resourceDetails",
        Object(&[
            Member::required("resourceContent", Any),
            Member::new("apiVersion", Text),
            Member::new("scope", Text),
        ]),
    ),
    Member::new("pendingFields", List(&Any)),
    Member::new("includeAuditEffect", Flag),
]);

/// `Microsoft.Resources/resourceGroups`
pub(crate) static GROUP: Shape = envelope![
    Member::required("location", Text),
    Member::new("managedBy", Text),
    TAGS,
    Member::new("properties", Object(&[Member::read_only("provisioningState")])),
];

//! `Microsoft.Search/searchServices`, as api-version 2025-05-01 publishes it.

use super::{IDENTITY_BLOCK, TAGS};
use crate::shape::Shape::{Any, Flag, List, Number, Object, Text, Word};
use crate::shape::{Member, Shape};

/// `Microsoft.Search/searchServices`
pub(crate) static SEARCH: Shape = envelope![
    Member::required("location", Text),
    Member::new("sku", Object(&[Member::new("name", Text)])),
    TAGS,
    IDENTITY_BLOCK,
    Member::new(
        "properties",
        Object(&[
            Member::new("authOptions", Any),
            Member::new("computeType", Text),
            Member::new("dataExfiltrationProtections", List(&Text)),
            Member::new("disableLocalAuth", Flag),
            Member::new(
                "encryptionWithCmk",
                Object(&[
                    Member::new("enforcement", Word(&["Disabled", "Enabled", "Unspecified"])),
                    Member::read_only("encryptionComplianceStatus"),
                ])
            ),
            Member::new("endpoint", Text),
            Member::new("hostingMode", Word(&["Default", "HighDensity"])),
            Member::new("networkRuleSet", Any),
            Member::new("partitionCount", Number),
            Member::new("publicNetworkAccess", Text),
            Member::new("replicaCount", Number),
            Member::new("semanticSearch", Text),
            Member::new("upgradeAvailable", Text),
            Member::read_only("eTag"),
            Member::read_only("privateEndpointConnections"),
            Member::read_only("provisioningState"),
            Member::read_only("serviceUpgradedAt"),
            Member::read_only("sharedPrivateLinkResources"),
            Member::read_only("status"),
            Member::read_only("statusDetails"),
        ])
    ),
];

//! `AIProject`: a project of a hub (a workspace of kind Project) or of an account (`accounts/projects`).

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::hub::{DeletionPolicy, Identity};
use crate::policy::{AdoptionPolicy, ManagementPolicy};
use crate::rules::{PROJECT, projects};
use crate::status::ResourceStatus;
use crate::{formats, rules};

/// The declared state of a project. It has no encryption of its own: it is encrypted as its parent is.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "keyholder.dev",
    version = "v1alpha1",
    kind = "AIProject",
    namespaced,
    status = "ResourceStatus",
    shortname = "aiproject",
    shortname = "aiprojects",
    category = "keyholder",
    doc = "A project of an Azure AI hub or of an Azure AI services account, encrypted as its parent is.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".status.encryption.mode"}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.summary.key"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.summary.version"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Azure-Name","type":"string","jsonPath":".status.summary.azureName","priority":1}"#,
    printcolumn = r#"{"name":"Parent","type":"string","jsonPath":".spec.parentRef.name","priority":1}"#,
    validation = projects::name_fits_azure(),
    validation = projects::name_is_not_the_hubs(),
    validation = projects::parent_unchanged(),
    validation = rules::azure_name_unchanged(&PROJECT),
    validation = projects::location_unchanged()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = projects::location_with_resource_id_alone())]
pub struct AIProjectSpec {
    /// Whose project it is. It cannot be changed once the project exists.
    pub parent_ref: ParentRef,

    /// The Azure region of the parent. Needed with parentRef.resourceId, and left out with a parent that is an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = formats::location())]
    pub location: Option<String>,

    /// The project's name in Azure: under a hub 3 to 33 letters, digits, - and _ and another than the hub's, under an account 2 to 64
    /// letters, digits, - _ and . Left out, it is the name of this object. It cannot be changed once the project exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub azure_name: Option<String>,

    /// The name that people see. Azure cannot take it away again, only change it: left out, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,

    /// What the project is for. Azure cannot take it away again, only change it: left out, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub description: Option<String>,

    /// The managed identities that the project carries. Left out, it has one of its own. Names of user-assigned identities mean those
    /// of the parent's resource group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// Tags for the project in Azure. Tags that others put there stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = rules::tag_limits())]
    #[schemars(extend("maxProperties" = 49))]
    pub tags: BTreeMap<String, String>,

    /// Full lets Keyholder create, change and delete the project. ObserveOnly writes nothing to Azure: it looks at a project, whoever
    /// made it, and says where it differs.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What is done about a project of this name that is there already and that no object owns: Never leaves it alone, Adopt takes it
    /// over (its tag keyholder-owner is written), if it has this parent.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// What happens to the project in Azure when this object is deleted: Retain leaves it, and its parent cannot be deleted while it is
    /// there; Delete deletes it; DeleteAndPurge deletes it for good.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// While true, nothing is written to Azure; what would be written is said. Everything else goes on.
    #[serde(default)]
    pub suspend: bool,
}

/// Names the parent: an object of the same namespace by kind and name, or a resource of Azure by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = projects::one_parent())]
pub struct ParentRef {
    /// The kind of the parent's object, with name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ParentKind>,

    /// The name of the parent's object, in this object's namespace. The project waits until that object is Provisioned and its key is
    /// applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = formats::object_name())]
    pub name: Option<String>,

    /// The whole ARM id of a hub or an account that no object stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = projects::parent_id())]
    pub resource_id: Option<String>,
}

/// Kinds of objects that have projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum ParentKind {
    /// An Azure AI hub.
    AIHub,
    /// An Azure AI services account that allows projects.
    AIServicesAccount,
}

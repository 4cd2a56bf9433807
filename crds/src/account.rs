//! `AIServicesAccount`: an Azure AI services account (`Microsoft.CognitiveServices/accounts`).

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::dependents::Dependent;
use crate::encryption::{CustomerManagedKey, EncryptionMode};
use crate::hub::{DeletionPolicy, Identity, PublicNetworkAccess, UnverifiedTransition};
use crate::policy::{AdoptionPolicy, ManagementPolicy};
use crate::rules::{ACCOUNT, accounts};
use crate::status::ResourceStatus;
use crate::{formats, rules};

/// The declared state of an Azure AI services account.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "keyholder.dev",
    version = "v1alpha1",
    kind = "AIServicesAccount",
    namespaced,
    status = "ResourceStatus",
    shortname = "aiaccount",
    shortname = "aiaccounts",
    category = "keyholder",
    doc = "An Azure AI services account (Foundry, Azure OpenAI, Speech, …) and the key that encrypts it.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".spec.encryption.mode"}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.summary.key"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.summary.version"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Azure-Name","type":"string","jsonPath":".status.summary.azureName","priority":1}"#,
    printcolumn = r#"{"name":"Account-Kind","type":"string","jsonPath":".spec.accountKind","priority":1}"#,
    validation = accounts::name_fits_azure(),
    validation = accounts::mode_unchanged_with_projects(),
    validation = rules::vault_unchanged(&ACCOUNT, "vault or managed HSM"),
    validation = rules::key_identity_unchanged(&ACCOUNT),
    validation = rules::group_unchanged(&ACCOUNT),
    validation = rules::azure_name_unchanged(&ACCOUNT),
    validation = rules::location_unchanged(&ACCOUNT),
    validation = accounts::account_kind_unchanged(),
    validation = accounts::projects_stay(),
    validation = accounts::sub_domain_unchanged()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = accounts::projects_need_foundry_and_an_identity())]
#[x_kube(validation = rules::key_identity_is_one_of_its_own())]
#[x_kube(validation = rules::somebody_unwraps())]
#[x_kube(validation = rules::enforced_dependents_can_have_the_key())]
pub struct AIServicesAccountSpec {
    /// The Azure subscription (a GUID). It cannot be changed once the account exists.
    #[schemars(length(max = 36))]
    #[x_kube(validation = formats::subscription())]
    pub subscription_id: String,

    /// The resource group, which must exist. It cannot be changed once the account exists.
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = formats::resource_group())]
    pub resource_group: String,

    /// The Azure region, such as westeurope: the region of the key vault or managed HSM too. It cannot be changed once the account exists.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = formats::location())]
    pub location: String,

    /// The account's name in Azure: 2 to 64 letters, digits, - _ and . Left out, it is the name of this object. It cannot be
    /// changed once the account exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = formats::account_name())]
    pub azure_name: Option<String>,

    /// What the account offers, as Azure names it: AIServices (Foundry), OpenAI, SpeechServices, TextAnalytics, … It cannot be
    /// changed once the account exists. Microsoft itself may turn an OpenAI account into one of AIServices: that is reported,
    /// and not undone.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = formats::account_kind())]
    pub account_kind: String,

    /// The pricing tier, as Azure names it. Left out it means S0.
    #[serde(default = "standard")]
    #[schemars(length(min = 1, max = 32))]
    pub sku: String,

    /// The name in the account's own endpoint, unique in all of Azure. It can be given later, and not changed once it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 64))]
    #[x_kube(validation = formats::sub_domain())]
    pub custom_sub_domain_name: Option<String>,

    /// Whether the account may have Foundry projects: for accountKind AIServices with a managed identity. It cannot be turned off
    /// again, and with it no way leads back from a key of yours to Microsoft's. Left out, Azure's choice stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_project_management: Option<bool>,

    /// The managed identities that the account carries. Left out, those that it has stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// How the account is encrypted at rest. There is no default: leaving it out is not a choice.
    pub encryption: AccountEncryption,

    /// Whether the account is reachable from public networks: Enabled or Disabled. Left out, Azure's choice stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_network_access: Option<PublicNetworkAccess>,

    /// Resources that the account works with and its key does not pass down to: what each is encrypted with is told in status.dependents, and
    /// DependentsEncrypted warns of those that have no key of yours. Nothing is written to those whose policy is Audit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub dependents: Vec<Dependent>,

    /// Tags for the account in Azure. Tags that others put there stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = rules::tag_limits())]
    #[schemars(extend("maxProperties" = 49))]
    pub tags: BTreeMap<String, String>,

    /// Full lets Keyholder create, change and delete the account. ObserveOnly writes nothing to Azure: it looks at an account, whoever made
    /// it, and says where it differs.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What is done about an account of this name that is there already and that no object owns: Never leaves it alone, Adopt takes it over
    /// (its tag keyholder-owner is written), once its encryption and everything else that Azure fixes are as declared.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// What happens to the account in Azure when this object is deleted: Retain leaves it, Delete deletes it (Azure keeps it
    /// recoverable for 48 hours, and its name with it), DeleteAndPurge deletes it for good.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// While true, nothing is written to Azure; what would be written is said. Everything else goes on.
    #[serde(default)]
    pub suspend: bool,

    /// Transitions that no source of Azure's confirms, let through on your own word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub allow_unverified: Vec<UnverifiedTransition>,
}

fn standard() -> String {
    "S0".to_owned()
}

/// How an account is encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::key_given_exactly_when_customer_managed())]
pub struct AccountEncryption {
    /// Who holds the key: CustomerManaged or MicrosoftManaged. It can be changed to CustomerManaged at any time, and back while
    /// the account allows no projects.
    pub mode: EncryptionMode,

    /// The key, when mode is CustomerManaged; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_managed_key: Option<CustomerManagedKey>,
}

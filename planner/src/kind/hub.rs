//! Azure AI hubs: `Microsoft.MachineLearningServices/workspaces` of kind Hub, api-version 2026-05-01.

use keyholder_crds::rules::network::MICROSOFTS;
use keyholder_crds::{AIHub, Bound, ComputeEncryption, DataLocation, EncryptionMode, NetworkIsolation};
use serde_json::{Map, Value, json};

use super::{Associated, Changed, Fixed, KeyToUse, Kind, Rules};
use crate::arm_id::ArmId;
use crate::encryption::KeyChange;
use crate::key_store::KeyStore;
use crate::matrix::Profile;
use crate::observed::{Body, Live};
use crate::parent::Parent;
use crate::transition::same_name;
use crate::validate::{
    Checker, Common, Declared, FieldError, KeyUser, STORAGE_ACCOUNT, ValidDependent, ValidEncryption,
    Validate, WORKSPACE,
};
use crate::{compute, cure, network};

/// The resource provider that every hub needs.
pub(super) const ALWAYS: &[&str] = &["Microsoft.MachineLearningServices"];
/// Those that a hub with a managed resource group needs (azure-ai-docs, how-to-setup-customer-managed-keys, 02/05/2025).
const WITH_MANAGED_GROUP: &[&str] = &[
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
];
/// Those that a hub with a managed network needs (azure-ai-docs, configure-managed-network, 08/27/2025).
const WITH_NETWORK: &[&str] = &["Microsoft.MachineLearningServices", "Microsoft.Network"];
/// Those of a hub with both.
const WITH_BOTH: &[&str] = &[
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
    "Microsoft.Network",
];
/// The property that holds the managed network.
const NETWORK: &str = "managedNetwork";

/// What only a hub declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// Its storage account.
    pub storage_account: ArmId,
    /// Its own key vault.
    pub key_vault: ArmId,
    /// Whether it holds data of high business impact; always so with a customer-managed key.
    pub high_business_impact: bool,
    /// How its managed network is isolated, where declared.
    pub isolation: Option<NetworkIsolation>,
}

impl Hub {
    fn isolated(&self) -> bool {
        self.isolation
            .is_some_and(|isolation| isolation != NetworkIsolation::Disabled)
    }

    fn bound_isolation(&self) -> Option<String> {
        self.isolation
            .map(|isolation| isolation.to_string().to_lowercase())
    }
}

impl Validate for AIHub {
    fn validate(&self, owner_id: &str, _: Option<&Parent>) -> Result<Declared, Vec<FieldError>> {
        let spec = &self.spec;
        let common = Common {
            metadata: &self.metadata,
            subscription_id: &spec.subscription_id,
            resource_group: &spec.resource_group,
            location: &spec.location,
            azure_name: spec.azure_name.as_deref(),
            identity: &spec.identity,
            mode: Some(spec.encryption.mode),
            data_location: spec.encryption.data_location,
            customer_managed_key: spec.encryption.customer_managed_key.as_ref(),
            public_network_access: spec.public_network_access,
            dependents: &spec.dependents,
            tags: &spec.tags,
            deletion_policy: spec.deletion_policy,
            management_policy: spec.management_policy,
            adoption_policy: spec.adoption_policy,
            suspend: spec.suspend,
            allow_unverified: &spec.allow_unverified,
            noun: "hub",
            arm_type: WORKSPACE,
            has_data_location: true,
        };
        let mut check = Checker::new(&common);
        let storage_account = check.reference(
            "spec.storageAccount",
            &spec.storage_account,
            STORAGE_ACCOUNT,
            "3 to 24 lower-case letters and digits",
            |text| (3..=24).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric()),
        );
        let key_vault = check.vault("spec.keyVault", &spec.key_vault);
        check.that(
            spec.identity.system_assigned.unwrap_or(false) || !spec.identity.user_assigned.is_empty(),
            "spec.identity",
            "a hub needs an identity: name one in userAssigned, or set systemAssigned: true",
        );
        let key = spec.encryption.customer_managed_key.as_ref();
        check.that(
            key.is_none_or(|key| KeyStore::of_text(&key.vault) == KeyStore::Vault),
            "spec.encryption.customerManagedKey.vault",
            "no source confirms that Azure takes the key of a hub from a managed HSM: name a key vault",
        );
        let customer_managed = spec.encryption.mode == EncryptionMode::CustomerManaged;
        check.that(
            !customer_managed || spec.high_business_impact.unwrap_or(true),
            "spec.highBusinessImpact",
            "Azure turns high business impact on for a hub with a customer-managed key: leave it out or set it to true",
        );
        let network = spec.managed_network.clone().unwrap_or_default();
        for (given, path) in [
            (network.virtual_network, "spec.managedNetwork.virtualNetwork"),
            (network.address_prefix, "spec.managedNetwork.addressPrefix"),
        ] {
            check.that(given.is_none(), path, MICROSOFTS);
        }
        let kind = storage_account
            .zip(key_vault)
            .map(|(storage_account, key_vault)| {
                Kind::Hub(Hub {
                    storage_account,
                    key_vault,
                    high_business_impact: spec.high_business_impact.unwrap_or(customer_managed),
                    isolation: network.isolation,
                })
            });
        let mut declared = check.declared(owner_id, kind, fits_azure)?;
        // Its own data is in Microsoft's stores, and what a project keeps in this one has the key that this one has.
        if declared.encryption.data_location() == Some(DataLocation::ServiceSide)
            && let Kind::Hub(hub) = &declared.kind
            && !declared
                .dependents
                .iter()
                .any(|one| one.id == hub.storage_account)
        {
            let audited = ValidDependent::audited(hub.storage_account.clone());
            declared.dependents.push(audited);
        }
        Ok(declared)
    }
}

/// Names that Azure takes for a hub, and the same for people.
pub(super) fn fits_azure(name: &str) -> Result<(), &'static str> {
    let fits = (3..=33).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if fits {
        Ok(())
    } else {
        Err("3 to 33 letters, digits, - and _")
    }
}

impl Rules for Hub {
    fn noun(&self) -> &'static str {
        "hub"
    }

    fn object(&self) -> &'static str {
        "AIHub"
    }

    fn is(&self, live: &Live) -> bool {
        live.kind.eq_ignore_ascii_case("hub")
    }

    fn profile(&self, have: &Bound) -> Profile {
        Profile::of_hub(have.data_location)
    }

    fn encrypts_later(&self) -> bool {
        false
    }

    fn providers(&self, with_managed_group: bool) -> &'static [&'static str] {
        match (with_managed_group, self.isolated()) {
            (true, true) => WITH_BOTH,
            (true, false) => WITH_MANAGED_GROUP,
            (false, true) => WITH_NETWORK,
            (false, false) => ALWAYS,
        }
    }

    fn associated(&self) -> Vec<Associated> {
        vec![
            Associated {
                id: self.storage_account.clone(),
                path: "spec.storageAccount",
                what: "Storage account",
                create: cure::create_storage_account,
            },
            Associated {
                id: self.key_vault.clone(),
                path: "spec.keyVault",
                what: "Vault",
                create: cure::create_vault,
            },
        ]
    }

    fn content(&self) -> Map<String, Value> {
        Map::from_iter([("kind".to_owned(), json!("Hub"))])
    }

    fn properties(
        &self,
        declared: &Declared,
        key: Option<KeyToUse<'_>>,
        _: Option<&Live>,
    ) -> Map<String, Value> {
        let mut properties = Map::new();
        properties.insert("storageAccount".to_owned(), json!(self.storage_account.as_str()));
        properties.insert("keyVault".to_owned(), json!(self.key_vault.as_str()));
        properties.insert("hbiWorkspace".to_owned(), json!(self.high_business_impact));
        if let Some(isolation) = self.isolation {
            properties.insert(NETWORK.to_owned(), network::setting(isolation));
        }
        if let Some(primary) = declared.primary_identity() {
            properties.insert("primaryUserAssignedIdentity".to_owned(), json!(primary.as_str()));
        }
        if let (
            ValidEncryption::CustomerManaged {
                data_location,
                vault,
                identity,
                ..
            },
            Some(key),
        ) = (&declared.encryption, key)
        {
            let mut encryption = json!({
                "status": "Enabled",
                "keyVaultProperties": { "keyVaultArmId": vault.as_str(), "keyIdentifier": key.identifier.as_str() },
            });
            if let (KeyUser::UserAssigned(id), Some(block)) = (identity, encryption.as_object_mut()) {
                block.insert(
                    "identity".to_owned(),
                    json!({ "userAssignedIdentity": id.as_str() }),
                );
            }
            properties.insert("encryption".to_owned(), encryption);
            if *data_location == Some(DataLocation::ServiceSide) {
                properties.insert("enableServiceSideCMKEncryption".to_owned(), json!(true));
            }
        }
        properties
    }

    fn key_change(&self, _: &Declared, change: &KeyChange, _: Option<&str>) -> Option<Body> {
        Some(
            json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": change.as_str() } } } }),
        )
    }

    fn changes(&self, live: &Live) -> Vec<Changed> {
        network::tightened(self.isolation, live.network_isolation.as_deref())
            .into_iter()
            .map(|value| Changed {
                field: NETWORK,
                is_property: true,
                value,
            })
            .collect()
    }

    fn bind(&self, bound: &mut Bound) {
        bound.storage_account = Some(self.storage_account.lower());
        bound.key_vault = Some(self.key_vault.lower());
        bound.high_business_impact = Some(self.high_business_impact);
        bound.managed_network_isolation = self.bound_isolation();
    }

    fn rebind(&self, live: &Live, bound: &mut Bound) {
        bound.managed_network_isolation = live.network_isolation.as_deref().map(str::to_lowercase);
    }

    fn bind_change(&self, intent: &str, bound: &mut Bound) {
        if intent.split(", ").any(|field| field == NETWORK) {
            bound.managed_network_isolation = self.bound_isolation();
        }
    }

    fn bind_live(&self, live: &Live, declared: &Bound, bound: &mut Bound) {
        bound.data_location = live.encryption.as_ref().map(|_| {
            if live.service_side {
                DataLocation::ServiceSide
            } else {
                DataLocation::ManagedResourceGroup
            }
        });
        let seen =
            |id: Option<&ArmId>, declared: &Option<String>| id.map(ArmId::lower).or_else(|| declared.clone());
        bound.storage_account = seen(live.storage_account.as_ref(), &declared.storage_account);
        bound.key_vault = seen(live.key_vault.as_ref(), &declared.key_vault);
        // Azure turns it on with a customer-managed key and reads it back as true (azurerm, ai_foundry).
        bound.high_business_impact = Some(live.encryption.is_some() || live.high_business_impact);
        bound.managed_network_isolation = live.network_isolation.as_deref().map(str::to_lowercase);
    }

    fn fixed(&self, declared: &Bound, have: &Bound, mode_refused: bool) -> Vec<Fixed> {
        let always = |what: &str, value: &str| self.fixed_at_creation(what, value);
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        vec![
            Fixed {
                differs: !same_name(
                    declared.storage_account.as_deref(),
                    have.storage_account.as_deref(),
                ),
                path: "spec.storageAccount",
                what: always("the hub's storage account", &text(&have.storage_account)),
            },
            Fixed {
                differs: !same_name(declared.key_vault.as_deref(), have.key_vault.as_deref()),
                path: "spec.keyVault",
                what: always("the hub's own key vault", &text(&have.key_vault)),
            },
            Fixed {
                differs: !mode_refused && declared.high_business_impact != have.high_business_impact,
                path: "spec.highBusinessImpact",
                what: always(
                    "high business impact",
                    &have.high_business_impact.unwrap_or_default().to_string(),
                ),
            },
            Fixed {
                differs: network::loosens(
                    declared.managed_network_isolation.as_deref(),
                    have.managed_network_isolation.as_deref(),
                ),
                path: "spec.managedNetwork.isolation",
                what: {
                    let is = network::spelled(have.managed_network_isolation.as_deref());
                    format!(
                        "Azure makes the isolation of a hub's managed network tighter, never looser: it is {is}. If somebody made it so in \
                         Azure, declare it: isolation: {is}."
                    )
                },
            },
        ]
    }

    fn other_identity(&self) -> &'static str {
        "Azure fixes the identity that unwraps the key when the hub is created"
    }

    fn drift(&self, _: &Live) -> Option<String> {
        None
    }

    /// Azure has no list of soft-deleted hubs.
    fn deleted(&self, _: &Declared) -> Option<String> {
        None
    }

    fn is_purged_with_its_deletion(&self) -> bool {
        true
    }

    fn may_have_projects(&self, _: &Live) -> bool {
        true
    }

    fn both_identities(&self) -> &'static str {
        "SystemAssigned,UserAssigned"
    }

    fn kept_after_deletion(&self) -> &'static str {
        "Azure may keep the hub for 14 days"
    }

    fn compute(&self, live: &Live) -> Option<ComputeEncryption> {
        Some(compute::encryption(live))
    }
}

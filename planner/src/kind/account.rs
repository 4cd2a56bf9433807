//! Azure AI services accounts: `Microsoft.CognitiveServices/accounts`, api-version 2026-07-01.

use keyholder_crds::{AIServicesAccount, AdoptionPolicy, Bound, ComputeEncryption, ManagementPolicy};
use serde_json::{Map, Value, json};

use super::{Associated, Changed, Fixed, KeyToUse, Kind, Rules};
use crate::encryption::KeyChange;
use crate::matrix::Profile;
use crate::name::KeyIdentifier;
use crate::needs::has_failed;
use crate::observed::{Body, Live};
use crate::parent::Parent;
use crate::validate::{ACCOUNT, Checker, Common, Declared, FieldError, KeyUser, ValidEncryption, Validate};

pub(super) const PROVIDERS: &[&str] = &["Microsoft.CognitiveServices"];
const FOUNDRY: &str = "AIServices";

/// What only an account declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it offers: `AIServices`, `OpenAI`, …
    pub account_kind: String,
    /// Its pricing tier.
    pub sku: String,
    /// Its subdomain, if one is declared.
    pub sub_domain: Option<String>,
    /// Whether it allows projects, if that is declared.
    pub projects: Option<bool>,
}

impl Validate for AIServicesAccount {
    fn validate(&self, owner_id: &str, _: Option<&Parent>) -> Result<Declared, Vec<FieldError>> {
        let spec = &self.spec;
        let identity = spec.identity.clone().unwrap_or_default();
        let common = Common {
            metadata: &self.metadata,
            subscription_id: &spec.subscription_id,
            resource_group: &spec.resource_group,
            location: &spec.location,
            azure_name: spec.azure_name.as_deref(),
            identity: &identity,
            mode: Some(spec.encryption.mode),
            data_location: None,
            customer_managed_key: spec.encryption.customer_managed_key.as_ref(),
            public_network_access: spec.public_network_access,
            dependents: &spec.dependents,
            tags: &spec.tags,
            deletion_policy: spec.deletion_policy,
            management_policy: spec.management_policy,
            adoption_policy: spec.adoption_policy,
            suspend: spec.suspend,
            allow_unverified: &spec.allow_unverified,
            noun: "account",
            arm_type: ACCOUNT,
            has_data_location: false,
        };
        let mut check = Checker::new(&common);
        let kind = spec.account_kind.as_str();
        let named = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        check.that(
            named,
            "spec.accountKind",
            format!("{kind:?} is not a kind of account, such as AIServices, OpenAI or SpeechServices"),
        );
        let has_identity = identity.system_assigned.unwrap_or(false) || !identity.user_assigned.is_empty();
        check.that(
            spec.allow_project_management != Some(true) || (is(kind, FOUNDRY) && has_identity),
            "spec.allowProjectManagement",
            "it needs accountKind: AIServices and an identity",
        );
        check.that(
            spec.custom_sub_domain_name.as_deref().is_none_or(is_sub_domain),
            "spec.customSubDomainName",
            "Azure takes letters, digits and -, with no - at the ends",
        );
        let account = Kind::Account(Account {
            account_kind: spec.account_kind.clone(),
            sku: spec.sku.clone(),
            sub_domain: spec.custom_sub_domain_name.clone(),
            projects: spec.allow_project_management,
        });
        check.declared(owner_id, Some(account), fits_azure)
    }
}

/// Names that Azure takes for an account, and the same for people.
pub(super) fn fits_azure(name: &str) -> Result<(), &'static str> {
    let fits = (2..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if fits {
        Ok(())
    } else {
        Err("2 to 64 letters, digits, - _ and .")
    }
}

fn is_sub_domain(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is(kind: &str, other: &str) -> bool {
    kind.eq_ignore_ascii_case(other)
}

/// The encryption of a request. The whole of it: no source tells whether a PATCH replaces the block or merges it. A key that the
/// service follows has an empty version.
pub(crate) fn encryption(key: &KeyIdentifier, client_id: Option<&str>) -> Value {
    let mut of_key = json!({
        "keyVaultUri": format!("{}/", key.store_url()),
        "keyName": key.key().as_str(),
        "keyVersion": key.version().map(ToString::to_string).unwrap_or_default(),
    });
    if let (Some(client_id), Some(of_key)) = (client_id, of_key.as_object_mut()) {
        of_key.insert("identityClientId".to_owned(), json!(client_id));
    }
    json!({ "keySource": "Microsoft.KeyVault", "keyVaultProperties": of_key })
}

impl Rules for Account {
    fn noun(&self) -> &'static str {
        "account"
    }

    fn object(&self) -> &'static str {
        "AIServicesAccount"
    }

    /// An account of another kind is the same account: Microsoft turns those of OpenAI into those of AIServices.
    fn is(&self, live: &Live) -> bool {
        live.account.is_some()
    }

    fn profile(&self, have: &Bound) -> Profile {
        let kind = have.account_kind.as_deref().unwrap_or(&self.account_kind);
        Profile::of_account(
            kind,
            self.projects == Some(true) || have.allow_project_management == Some(true),
        )
    }

    fn encrypts_later(&self) -> bool {
        true
    }

    fn providers(&self, _: bool) -> &'static [&'static str] {
        PROVIDERS
    }

    fn associated(&self) -> Vec<Associated> {
        Vec::new()
    }

    fn content(&self) -> Map<String, Value> {
        Map::from_iter([
            ("kind".to_owned(), json!(self.account_kind)),
            ("sku".to_owned(), json!({ "name": self.sku })),
        ])
    }

    /// A new account's own identity has no access to anything: such an account is created with Microsoft's key, and encrypted with
    /// the declared one afterwards.
    fn properties(
        &self,
        declared: &Declared,
        key: Option<KeyToUse<'_>>,
        left: Option<&Live>,
    ) -> Map<String, Value> {
        let mut properties = Map::new();
        // What an earlier try has stays where nothing is declared.
        let have = left.and_then(|left| left.account.as_ref());
        let sub_domain = self.sub_domain.as_ref();
        if let Some(name) = sub_domain.or_else(|| have?.sub_domain.as_ref()) {
            properties.insert("customSubDomainName".to_owned(), json!(name));
        }
        if let Some(projects) = self.projects.or_else(|| have.map(|have| have.projects)) {
            properties.insert("allowProjectManagement".to_owned(), json!(projects));
        }
        if let Some(access) = left.and_then(|left| left.public_network_access.as_ref()) {
            properties.insert("publicNetworkAccess".to_owned(), json!(access));
        }
        // One that is there gets its key by a PATCH, and is asked about as it will be then.
        let has_access = left.is_some_and(|left| left.encryption.is_some() || !has_failed(left));
        if let (ValidEncryption::CustomerManaged { identity, .. }, Some(key)) = (&declared.encryption, key)
            && (has_access || *identity != KeyUser::SystemAssigned)
        {
            let block = encryption(key.identifier, key.client_id);
            properties.insert("encryption".to_owned(), block);
        }
        properties
    }

    /// Without `keySource` nothing leads back to Microsoft's key (terraform-provider-azurerm #28368).
    fn key_change(&self, declared: &Declared, change: &KeyChange, client_id: Option<&str>) -> Option<Body> {
        let encryption = match (change, &declared.encryption) {
            (KeyChange::ToMicrosoftManaged, _) => json!({ "keySource": "Microsoft.CognitiveServices" }),
            // Without its client id it would be the account's own identity that unwraps.
            (
                KeyChange::To(_),
                ValidEncryption::CustomerManaged {
                    identity: KeyUser::UserAssigned(_),
                    ..
                },
            ) if client_id.is_none() => return None,
            (KeyChange::To(key), _) => encryption(key, client_id),
        };
        Some(json!({ "properties": { "encryption": encryption } }))
    }

    fn changes(&self, live: &Live) -> Vec<Changed> {
        let Some(have) = &live.account else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        let mut change = |differs: bool, field, is_property, value| {
            if differs {
                changes.push(Changed {
                    field,
                    is_property,
                    value,
                });
            }
        };
        change(
            !is(&self.sku, &have.sku),
            "sku",
            false,
            json!({ "name": self.sku }),
        );
        change(
            self.sub_domain.is_some() && have.sub_domain.is_none(),
            "customSubDomainName",
            true,
            json!(self.sub_domain),
        );
        change(
            self.projects == Some(true) && !have.projects,
            "allowProjectManagement",
            true,
            json!(true),
        );
        changes
    }

    fn bind(&self, bound: &mut Bound) {
        bound.account_kind = Some(self.account_kind.to_lowercase());
        bound.allow_project_management = self.projects;
        bound.custom_sub_domain_name = self.sub_domain.as_deref().map(str::to_lowercase);
    }

    fn bind_live(&self, live: &Live, _: &Bound, bound: &mut Bound) {
        bound.account_kind = Some(live.kind.clone());
        if let Some(have) = &live.account {
            bound.allow_project_management = Some(have.projects);
            bound.custom_sub_domain_name = have.sub_domain.as_deref().map(str::to_lowercase);
        }
    }

    fn fixed(&self, declared: &Bound, have: &Bound, _: bool) -> Vec<Fixed> {
        let kinds = (declared.account_kind.as_deref(), have.account_kind.as_deref());
        let upgraded = kinds == (Some("openai"), Some("aiservices"));
        let none = || "none".to_owned();
        vec![
            Fixed {
                differs: kinds.0 != kinds.1 && !upgraded,
                path: "spec.accountKind",
                what: self.fixed_at_creation("the account's kind", kinds.1.unwrap_or("none")),
            },
            Fixed {
                differs: declared.allow_project_management == Some(false)
                    && have.allow_project_management == Some(true),
                path: "spec.allowProjectManagement",
                what: "Azure cannot disallow projects on an account that allows them.".to_owned(),
            },
            Fixed {
                differs: declared.custom_sub_domain_name.is_some()
                    && have.custom_sub_domain_name.is_some()
                    && declared.custom_sub_domain_name != have.custom_sub_domain_name,
                path: "spec.customSubDomainName",
                what: format!(
                    "Azure cannot change the subdomain of an account: it is {}.",
                    have.custom_sub_domain_name.clone().unwrap_or_else(none)
                ),
            },
        ]
    }

    fn other_identity(&self) -> &'static str {
        "No source confirms that Azure lets another identity unwrap the key of an account"
    }

    fn drift(&self, live: &Live) -> Option<String> {
        (!is(&self.account_kind, &live.kind)).then(|| {
            format!(
                "Azure has the account as one of kind {}, declared is {}: Microsoft upgrades accounts by itself, and Keyholder does \
                 not undo that. Set spec.accountKind to what it is.",
                live.kind, self.account_kind
            )
        })
    }

    fn deleted(&self, declared: &Declared) -> Option<String> {
        Some(format!(
            "/subscriptions/{}/providers/Microsoft.CognitiveServices/locations/{}/resourceGroups/{}/deletedAccounts/{}",
            declared.id.subscription(),
            declared.location,
            declared.id.resource_group(),
            declared.id.name()
        ))
    }

    fn is_purged_with_its_deletion(&self) -> bool {
        false
    }

    fn may_have_projects(&self, live: &Live) -> bool {
        live.account.as_ref().is_some_and(|account| account.projects)
    }

    /// Azure's choice for an account of kind `AIServices` is not known before it is there, and neither is what is taken over.
    fn takes_no_projects(&self, declared: &Declared, have: Option<&Bound>) -> bool {
        let as_declared = have.is_some()
            || (declared.adoption_policy == AdoptionPolicy::Never
                && declared.management_policy == ManagementPolicy::Full);
        match (self.projects, have.and_then(|have| have.allow_project_management)) {
            (Some(true), _) => false,
            (_, Some(allows)) => !allows,
            (Some(false), None) => true,
            (None, None) => as_declared && !is(&self.account_kind, FOUNDRY),
        }
    }

    fn both_identities(&self) -> &'static str {
        "SystemAssigned, UserAssigned"
    }

    fn kept_after_deletion(&self) -> &'static str {
        "Azure keeps the account for 48 hours"
    }

    fn compute(&self, _: &Live) -> Option<ComputeEncryption> {
        None
    }
}

#[cfg(test)]
mod cel_agrees;
#[cfg(test)]
mod tests;

//! What stands between a good spec and a hub: policies, quotas, and the bill.
//!
//! Invariant: what cannot be read does not block: Azure itself refuses what its policies and quotas forbid, and nothing is
//! lost by that.

use keyholder_crds::Reason;

use super::{Outcome, not_read};
use crate::cure;
use crate::observed::{Fact, Observed, Usage, Why};
use crate::refused;
use crate::validate::Declared;

const SEARCH: &str = "Microsoft.Search";
const STORAGE: &str = "Microsoft.Storage";
/// Providers that tell their quotas by region; Cosmos DB has no such list.
const WITH_MANAGED_GROUP: &[&str] = &[SEARCH, STORAGE];
/// Tiers of AI Search that Azure may take for a managed group: which of them is not documented. The free one has no
/// customer-managed keys (azure-ai-docs, search-security-manage-encryption-keys).
const SEARCH_TIERS: [&str; 2] = ["basic", "standard"];
const CALCULATOR: &str = "https://azure.microsoft.com/pricing/calculator/";

/// The providers whose quotas in its region a hub needs.
#[must_use]
pub fn quotas(declared: &Declared) -> &'static [&'static str] {
    if declared.has_managed_group() {
        WITH_MANAGED_GROUP
    } else {
        &[]
    }
}

/// What a hub with a managed resource group costs beside itself (azure-ai-docs, hub-encryption-keys-portal: billed to the
/// customer's subscription).
pub(crate) fn bill(declared: &Declared) -> String {
    format!(
        "With dataLocation: ManagedResourceGroup Azure puts an Azure Cosmos DB account, an Azure AI Search service and a \
         storage account into subscription {} and bills them there for as long as the hub exists, used or not. What \
         they cost: {CALCULATOR}. dataLocation: ServiceSide, which can be chosen before creation only, needs none of them.",
        declared.id.subscription()
    )
}

pub(super) fn check_policy(declared: &Declared, observed: &Observed) -> Outcome {
    let outlook = match &observed.policy {
        Fact::Known(outlook) => outlook,
        Fact::Absent => return Outcome::unknown(&not_read("what Azure Policy says of the resource"), false),
        Fact::Unknown(why) => return Outcome::unknown(why, false),
    };
    if !outlook.denies.is_empty() {
        let (texts, commands): (Vec<String>, Vec<Vec<String>>) = outlook
            .denies
            .iter()
            .map(|hit| (refused::denial(hit), refused::exemption(hit, &declared.id)))
            .unzip();
        return Outcome::failed(Reason::PolicyDenied, &texts.join("\n"), &commands.concat());
    }
    let notes: Vec<String> = outlook.modifies.iter().map(refused::change).collect();
    Outcome::Passed {
        note: (!notes.is_empty()).then(|| notes.join("\n")),
    }
}

pub(super) fn check_quota(declared: &Declared, observed: &Observed) -> Outcome {
    if observed.usages.is_empty() {
        let why = Why {
            reason: Reason::Unverifiable,
            message: "Quotas are not asked for: the operator runs without --predict-quotas.".to_owned(),
            retry_at: None,
        };
        return Outcome::unknown(&why, false);
    }
    let mut full = Vec::new();
    let mut notes = Vec::new();
    let mut commands = Vec::new();
    let mut unknown = None;
    let subscription = declared.id.subscription();
    for namespace in WITH_MANAGED_GROUP {
        let usages = match observed.usages.get(*namespace) {
            Some(Fact::Known(usages)) => usages,
            Some(Fact::Unknown(why)) => {
                unknown = Some(why.clone());
                continue;
            }
            Some(Fact::Absent) | None => {
                unknown = Some(not_read(&format!("the quotas of {namespace}")));
                continue;
            }
        };
        let (what, used_up, known) = match *namespace {
            SEARCH => (
                "AI Search services",
                used_up(usages, |usage| {
                    SEARCH_TIERS.contains(&usage.name.to_lowercase().as_str())
                }),
                SEARCH_TIERS.len(),
            ),
            _ => (
                "storage accounts",
                used_up(usages, |usage| usage.name.eq_ignore_ascii_case("StorageAccounts")),
                1,
            ),
        };
        let told: Vec<String> = used_up
            .iter()
            .map(|usage| format!("{}: {} of {}", usage.name, usage.used, usage.limit))
            .collect();
        let told = format!(
            "{what} in {} of subscription {subscription} ({})",
            declared.location,
            told.join(", ")
        );
        if used_up.len() == known {
            full.push(told);
            commands.push(cure::list_of(namespace, subscription));
        } else if !used_up.is_empty() {
            notes.push(format!(
                "Used up: {told}. Which tier Azure takes for the managed resource group is not documented."
            ));
        }
    }
    if !full.is_empty() {
        return Outcome::failed(
            Reason::QuotaExceeded,
            &format!(
                "No quota is left for what Azure puts into the managed resource group: {}. Delete some that are not needed, or \
                 ask Azure for more (in the portal: Help + support, Service and subscription limits).",
                full.join("; ")
            ),
            &commands,
        );
    }
    match unknown {
        Some(why) => Outcome::unknown(
            &Why {
                message: format!(
                    "Not known whether there is quota for the managed resource group: {}",
                    why.message
                ),
                ..why
            },
            false,
        ),
        None => Outcome::Passed {
            note: (!notes.is_empty()).then(|| notes.join("\n")),
        },
    }
}

fn used_up(usages: &[Usage], counts: impl Fn(&Usage) -> bool) -> Vec<&Usage> {
    usages
        .iter()
        .filter(|usage| counts(usage) && usage.used >= usage.limit)
        .collect()
}

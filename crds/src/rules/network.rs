//! The rules for the managed network of a hub.

use kube::core::{Reason, Rule};

use super::{HUB, transition};

/// Why nobody but Microsoft has a say in the virtual network of a managed resource group (azure-ai-docs,
/// cognitive-services-encryption-keys-portal).
pub const MICROSOFTS: &str = "Microsoft makes and keeps the virtual network of the managed resource group; it can be neither supplied nor re-addressed: leave this out.";

/// A managed network is not made looser: what is isolated cannot be disabled (azure-ai-docs, configure-managed-network, 08/27/2025), and one that
/// allows approved outbound only does not go back to the internet (how-to-managed-network, 08/29/2024). Tighter is fine (azureml-examples,
/// workspace-managed-network). A mode that is not known here is taken for the tightest.
#[must_use]
pub fn isolation_stays() -> Rule {
    let isolation = |root: &str| {
        let network = format!("{root}.spec.managedNetwork");
        format!("(has({network}) && has({network}.isolation) ? {network}.isolation.lowerAscii() : '')")
    };
    let new = isolation("self");
    let bound = "oldSelf.status.bound.managedNetworkIsolation";
    transition(
        &new,
        &isolation("oldSelf"),
        &format!(
            "{new} == '' || !has({bound}) || {bound} in [{new}, 'disabled'] || \
             ({bound} == 'allowinternetoutbound' && {new} == 'allowonlyapprovedoutbound')"
        ),
        ".spec.managedNetwork.isolation",
        &HUB.refusal(
            "Azure makes the isolation of a hub's managed network tighter (Disabled, AllowInternetOutbound, AllowOnlyApprovedOutbound), never looser.",
        ),
    )
}

/// A field that nobody can set.
#[must_use]
pub fn is_microsofts() -> Rule {
    Rule::new("false")
        .message(MICROSOFTS)
        .reason(Reason::FieldValueForbidden)
}

//! The isolation of a hub's managed network: what is tighter than what.
//!
//! Invariant: nothing here asks Azure for a looser isolation. What is isolated cannot be disabled (azure-ai-docs, configure-managed-network,
//! 08/27/2025), and one that allows approved outbound only does not go back to the internet (how-to-managed-network, 08/29/2024). An existing
//! hub takes either isolation, and goes from the internet to what is approved (azureml-examples, workspace-managed-network). A mode that is
//! not known here is taken for the tightest.

use keyholder_crds::NetworkIsolation;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

/// Azure's mode, if it is one that is known here.
fn known(mode: &str) -> Option<NetworkIsolation> {
    NetworkIsolation::iter().find(|one| one.to_string().eq_ignore_ascii_case(mode))
}

/// Whether what is declared is looser than what is there.
pub(crate) fn loosens(declared: Option<&str>, have: Option<&str>) -> bool {
    let (Some(declared), Some(have)) = (declared, have) else {
        return false;
    };
    !declared.eq_ignore_ascii_case(have) && known(have).is_none_or(|have| known(declared) < Some(have))
}

/// What a PATCH makes of the managed network when the declared isolation is tighter than what is there; a hub that tells none has none.
/// Its rules for outbound traffic are not named, and stay (azure-resource-manager-rpc: PATCH is a JSON merge patch).
pub(crate) fn tightened(declared: Option<NetworkIsolation>, have: Option<&str>) -> Option<Value> {
    let have = match have {
        None => NetworkIsolation::Disabled,
        Some(mode) => known(mode)?,
    };
    declared.filter(|declared| *declared > have).map(setting)
}

/// `managedNetwork` of a PUT or a PATCH.
pub(crate) fn setting(isolation: NetworkIsolation) -> Value {
    json!({ "isolationMode": isolation.to_string() })
}

/// A mode, in lower case or not, as Azure writes it.
pub(crate) fn spelled(mode: Option<&str>) -> String {
    let mode = mode.unwrap_or("none");
    known(mode).map_or_else(|| mode.to_owned(), |mode| mode.to_string())
}

#[cfg(test)]
mod tests;

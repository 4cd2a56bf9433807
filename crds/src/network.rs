//! The managed network of a hub: what its compute reaches from there.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::rules;

/// The network that Azure manages for a hub's compute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedNetwork {
    /// What the hub's compute reaches: Disabled isolates nothing, AllowInternetOutbound the whole internet, AllowOnlyApprovedOutbound what
    /// is approved. Left out, Azure's choice stays as it is. Once the hub exists it can be made tighter, in this order, and never looser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<NetworkIsolation>,

    /// Refused, whatever it says: Microsoft makes and keeps the virtual network of the managed resource group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = rules::network::is_microsofts())]
    pub virtual_network: Option<String>,

    /// Refused, whatever it says: the virtual network of the managed resource group has the IP address range that Microsoft gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = rules::network::is_microsofts())]
    pub address_prefix: Option<String>,
}

/// How a managed network is isolated, the loosest first (machinelearningservices, IsolationMode).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum NetworkIsolation {
    /// There is no managed network.
    Disabled,
    /// Everything in the internet can be reached.
    AllowInternetOutbound,
    /// What is approved can be reached.
    AllowOnlyApprovedOutbound,
}

//! A second tenant of the same operator: a namespace and an identity of its own, with no rights in Azure.

use serde_json::{Value, json};

use crate::azure::{Trust, names};
use crate::chart;

/// Another tenant of the same operator.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Its namespace.
    pub namespace: String,
    /// Name of its identity in Azure; its ServiceAccount has the same.
    pub identity: String,
    /// The identity's client id.
    pub client_id: String,
}

impl Neighbour {
    /// Adds it to the chart's values.
    pub fn add_to(&self, values: &mut Value) {
        chart::add_tenant(values, &self.namespace, &self.identity, &self.client_id);
    }

    /// Its identity in Azure, which trusts its ServiceAccount alone.
    #[must_use]
    pub fn in_azure(&self, trust: &Trust) -> Value {
        let identity = &self.identity;
        json!({
            "id": names::resource(names::PLATFORM_GROUP, "Microsoft.ManagedIdentity/userAssignedIdentities", identity),
            "location": names::LOCATION,
            "clientId": self.client_id,
            "federatedCredentials": [{
                "name": "keyholder",
                "issuer": trust.issuer,
                "subject": format!("system:serviceaccount:{}:{identity}", trust.namespace),
                "audiences": ["api://AzureADTokenExchange"],
                "issuerCa": trust.authority,
            }],
        })
    }
}

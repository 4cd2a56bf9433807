//! Azure as the wire has it: Azure Resource Manager and Entra, and nothing about what a hub should look like.
//!
//! Invariants of the crate: a token goes to the configured hosts alone; nothing in here sleeps or tries again, it reports
//! when to come back; an answer that is cut off, of the wrong type or endless is an error, never a panic; no error,
//! log line or `Debug` output holds a token or an assertion.

pub mod arm;
pub mod budget;
pub mod cloud;
pub mod credential;
pub mod error;
pub mod key_vault;
pub mod operation;
pub mod reader;
pub mod retry_after;
#[cfg(test)]
mod scripted;
mod text;
pub mod transport;
pub mod wire;

pub use arm::{ArmClient, ArmResponse, Limits, Listed, Requests};
pub use azure_core::credentials::{Secret, TokenCredential};
pub use azure_core::http::{Method, Transport};
pub use budget::{Account, Budget, Kind, Urgency};
pub use cloud::{Cloud, CloudError};
pub use credential::{AssertionSource, CredentialError, FederatedCredential};
pub use error::{ArmError, Cause, ErrorClass, Fault, PolicyViolation, chain};
pub use key_vault::{DeletedKey, KeyVaultError, KeyVaults};
pub use operation::OperationState;
pub use reader::{Content, ListReading, Reader, Reading};
pub use transport::{TransportError, transport};
pub use wire::WireError;

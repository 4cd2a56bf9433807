//! A Kubernetes control plane, the simulated Azure and the operator as one running system.
//!
//! Invariant: whatever is started here ends with the one who started it, also on a panic, on Ctrl-C and on SIGKILL;
//! what it wrote lies where its errors say.

pub mod binaries;
pub mod certificates;
pub mod control_plane;
pub mod error;
pub mod kubeconfig;
pub mod kubectl;
pub mod process;
pub mod run_directory;
pub mod tls;

pub use control_plane::ControlPlane;
pub use error::Error;
pub use kubectl::{Kubectl, Said};

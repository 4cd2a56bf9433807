//! A Kubernetes control plane, the simulated Azure and the operator as one running system.
//!
//! Invariant: whatever is started here ends with the one who started it, also on a panic, on Ctrl-C and on SIGKILL;
//! what it wrote lies where its errors say.

pub mod azure;
mod background;
pub mod binaries;
pub mod certificates;
pub mod chart;
pub mod control_plane;
pub mod error;
pub mod installation;
pub mod kubeconfig;
pub mod kubectl;
pub mod neighbour;
pub mod object;
pub mod operator;
pub mod process;
pub mod program;
pub mod proxy;
pub mod run_directory;
pub mod scenario;
pub mod tls;

pub use azure::{Azure, Seed};
pub use control_plane::ControlPlane;
pub use error::Error;
pub use kubectl::{Kubectl, Said};
pub use neighbour::Neighbour;
pub use object::{Condition, Object};
pub use operator::{Operator, OperatorSettings};
pub use scenario::{Scenario, ScenarioSettings};

//! The simulated Azure, started in this process.
//!
//! Invariant: it ends with this value; what it was asked stands in its traffic log.

use std::fs;
use std::path::{Path, PathBuf};

use azure_simulator::{Config, Simulator};

pub mod control;
pub mod names;
pub mod rest;
pub mod seed;

pub use control::{Control, Exchange};
pub use rest::{ARM_AUDIENCE, Answer, RestClient};
pub use seed::{Seed, Trust, granter};

use crate::background;
use crate::error::Error;
use crate::tls;

/// A running simulator.
pub struct Azure {
    simulator: Simulator,
    endpoint: String,
    authority_file: PathBuf,
    traffic: PathBuf,
    http: reqwest::Client,
    control: Control,
    seed: Seed,
}

impl Azure {
    /// Starts one that holds what `seed` says, with its certificate authority in `folder` and its log in `traffic`.
    ///
    /// # Errors
    /// It cannot start, or refuses the seed.
    pub async fn start(folder: &Path, traffic: &Path, seed: Seed) -> Result<Self, Error> {
        let config = Config {
            traffic_log: Some(traffic.to_owned()),
            ..Config::default()
        };
        let simulator = background::run(async move { Simulator::start(config).await })
            .await?
            .map_err(Error::azure("starting the simulator"))?;
        let endpoint = simulator.endpoint().trim_end_matches('/').to_owned();
        let authority_file = folder.join("simulator-ca.pem");
        fs::write(&authority_file, simulator.ca_pem()).map_err(Error::file("writing", &authority_file))?;
        let http = tls::client(simulator.ca_pem())?;
        let control = Control::new(http.clone(), &endpoint);
        control.seed(&seed.text()).await?;
        Ok(Self {
            simulator,
            endpoint,
            authority_file,
            traffic: traffic.to_owned(),
            http,
            control,
            seed,
        })
    }

    /// URL of Azure Resource Manager, and of Entra.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// URL of the proxy by which clients reach it and the hosts of its vaults.
    #[must_use]
    pub fn proxy(&self) -> &str {
        self.simulator.proxy()
    }

    /// PEM file of its certificate authority.
    #[must_use]
    pub fn authority_file(&self) -> &Path {
        &self.authority_file
    }

    /// Its log of exchanges.
    #[must_use]
    pub fn traffic(&self) -> &Path {
        &self.traffic
    }

    /// Its control API.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What it held at the beginning.
    #[must_use]
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Azure as a principal of the seed uses it, for example [`names::ALICE`].
    ///
    /// # Errors
    /// The seed has no secret for it, or it cannot sign in.
    pub async fn sign_in(&self, principal: &str) -> Result<RestClient, Error> {
        let (client_id, secret) = self.seed.secret(principal).ok_or_else(|| {
            Error::azure("signing in")(format!("the seed has no principal {principal} with a secret"))
        })?;
        RestClient::sign_in(self.http.clone(), &self.endpoint, &client_id, &secret).await
    }

    /// What the operator asked so far.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn operator_log(&self) -> Result<Vec<Exchange>, Error> {
        let mut log = self.control.log(0).await?;
        log.retain(|exchange| exchange.principal.as_deref() == Some(names::OPERATOR));
        Ok(log)
    }

    /// Ends it, and waits until it has ended.
    ///
    /// # Errors
    /// The servers' runtime is gone.
    pub async fn stop(self) -> Result<(), Error> {
        let simulator = self.simulator;
        background::run(async move { simulator.shutdown().await })
            .await
            .map(drop)
    }
}

//! The real operator binary as a child process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::process::Process;

const PATIENCE: Duration = Duration::from_secs(30);

/// How to start an operator.
#[derive(Clone, Debug)]
pub struct OperatorSettings {
    /// The binary.
    pub program: PathBuf,
    /// Its kubeconfig.
    pub kubeconfig: PathBuf,
    /// Its own namespace.
    pub namespace: String,
    /// Namespaces to watch.
    pub watch_namespaces: Vec<String>,
    /// First part of the owner tag.
    pub owner_id: String,
    /// Azure Resource Manager, and Entra.
    pub azure: String,
    /// PEM file with Azure's certificate authority.
    pub azure_ca_file: PathBuf,
    /// Between two sweeps.
    pub sweep_interval: Duration,
    /// Between two looks at a cause that somebody must remove.
    pub probe_interval: Duration,
    /// Where its log goes.
    pub log: PathBuf,
}

/// A running operator.
#[derive(Debug)]
pub struct Operator {
    settings: OperatorSettings,
    process: Process,
}

impl Operator {
    /// Starts it; does not wait.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(settings: OperatorSettings) -> Result<Self, Error> {
        let process = spawn(&settings)?;
        Ok(Self { settings, process })
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        self.process.tail()
    }

    /// Ends it with SIGKILL, if it still runs, and starts it again.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill();
        self.process = spawn(&self.settings)?;
        Ok(())
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// It does not end in time.
    pub fn terminate(&mut self) -> Result<std::process::ExitStatus, Error> {
        self.process.terminate(PATIENCE)
    }

    /// Where it serves health and metrics, once it does.
    ///
    /// # Errors
    /// It ended, or does not say so in time.
    pub async fn address(&mut self) -> Result<String, Error> {
        let started = Instant::now();
        loop {
            self.process.check()?;
            let output = self.process.output();
            let latest = output.rsplit("address=").next().filter(|_| output.contains("address="));
            if let Some(address) = latest.and_then(|rest| rest.split_whitespace().next()) {
                return Ok(address.to_owned());
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    what: "the operator did not say where it listens".to_owned(),
                    waited: PATIENCE,
                    last: self.tail(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it answers at `path` of its health endpoint, with the status.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn get(&mut self, path: &str) -> Result<(u16, String), Error> {
        let address = self.address().await?;
        let answer = reqwest::get(format!("http://{address}{path}"))
            .await
            .map_err(Error::kubernetes(format!("asking the operator for {path}")))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(Error::kubernetes(format!("reading the operator's {path}")))?;
        Ok((status, text))
    }

    /// Resident memory in KiB, as the kernel counts it.
    #[must_use]
    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

fn spawn(settings: &OperatorSettings) -> Result<Process, Error> {
    let mut arguments: Vec<OsString> = [
        "run".to_owned(),
        format!("--owner-id={}", settings.owner_id),
        format!("--namespace={}", settings.namespace),
        format!("--arm-endpoint={}", settings.azure),
        "--arm-audience=https://management.azure.com".to_owned(),
        format!("--authority={}", settings.azure),
        format!("--azure-ca-file={}", settings.azure_ca_file.display()),
        format!("--sweep-interval={}ms", settings.sweep_interval.as_millis()),
        format!("--probe-interval={}ms", settings.probe_interval.as_millis()),
        "--listen=127.0.0.1:0".to_owned(),
        "--log-format=text".to_owned(),
        // The same replica resumes its lease at once; another would wait it out.
        "--replica=testbed".to_owned(),
    ]
    .into_iter()
    .map(OsString::from)
    .collect();
    arguments.extend(settings.watch_namespaces.iter().map(|one| OsString::from(format!("--watch-namespace={one}"))));
    let environment = [
        ("KUBECONFIG".to_owned(), settings.kubeconfig.to_string_lossy().into_owned()),
        ("NO_PROXY".to_owned(), "127.0.0.1,localhost".to_owned()),
    ];
    Process::start(&settings.program, &arguments, &environment, &settings.log)
}

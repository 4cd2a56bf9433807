//! The real operator binary as a child process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::azure::ARM_AUDIENCE;
use crate::error::Error;
use crate::process::Process;

/// How long it may take to become ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether it is ready.
const LOOK: Duration = Duration::from_millis(20);

/// Settings with which nothing waits without need.
#[must_use]
pub fn impatient() -> Vec<(String, String)> {
    ["KEYHOLDER_ROTATION_SPREAD", "KEYHOLDER_GRANT_PROPAGATION"]
        .map(|name| (name.to_owned(), "1ms".to_owned()))
        .to_vec()
}

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
    /// URL of Azure Resource Manager, and of Entra.
    pub azure: String,
    /// PEM file with Azure's certificate authority.
    pub azure_ca_file: PathBuf,
    /// Between two sweeps.
    pub sweep_interval: Duration,
    /// Between two looks at a cause that somebody must remove.
    pub probe_interval: Duration,
    /// Further settings, by their environment variables.
    pub environment: Vec<(String, String)>,
    /// Its name in the lease. One that is restarted under the same name goes on at once; another waits the lease out.
    pub replica: String,
    /// Where its log goes.
    pub log: PathBuf,
}

/// An operator that runs, or ran.
#[derive(Debug)]
pub struct Operator {
    settings: OperatorSettings,
    process: Process,
}

impl Operator {
    /// Starts it, without waiting until it is ready.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(settings: OperatorSettings) -> Result<Self, Error> {
        let process = spawn(&settings)?;
        Ok(Self { settings, process })
    }

    /// How it was started.
    #[must_use]
    pub fn settings(&self) -> &OperatorSettings {
        &self.settings
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

    /// What it logged since its last start.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        self.process.tail()
    }

    /// Ends it with SIGKILL, if it still runs, and starts it again with the same settings.
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

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// It does not end in time; it is killed then.
    pub async fn terminate(&mut self) -> Result<ExitStatus, Error> {
        self.process.terminate(PATIENCE).await
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// It ended, or is not ready in time.
    pub async fn until_ready(&mut self) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            let last = match self.get("/readyz").await {
                Ok((200, _)) => return Ok(()),
                Ok((_, text)) => text,
                Err(error) => error.chain(),
            };
            self.process.check()?;
            self.within(started, "the operator was not ready", &last)?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until it ends by itself, and gives what is to be said then.
    pub async fn until_ended(&mut self) -> Error {
        loop {
            if let Err(ended) = self.process.check() {
                return ended;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Where it serves health and metrics, once it does.
    ///
    /// # Errors
    /// It ended, or does not say so in time.
    pub async fn address(&mut self) -> Result<String, Error> {
        let started = Instant::now();
        loop {
            let output = self.process.output();
            let address = output
                .lines()
                .find_map(|line| line.split_once(" address=")?.1.split_whitespace().next());
            if let Some(address) = address {
                return Ok(address.to_owned());
            }
            self.process.check()?;
            self.within(started, "the operator did not say where it listens", "")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    fn within(&self, started: Instant, what: &str, last: &str) -> Result<(), Error> {
        if started.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(Error::TimedOut {
            what: what.to_owned(),
            waited: PATIENCE,
            last: format!(
                "{last}\nIts log is {} and ends with:\n{}",
                self.log().display(),
                self.tail()
            ),
        })
    }

    /// What it answers at `path`: the status and the text.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn get(&mut self, path: &str) -> Result<(u16, String), Error> {
        let address = self.address().await?;
        let asking = || Error::kubernetes(format!("asking the operator for {path}"));
        let client = reqwest::Client::builder().no_proxy().build().map_err(asking())?;
        let answer = client
            .get(format!("http://{address}{path}"))
            .send()
            .await
            .map_err(asking())?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(asking())?))
    }

    /// Resident memory in KiB, as Linux counts it; none elsewhere, or when it has ended.
    #[must_use]
    pub fn resident_kib(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    /// The most resident memory in KiB that it had since its start.
    #[must_use]
    pub fn peak_kib(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// CPU time that it used since its start, its own and the kernel's for it; none where there is no `/proc`.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        /// Linux counts in hundredths of a second here, whatever the kernel's own clock (proc(5), USER_HZ).
        const MILLISECONDS: u64 = 10;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        // The program's name, in parentheses, may hold spaces; utime and stime are the 12th and 13th after it.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis((user + system) * MILLISECONDS))
    }
}

fn spawn(settings: &OperatorSettings) -> Result<Process, Error> {
    let mut arguments: Vec<OsString> = [
        "run".to_owned(),
        format!("--owner-id={}", settings.owner_id),
        format!("--namespace={}", settings.namespace),
        format!("--arm-endpoint={}", settings.azure),
        format!("--arm-audience={ARM_AUDIENCE}"),
        format!("--authority={}", settings.azure),
        format!(
            "--key-vault-suffix=vault.{}",
            settings.azure.trim_start_matches("https://")
        ),
        format!("--azure-ca-file={}", settings.azure_ca_file.display()),
        format!("--sweep-interval={}ms", settings.sweep_interval.as_millis()),
        format!("--probe-interval={}ms", settings.probe_interval.as_millis()),
        "--listen=127.0.0.1:0".to_owned(),
        "--log-format=text".to_owned(),
        format!("--replica={}", settings.replica),
    ]
    .into_iter()
    .map(OsString::from)
    .collect();
    arguments.extend(
        settings
            .watch_namespaces
            .iter()
            .map(|one| OsString::from(format!("--watch-namespace={one}"))),
    );
    let mut environment = vec![
        (
            "KUBECONFIG".to_owned(),
            settings.kubeconfig.to_string_lossy().into_owned(),
        ),
        ("NO_PROXY".to_owned(), "127.0.0.1,localhost".to_owned()),
    ];
    environment.extend(settings.environment.iter().cloned());
    Process::start(&settings.program, &arguments, &environment, &settings.log)
}

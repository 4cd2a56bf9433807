//! One scenario: two namespaces, an Azure and an operator of its own, on a control plane that all share.
//!
//! Invariant: scenarios do not see each other, so that they can run at the same time and in any order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, DynamicObject};

use tokio::sync::OnceCell;

use crate::azure::{Azure, Exchange, Seed};
use crate::binaries::{Binaries, target};
use crate::chart;
use crate::control_plane::ControlPlane;
use crate::error::Error;
use crate::installation::Installation;
use crate::kubectl::{Kubectl, Said};
use crate::neighbour::Neighbour;
use crate::object::{self, Object};
use crate::operator::{self, Operator, OperatorSettings};
use crate::proxy::Proxy;
use crate::run_directory::RunDirectory;

/// How long a scenario waits for something unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The kind that a bare name means.
const HUB: &str = "AIHub";

/// Between two looks into Azure's log.
const LOOK: Duration = Duration::from_millis(100);

/// The owner id of every operator of the testbed.
pub const OWNER_ID: &str = "testbed";

/// The control plane of this process. It is never dropped: its watchdogs end it with the process.
static SHARED: OnceCell<(RunDirectory, ControlPlane)> = OnceCell::const_new();

/// The control plane that the scenarios of this process share, started when the first asks for it.
///
/// # Errors
/// It does not come up.
pub async fn control_plane() -> Result<&'static ControlPlane, Error> {
    let (_, plane) = shared().await?;
    Ok(plane)
}

async fn shared() -> Result<&'static (RunDirectory, ControlPlane), Error> {
    SHARED
        .get_or_try_init(|| async {
            let run = RunDirectory::new()?;
            let binaries = tokio::task::spawn_blocking(Binaries::provide)
                .await
                .map_err(Error::kubernetes("the build of the control plane panicked"))??;
            let plane = ControlPlane::start(&binaries, &run.path().join("control-plane")).await?;
            Ok((run, plane))
        })
        .await
}

/// What a scenario wants to be different.
pub struct ScenarioSettings {
    /// Its name, which its namespaces get: short, and of its own.
    pub name: String,
    /// The operator's binary.
    pub program: PathBuf,
    /// Between two sweeps.
    pub sweep_interval: Duration,
    /// Between two looks at a cause that somebody must remove.
    pub probe_interval: Duration,
    /// Further settings of the operator's, by their environment variables.
    pub environment: Vec<(String, String)>,
    /// Puts a [`Proxy`] between the operator and the API server.
    pub with_proxy: bool,
    /// Azure answers what Microsoft publishes no types of: the traffic is recorded apart, as it cannot be compared.
    pub is_untyped: bool,
    /// Starts the operator. Without it a test does so itself, by [`Operator::start`] with [`Scenario::operator_settings`].
    pub with_operator: bool,
    /// A second namespace that the operator watches, with an identity of its own that Azure knows by this client id.
    pub neighbour: Option<Neighbour>,
    /// Changes what Azure holds at the beginning.
    pub seed: Box<dyn FnOnce(&mut Seed) + Send>,
}

impl ScenarioSettings {
    /// The usual ones.
    #[must_use]
    pub fn new(name: &str, program: impl AsRef<Path>) -> Self {
        Self {
            name: name.to_owned(),
            program: program.as_ref().to_owned(),
            sweep_interval: Duration::from_secs(2),
            probe_interval: Duration::from_secs(1),
            environment: operator::impatient(),
            with_proxy: false,
            is_untyped: false,
            with_operator: true,
            neighbour: None,
            seed: Box::new(|_| {}),
        }
    }
}

/// A running scenario. What it started ends with it.
pub struct Scenario {
    /// The namespace of the AIHubs.
    pub namespace: String,
    /// The operator's namespace.
    pub system_namespace: String,
    /// Azure.
    pub azure: Azure,
    /// The operator, if the settings say that it be started.
    pub operator: Option<Operator>,
    /// What stands between the operator and the API server, if the settings say so.
    pub proxy: Option<Proxy>,
    plane: &'static ControlPlane,
    operator_settings: OperatorSettings,
    client: Client,
}

impl Scenario {
    /// Starts one, and waits until its operator is ready.
    ///
    /// # Errors
    /// Something does not come up; the error names its log.
    pub async fn start(settings: ScenarioSettings) -> Result<Self, Error> {
        let (run, plane) = shared().await?;
        let namespace = settings.name.clone();
        let system_namespace = format!("{namespace}-system");
        let folder = run.path().join(&namespace);
        fs::create_dir_all(&folder).map_err(Error::file("creating", &folder))?;

        let neighbour = settings.neighbour.as_ref();
        let mut values = chart::values(OWNER_ID, &namespace);
        let mut watch_namespaces = vec![namespace.clone()];
        if let Some(other) = neighbour {
            other.add_to(&mut values);
            watch_namespaces.push(other.namespace.clone());
        }
        let (system, watched) = (system_namespace.clone(), namespace.clone());
        // Helm and kubectl block, and Helm may have to be built.
        let installation =
            tokio::task::spawn_blocking(move || Installation::new(plane, &system, &watched, &values))
                .await
                .map_err(Error::kubernetes("the installation panicked"))??;
        let trust = Installation::trust(plane, &system_namespace);
        let mut seed = Seed::new(&trust)?;
        if let Some(neighbour) = neighbour {
            seed.add("identities", neighbour.in_azure(&trust));
        }
        (settings.seed)(&mut seed);
        let azure = Azure::start(&folder, &traffic(&namespace, settings.is_untyped)?, seed).await?;
        let proxy = if settings.with_proxy {
            Some(Proxy::start(plane).await?)
        } else {
            None
        };
        let url = proxy.as_ref().map_or(plane.url(), Proxy::url);
        let operator_settings = OperatorSettings {
            program: settings.program,
            kubeconfig: installation.kubeconfig(plane, url, &folder.join("operator.kubeconfig"))?,
            namespace: system_namespace.clone(),
            watch_namespaces,
            owner_id: OWNER_ID.to_owned(),
            azure: azure.endpoint().to_owned(),
            azure_ca_file: azure.authority_file().to_owned(),
            sweep_interval: settings.sweep_interval,
            probe_interval: settings.probe_interval,
            environment: settings.environment,
            replica: "testbed".to_owned(),
            log: folder.join("operator.log"),
        };
        let operator = if settings.with_operator {
            let mut operator = Operator::start(operator_settings.clone())?;
            operator.until_ready().await?;
            Some(operator)
        } else {
            None
        };
        let client = plane.client().await?;
        Ok(Self {
            namespace,
            system_namespace,
            azure,
            operator,
            proxy,
            plane,
            operator_settings,
            client,
        })
    }

    /// The control plane.
    #[must_use]
    pub fn plane(&self) -> &'static ControlPlane {
        self.plane
    }

    /// How the operator is started, for a second one or for one that the test starts.
    #[must_use]
    pub fn operator_settings(&self) -> OperatorSettings {
        self.operator_settings.clone()
    }

    /// The operator.
    ///
    /// # Errors
    /// The settings said not to start it.
    pub fn operator(&mut self) -> Result<&mut Operator, Error> {
        self.operator
            .as_mut()
            .ok_or_else(|| Error::kubernetes("asking for the operator")("it was not started"))
    }

    /// kubectl as the administrator.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        self.plane.kubectl()
    }

    /// `kubectl` in the scenario's namespace, as the administrator.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn run(&self, arguments: &[&str]) -> Result<Said, Error> {
        let namespace = format!("--namespace={}", self.namespace);
        let mut all = vec![namespace.as_str()];
        all.extend_from_slice(arguments);
        self.kubectl().run(&all)
    }

    /// `kubectl apply` in the scenario's namespace, whatever namespace the manifest names: an example can be used.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn apply(&self, yaml: &str) -> Result<Said, Error> {
        self.apply_in(&self.namespace, yaml)
    }

    /// The same in another namespace.
    ///
    /// # Errors
    /// kubectl cannot be started.
    pub fn apply_in(&self, namespace: &str, yaml: &str) -> Result<Said, Error> {
        let here = yaml.replace("namespace: ml-platform", &format!("namespace: {namespace}"));
        let namespace = format!("--namespace={namespace}");
        self.kubectl()
            .with_input(&[&namespace, "apply", "--filename=-"], &here)
    }

    /// A client as the administrator.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The AIHubs of the scenario.
    #[must_use]
    pub fn hubs(&self) -> Api<DynamicObject> {
        Object::api(self.client.clone(), &self.namespace, HUB)
    }

    /// The objects of the kind that `name` begins with, as in `AIServicesAccount/vision`, and the rest of it. A bare name is a hub's.
    fn place<'a>(&self, name: &'a str) -> (Api<DynamicObject>, &'a str) {
        let (kind, name) = name.split_once('/').unwrap_or((HUB, name));
        (Object::api(self.client.clone(), &self.namespace, kind), name)
    }

    /// An object as it is now: `AIServicesAccount/vision`, or a hub's bare name.
    ///
    /// # Errors
    /// It is not there.
    pub async fn hub(&self, name: &str) -> Result<Object, Error> {
        let (api, name) = self.place(name);
        let object = api
            .get(name)
            .await
            .map_err(Error::kubernetes(format!("reading {name}")))?;
        Ok(object.into())
    }

    /// Waits, at most [`PATIENCE`], until an object is as wanted; `what` completes "x was not …".
    ///
    /// # Errors
    /// It is not so in time. The error shows the object's conditions, the end of the operator's log, and where the logs are.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Object) -> bool,
    ) -> Result<Object, Error> {
        let (api, name) = self.place(name);
        object::until(&api, name, what, PATIENCE, wanted)
            .await
            .map_err(|error| self.explained(error))
    }

    /// Waits until an object is ready, for its spec as it is now.
    ///
    /// # Errors
    /// As [`Scenario::until`].
    pub async fn until_ready(&self, name: &str) -> Result<Object, Error> {
        self.until(name, "Ready", Object::is_ready).await
    }

    /// Waits until a condition has a reason.
    ///
    /// # Errors
    /// As [`Scenario::until`].
    pub async fn until_says(&self, name: &str, condition: &str, reason: &str) -> Result<Object, Error> {
        let what = format!("{condition} for the reason {reason}");
        self.until(name, &what, |hub| {
            hub.is_observed() && hub.says(condition, reason)
        })
        .await
    }

    /// Waits until an object does not exist any more in Kubernetes.
    ///
    /// # Errors
    /// As [`Scenario::until`].
    pub async fn until_gone(&self, name: &str) -> Result<(), Error> {
        let (api, name) = self.place(name);
        object::until_gone(&api, name, PATIENCE)
            .await
            .map_err(|error| self.explained(error))
    }

    /// Waits until the operator has asked Azure for `path` so many times more.
    ///
    /// # Errors
    /// It has not in time.
    pub async fn until_asked(&self, path: &str, times: usize) -> Result<(), Error> {
        let path = path.to_lowercase();
        let asked = |log: &[Exchange]| log.iter().filter(|one| one.path().to_lowercase() == path).count();
        let goal = asked(&self.azure.operator_log().await?) + times;
        let what = format!("the operator did not ask for {path} {times} times more");
        self.until_logged(&what, |log| asked(log) >= goal).await.map(drop)
    }

    /// Waits until what the operator asked of Azure is as wanted, and gives it as it was then; `what`: what is said if it is not in time.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn until_logged(
        &self,
        what: &str,
        wanted: impl Fn(&[Exchange]) -> bool,
    ) -> Result<Vec<Exchange>, Error> {
        let started = Instant::now();
        loop {
            let log = self.azure.operator_log().await?;
            if wanted(&log) {
                return Ok(log);
            }
            if started.elapsed() > PATIENCE {
                return Err(self.explained(Error::TimedOut {
                    what: what.to_owned(),
                    waited: PATIENCE,
                    last: String::new(),
                }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn explained(&self, error: Error) -> Error {
        match error {
            Error::TimedOut { what, waited, last } => {
                let log = self.operator.as_ref().map(|operator| {
                    format!(
                        "The operator's log is {} and ends with:\n{}",
                        operator.log().display(),
                        operator.tail()
                    )
                });
                let last = format!(
                    "{last}\n{}\nAzure's traffic is in {}; the control plane's logs are in {}",
                    log.unwrap_or_default(),
                    self.azure.traffic().display(),
                    self.plane.folder().display()
                );
                Error::TimedOut { what, waited, last }
            }
            other => other,
        }
    }
}

/// Where the traffic of a scenario is recorded: all of a run in one folder, to be checked together.
fn traffic(name: &str, is_untyped: bool) -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = target().join(if is_untyped { "traffic/untyped" } else { "traffic" });
    fs::create_dir_all(&folder).map_err(Error::file("creating", &folder))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(folder.join(format!("{name}-{}-{count}.jsonl", std::process::id())))
}

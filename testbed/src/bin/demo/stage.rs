//! What the story plays on: the running system, and a narrator who types commands and reads out what happens.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, DynamicObject};
use serde_json::{Value, json};
use testbed::azure::{RestClient, Trust, names};
use testbed::binaries::{self, Binaries};
use testbed::installation::Installation;
use testbed::program;
use testbed::{
    Azure, ControlPlane, Error, Neighbour, Object, Operator, OperatorSettings, Said, Seed, chart, object,
};

use crate::directory::Directory;
use crate::story::NotAsPromised;

/// The namespace of the examples.
pub const NAMESPACE: &str = "ml-platform";
/// The namespace of another team.
pub const NEIGHBOUR: &str = "other-team";
/// That team's identity.
pub const NEIGHBOUR_IDENTITY: &str = "other-team";
/// The operator's namespace.
const SYSTEM_NAMESPACE: &str = "keyholder-system";
/// How long anything in the story may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines that take longer to read than to skip.
const LONGEST_LINE: usize = 150;

/// The running system.
pub struct Stage {
    // Dropped in this order: the operator before what it works with.
    operator: Operator,
    azure: Azure,
    plane: ControlPlane,
    client: Client,
    directory: Directory,
}

impl Stage {
    /// Builds what is missing and starts everything. `lie` is a setting of the simulator's.
    pub async fn start(directory: &Path, lie: Option<&str>) -> Result<Self, Error> {
        let directory = Directory::open(directory)?;
        if !binaries::are_built() {
            println!(
                "The first start builds a Kubernetes control plane and Helm from Go modules: about seven minutes on two \
                 cores, once. It downloads about 1 GB."
            );
        }
        let (programs, operator) = blocking(|| {
            Ok((
                Binaries::provide()?,
                binaries::helm().and_then(|_| program::build(false))?,
            ))
        })
        .await?;
        let started = Instant::now();
        println!("Starting etcd, kube-apiserver and kube-controller-manager …");
        let plane = ControlPlane::start(&programs, &directory.path().join("control-plane")).await?;
        println!("Starting the simulated Azure, and the operator with the rights of its Helm chart …");
        let neighbour = Neighbour {
            namespace: NEIGHBOUR.to_owned(),
            identity: NEIGHBOUR_IDENTITY.to_owned(),
            client_id: "66666666-0000-0000-0000-000000000001".to_owned(),
        };
        let mut values = chart::values("demo", NAMESPACE);
        neighbour.add_to(&mut values);
        let installation = Installation::new(&plane, SYSTEM_NAMESPACE, NAMESPACE, &values)?;
        let trust = Installation::trust(&plane, SYSTEM_NAMESPACE);
        let mut seed = seed(&trust, lie)?;
        seed.add("identities", neighbour.in_azure(&trust));
        let azure = Azure::start(directory.path(), &directory.path().join("traffic.jsonl"), seed).await?;
        let mut operator = Operator::start(OperatorSettings {
            program: operator,
            kubeconfig: installation.kubeconfig(
                &plane,
                plane.url(),
                &directory.path().join("operator.kubeconfig"),
            )?,
            namespace: SYSTEM_NAMESPACE.to_owned(),
            watch_namespaces: vec![NAMESPACE.to_owned(), NEIGHBOUR.to_owned()],
            owner_id: "demo".to_owned(),
            azure: azure.endpoint().to_owned(),
            azure_ca_file: azure.authority_file().to_owned(),
            sweep_interval: Duration::from_secs(2),
            probe_interval: Duration::from_secs(1),
            environment: testbed::operator::impatient(),
            replica: "demo".to_owned(),
            log: directory.path().join("operator.log"),
        })?;
        directory.furnish(&plane, &azure, &operator)?;
        operator.until_ready().await?;
        println!("Up after {:.1} s.", started.elapsed().as_secs_f64());
        let client = plane.client().await?;
        Ok(Self {
            operator,
            azure,
            plane,
            client,
            directory,
        })
    }

    /// The operator.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Starts the operator again whenever it ends, as Kubernetes would, until that fails.
    pub async fn keep_operator(&mut self) -> Error {
        loop {
            let ended = self.operator.until_ended().await;
            println!("\n{}\nIt is started again.", ended.chain());
            if let Err(error) = self.start_again().await {
                return error;
            }
        }
    }

    async fn start_again(&mut self) -> Result<(), Error> {
        self.operator.restart()?;
        self.directory.note(&self.operator)?;
        self.operator.until_ready().await
    }

    /// Azure.
    pub fn azure(&self) -> &Azure {
        &self.azure
    }

    /// The demo's directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Azure as a principal of the seed sees it.
    pub async fn sign_in(&self, principal: &str) -> Result<RestClient, Error> {
        self.azure.sign_in(principal).await
    }

    /// Types a kubectl command, and shows what it says.
    pub fn type_kubectl(&self, arguments: &[&str]) -> Result<Said, Error> {
        self.type_with_input(arguments, "")
    }

    /// Types a kubectl command that must succeed.
    pub fn must(&self, arguments: &[&str]) -> Result<String, NotAsPromised> {
        let said = self.type_kubectl(arguments)?;
        if said.success {
            Ok(said.stdout)
        } else {
            Err(NotAsPromised::new(
                format!("`{}` succeeds", said.command),
                said.stderr,
            ))
        }
    }

    /// Types a kubectl command with something on its standard input, and shows what it says.
    pub fn type_with_input(&self, arguments: &[&str], input: &str) -> Result<Said, Error> {
        println!("   $ kubectl {}", shown(arguments));
        let said = self.plane.kubectl().with_input(arguments, input)?;
        for line in said.stdout.lines() {
            println!("     {}", shortened(line));
        }
        // What is refused is told whole: the way out stands at the end.
        for line in said.stderr.lines() {
            println!("     {line}");
        }
        Ok(said)
    }

    /// Waits until an object is as wanted, and reads out how its conditions change meanwhile. `name` is `AIServicesAccount/speech`, a
    /// hub's bare name, or either with its namespace before it.
    pub async fn until(
        &mut self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Object) -> bool,
    ) -> Result<Object, NotAsPromised> {
        let started = Instant::now();
        let said = Mutex::new(BTreeMap::<String, String>::new());
        let watched = |hub: &Object| {
            let mut said = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for condition in hub.conditions() {
                let line = format!("{}={} {}", condition.kind, condition.status, condition.reason);
                if said.get(&condition.kind) != Some(&line) {
                    println!("   {:5.1} s  {line}", started.elapsed().as_secs_f64());
                    said.insert(condition.kind, line);
                }
            }
            wanted(hub)
        };
        let (api, name) = place(&self.client, name);
        tokio::select! {
            waited = object::until(&api, name, what, PATIENCE, watched) => {
                waited.map_err(|error| NotAsPromised::new(format!("{name} becomes {what}"), error.chain()))
            }
            ended = self.operator.until_ended() => Err(NotAsPromised::new("the operator goes on", ended.chain())),
        }
    }

    /// An object as it is now; its name as in [`Self::until`].
    pub async fn hub(&self, name: &str) -> Result<Object, Error> {
        let (api, bare) = place(&self.client, name);
        let object = api
            .get(bare)
            .await
            .map_err(Error::kubernetes(format!("reading {name}")))?;
        Ok(object.into())
    }
}

/// The objects of the namespace and the kind that `name` begins with, and the rest of it.
fn place<'a>(client: &Client, name: &'a str) -> (Api<DynamicObject>, &'a str) {
    let (whose, name) = name.rsplit_once('/').unwrap_or(("AIHub", name));
    let (namespace, kind) = whose.split_once('/').unwrap_or((NAMESPACE, whose));
    (Object::api(client.clone(), namespace, kind), name)
}

/// What the simulated Azure holds: the examples' world, with operations that take their time.
fn seed(trust: &Trust, lie: Option<&str>) -> Result<Seed, Error> {
    let mut seed = Seed::new(trust)?;
    seed.setting("operationSeconds", 3);
    seed.add("roleAssignments", testbed::azure::granter()?);
    if let Some(lie) = lie {
        let mut lies = serde_json::Map::new();
        lies.insert(lie.to_owned(), Value::Bool(true));
        seed.setting("lies", json!(lies));
        println!("The simulator lies: {lie}.");
    }
    Ok(seed)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::kubernetes("a build panicked"))?
}

/// As a user would have to type it.
fn shown(arguments: &[&str]) -> String {
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_=./:@,".contains(c))
    };
    let quoted = arguments.iter().map(|one| {
        if plain(one) {
            (*one).to_owned()
        } else {
            format!("'{one}'")
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST_LINE {
        return line.to_owned();
    }
    line.chars().take(LONGEST_LINE).chain(['…']).collect()
}

/// The namespace as kubectl wants it.
pub fn in_namespace() -> String {
    format!("--namespace={NAMESPACE}")
}

/// ARM id of a hub of the examples.
pub fn hub_id(name: &str) -> String {
    names::hub(name)
}

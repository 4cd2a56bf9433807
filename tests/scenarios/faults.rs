//! Each request of the operator to Azure meets each kind of trouble: in the end all is as declared, or it is said what is not.
//!
//! Where which request is asked is recorded from a life without trouble. A sample is tried by default, another with
//! `KEYHOLDER_FAULTS=<number>`, everything with `KEYHOLDER_FAULTS=all`, and with another word the lives that have it in their
//! names, as `KEYHOLDER_FAULTS=IgnoreWrite`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::azure::{Exchange, names};
use testbed::{Error, Object, Operator, Scenario};

use crate::common::{key_id, operator_log, settings};
use crate::kind::Kind;

mod trouble;
mod writes;

use trouble::{CAUSE, OF_ALL, OF_WRITES, Trouble};
use writes::check;

const KINDS: [Kind; 4] = [Kind::Hub, Kind::Account, Kind::HubProject, Kind::AccountProject];
/// How many scenarios work at the same time.
const WORKERS: usize = 4;
/// No new life begins after this, unless all are wanted.
const LONGEST_SAMPLE: Duration = Duration::from_secs(75);
/// So many lives must have been lived all the same.
const SMALLEST_SAMPLE: usize = 8;
/// Of requests that are the same, so many are tried.
const MOST_REPEATED: u32 = 2;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Create,
    Change,
    Rotate,
    Delete,
}

/// What happens to one. An account follows its key by itself, so that a rotation asks for nothing.
fn phases(kind: Kind) -> &'static [Phase] {
    match kind {
        Kind::Hub => &[Phase::Create, Phase::Change, Phase::Rotate, Phase::Delete],
        Kind::Account => &[Phase::Create, Phase::Change, Phase::Delete],
        Kind::HubProject | Kind::AccountProject => &[Phase::Create, Phase::Change, Phase::Delete],
    }
}

/// A request: the n-th of its method to a path, in a phase. The path has `HUB` for the resource's name, and ends where ids begin that
/// differ from life to life.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    kind: Kind,
    phase: Phase,
    method: String,
    path: String,
    nth: u32,
    is_list: bool,
}

impl Request {
    fn is_write(&self) -> bool {
        // A POST is a question here.
        !matches!(self.method.as_str(), "GET" | "POST")
    }
}

async fn scenario(name: &str) -> Scenario {
    let mut settings = settings(name);
    settings.sweep_interval = Duration::from_secs(1);
    settings.seed = Box::new(|seed| {
        seed.setting("operationSeconds", 0.2);
        for kind in KINDS {
            kind.seed(seed);
        }
    });
    Scenario::start(settings).await.unwrap()
}

fn kubectl(scenario: &Scenario, arguments: &[&str]) -> Result<(), Error> {
    scenario.run(arguments)?.ok().map(drop)
}

fn merge(scenario: &Scenario, kind: Kind, name: &str, patch: &str) -> Result<(), Error> {
    let object = kind.object(name);
    kubectl(scenario, &["patch", &object, "--type=merge", "--patch", patch])
}

/// Asks for a phase's change.
async fn begin(scenario: &Scenario, kind: Kind, name: &str, phase: Phase) -> Result<(), Error> {
    match phase {
        Phase::Create => scenario.apply(&kind.manifest(name))?.ok().map(drop),
        Phase::Change => merge(scenario, kind, name, &kind.change().to_string()),
        Phase::Rotate => {
            let key = if kind.key_in_azure(scenario, name).await.contains(names::OTHER_KEY) {
                names::OTHER_KEY
            } else {
                names::KEY
            };
            let id = key_id(key);
            scenario.azure.control().key(&id, &json!("rotate")).await
        }
        Phase::Delete => kubectl(scenario, &["delete", &kind.object(name), "--wait=false"]),
    }
}

/// Waits until a phase's change is made.
async fn end(
    scenario: &Scenario,
    kind: Kind,
    name: &str,
    phase: Phase,
    key_before: &str,
) -> Result<(), Error> {
    let name = &kind.object(name);
    match phase {
        Phase::Create | Phase::Change => scenario.until_ready(name).await.map(drop),
        Phase::Rotate => {
            let is_rotated =
                |hub: &Object| hub.is_ready() && hub.text("/status/encryption/keyIdentifier") != key_before;
            scenario
                .until(name, "Ready with the new version", is_rotated)
                .await
                .map(drop)
        }
        Phase::Delete => scenario.until_gone(name).await,
    }
}

/// The distinct requests of a phase, as its log has them.
fn requests(kind: Kind, phase: Phase, name: &str, log: &[Exchange]) -> Vec<Request> {
    let mut found: Vec<Request> = Vec::new();
    for one in log {
        let path = template(one.path(), name);
        let same = found
            .iter()
            .filter(|have| have.method == one.method && have.path == path);
        let nth = u32::try_from(same.count()).unwrap() + 1;
        if nth <= MOST_REPEATED {
            let is_list = one.response.get("value").is_some_and(Value::is_array);
            found.push(Request {
                kind,
                phase,
                method: one.method.clone(),
                path,
                nth,
                is_list,
            });
        }
    }
    found
}

/// A path up to what differs from life to life.
fn template(path: &str, name: &str) -> String {
    let path = path.replace(name, "HUB");
    let subscription = names::subscription();
    let (mut kept, own) = match path.strip_prefix(&subscription) {
        Some(own) => (subscription, own),
        None => (String::new(), path.as_str()),
    };
    let is_id =
        |segment: &str| segment.len() >= 32 && segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    for segment in own.split('/').skip(1) {
        if is_id(segment) {
            return kept + "/";
        }
        if let Some((group, _)) = segment.split_once("HUB_") {
            return format!("{kept}/{group}HUB_");
        }
        kept = format!("{kept}/{segment}");
    }
    kept + "?"
}

/// Lives a life up to `request`'s phase, in which the trouble comes. What was wrong, if anything; none if the request was not
/// asked.
async fn live(
    scenario: &Scenario,
    operator: &mut Operator,
    name: &str,
    request: &Request,
    trouble: Trouble,
) -> Result<bool, String> {
    let failed = |error: Error| error.to_string();
    let control = scenario.azure.control();
    let since = operator_log(scenario).await.len();
    let kind = request.kind;
    if request.phase != Phase::Create {
        begin(scenario, kind, name, Phase::Create).await.map_err(failed)?;
        end(scenario, kind, name, Phase::Create, "")
            .await
            .map_err(failed)?;
    }
    let key_before = kind.key_in_azure(scenario, name).await;
    let times = if trouble == Trouble::EndlessList { 200 } else { 1 };
    let fault = json!({
        "principal": names::OPERATOR, "method": request.method, "urlContains": request.path.replace("HUB", name),
        "nth": request.nth, "times": times, "action": trouble.action(),
    });
    control.fault(&fault).await.map_err(failed)?;
    begin(scenario, kind, name, request.phase).await.map_err(failed)?;
    if request.is_write() {
        told(scenario, request, name, trouble).await.map_err(failed)?;
    }
    end(scenario, kind, name, request.phase, &key_before)
        .await
        .map_err(failed)?;
    control.clear_faults().await.map_err(failed)?;

    let log = operator_log(scenario).await.split_off(since);
    check(kind, name, request.phase, trouble, &log)?;
    operator.process().check().map_err(failed)?;
    if operator.output().contains("panicked") {
        return Err("it panicked".to_owned());
    }
    let is_met = log.iter().any(|one| !one.fault.is_null());
    if request.phase != Phase::Delete {
        begin(scenario, kind, name, Phase::Delete).await.map_err(failed)?;
        end(scenario, kind, name, Phase::Delete, "")
            .await
            .map_err(failed)?;
    }
    Ok(is_met)
}

/// What must be said of a write that did not do what it was for; and what somebody then does about it.
async fn told(scenario: &Scenario, request: &Request, name: &str, trouble: Trouble) -> Result<(), Error> {
    let kind = request.kind;
    let object = &kind.object(name);
    match (trouble, request.phase) {
        (Trouble::FailOperation, _) => {
            let is_told = |hub: &Object| {
                hub.condition("Provisioned")
                    .is_some_and(|one| one.message.contains(CAUSE))
            };
            scenario
                .until(object, "told of the failure", is_told)
                .await
                .map(drop)
        }
        (Trouble::IgnoreWrite, Phase::Change | Phase::Rotate) => {
            scenario
                .until_says(object, kind.condition_of_change(), "WriteIgnored")
                .await?;
            merge(scenario, kind, name, r#"{"spec":{"tags":{"looked-at":"yes"}}}"#)
        }
        (Trouble::IgnoreWrite, Phase::Delete) => {
            let is_told = |hub: &Object| hub.says("Provisioned", "WriteIgnored") && hub.is("Stalled", "True");
            scenario
                .until(object, "told that its deletion was ignored", is_told)
                .await?;
            let alice = scenario.azure.sign_in(names::ALICE).await?;
            let path = request.path.replace("HUB", name);
            let path = path.trim_end_matches('?');
            alice
                .send(reqwest::Method::DELETE, path, kind.version(), None)
                .await?;
            // Whoever looks at the object again has it looked at.
            kubectl(scenario, &["annotate", object, "looked-at=yes"])
        }
        _ => Ok(()),
    }
}

/// A sequence that is the same for the same seed.
fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from((state >> 33) % (u64::try_from(last).unwrap() + 1)).unwrap();
        items.swap(last, other);
    }
    items
}

async fn recorded() -> Vec<Request> {
    let clean = scenario("faults-clean").await;
    let mut all = Vec::new();
    let mut seen = 0;
    for kind in KINDS {
        for phase in phases(kind) {
            let key_before = kind.key_in_azure(&clean, "clean").await;
            begin(&clean, kind, "clean", *phase).await.unwrap();
            end(&clean, kind, "clean", *phase, &key_before).await.unwrap();
            let log = operator_log(&clean).await;
            all.extend(requests(kind, *phase, "clean", &log[seen..]));
            seen = log.len();
        }
        assert_eq!(kind.in_azure(&clean, "clean").await.0, 404);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn trouble_at_any_request_heals_or_is_told() {
    let requests = recorded().await;
    let writes: Vec<&str> = requests
        .iter()
        .filter(|one| one.is_write())
        .map(|one| one.method.as_str())
        .collect();
    // An account follows its key by itself, and is purged after its deletion.
    let (of_hub, of_account) = (
        ["PUT", "PATCH", "PATCH", "DELETE"],
        ["PUT", "PATCH", "DELETE", "DELETE"],
    );
    let of_project = ["PUT", "PATCH", "DELETE"];
    assert_eq!(
        writes,
        [&of_hub[..], &of_account, &of_project, &of_project].concat()
    );
    let cases: Vec<(Request, Trouble)> = requests
        .iter()
        .flat_map(|request| {
            let of_writes = OF_WRITES.iter().filter(|_| request.is_write());
            let of_lists = [Trouble::EndlessList].into_iter().filter(|_| request.is_list);
            OF_ALL
                .iter()
                .chain(of_writes)
                .copied()
                .chain(of_lists)
                .map(|trouble| (request.clone(), trouble))
        })
        // What Azure changes at once has no operation that could fail.
        .filter(|(request, trouble)| {
            let at_once = !request.kind.has_key() && request.phase == Phase::Change;
            !(at_once && *trouble == Trouble::FailOperation)
        })
        .collect();
    let wanted = std::env::var("KEYHOLDER_FAULTS").unwrap_or_default();
    let seed = wanted.parse();
    // A word picks the lives that have it in their names; there are no lives but those.
    let is_sample = wanted.is_empty() || seed.is_ok();
    let picked = |case: &(Request, Trouble)| {
        is_sample || wanted == "all" || format!("{:?} at {:?}", case.1, case.0).contains(&wanted)
    };
    let cases: Vec<_> = cases.into_iter().filter(picked).collect();
    let cases = shuffled(cases, seed.unwrap_or(1));
    let count = cases.len();

    let started = Instant::now();
    let workers = (0..WORKERS).map(|worker| {
        let cases: Vec<_> = cases.iter().skip(worker).step_by(WORKERS).cloned().collect();
        tokio::spawn(async move {
            let mut scenario = scenario(&format!("faults-{worker}")).await;
            let mut operator = scenario.operator.take().unwrap();
            let (mut lived, mut met, mut wrong) = (0, 0, Vec::new());
            for (index, (request, trouble)) in cases.into_iter().enumerate() {
                if is_sample && started.elapsed() > LONGEST_SAMPLE {
                    break;
                }
                let name = format!("f{worker}-{index}-x");
                lived += 1;
                match live(&scenario, &mut operator, &name, &request, trouble).await {
                    Ok(is_met) => met += usize::from(is_met),
                    Err(error) => {
                        let tail = operator.tail();
                        wrong.push(format!("{trouble:?} at {request:?} of {name}: {error}\n{tail}"));
                        scenario.azure.control().clear_faults().await.unwrap();
                        // What is left of it must not meet the troubles of others.
                        kubectl(
                            &scenario,
                            &[
                                "delete",
                                &request.kind.object(&name),
                                "--ignore-not-found",
                                "--wait=false",
                            ],
                        )
                        .unwrap();
                    }
                }
            }
            (lived, met, wrong)
        })
    });
    let (mut lived, mut met, mut wrong) = (0, 0, Vec::new());
    for worker in workers.collect::<Vec<_>>() {
        let of_worker = worker.await.unwrap();
        lived += of_worker.0;
        met += of_worker.1;
        wrong.extend(of_worker.2);
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!(
        "{lived} of {count} lives with trouble at one of {} requests, {met} met it; {:.0} a minute",
        requests.len(),
        f64::from(u32::try_from(lived).unwrap()) / minutes
    );
    assert!(
        wrong.is_empty(),
        "{} went wrong:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(
        lived >= SMALLEST_SAMPLE.min(count.max(1)) && met * 2 >= lived,
        "{met} of {lived} met their trouble"
    );
}

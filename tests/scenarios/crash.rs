//! The operator is killed at each point of a resource's life, and goes on as if nothing had been.
//!
//! A point is a request to Azure, before it has its effect or before its answer, or a write to Kubernetes, likewise.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::azure::names;
use testbed::{Operator, Scenario};

use crate::common::{operator_log, settings};
use crate::kind::Kind;

/// Where the operator is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// Before the n-th request to Azure has its effect.
    AzureBefore(usize),
    /// After its effect, before its answer.
    AzureAfter(usize),
    /// Before the n-th write to Kubernetes has its effect.
    KubernetesBefore(usize),
    /// After its effect, before its answer.
    KubernetesAfter(usize),
}

/// How many scenarios work on the points at the same time.
const WORKERS: usize = 4;

async fn scenario(name: &str, kind: Kind) -> Scenario {
    let mut settings = settings(name);
    settings.with_proxy = true;
    // No sweep comes between: the requests of one life are then the same each time.
    settings.sweep_interval = Duration::from_secs(3600);
    settings.seed = Box::new(move |seed| {
        seed.setting("operationSeconds", 0.2);
        kind.seed(seed);
    });
    Scenario::start(settings).await.unwrap()
}

/// Creation, a change, deletion.
async fn life(scenario: &Scenario, kind: Kind, name: &str) -> Result<(), String> {
    let failed = |error: testbed::Error| error.to_string();
    let manifest = kind.manifest(name);
    let object = &kind.object(name);
    scenario.apply(&manifest).map_err(failed)?.ok().map_err(failed)?;
    scenario.until_ready(object).await.map_err(failed)?;
    let patch = kind.change().to_string();
    let patched = scenario
        .run(&["patch", object, "--type=merge", "--patch", &patch])
        .map_err(failed)?;
    patched.ok().map_err(failed)?;
    scenario.until_ready(object).await.map_err(failed)?;
    let deleted = scenario
        .run(&["delete", object, "--wait=false"])
        .map_err(failed)?;
    deleted.ok().map_err(failed)?;
    scenario.until_gone(object).await.map_err(failed)
}

/// What a life writes to Azure. An account is purged after its deletion.
fn requests_of_life(kind: Kind) -> Vec<(String, u16)> {
    let (created, changed, purged): (u16, u16, &[(&str, u16)]) = match kind {
        Kind::Hub => (202, 202, &[]),
        Kind::Account => (201, 202, &[("DELETE", 202)]),
        Kind::HubProject => (202, 200, &[]),
        Kind::AccountProject => (201, 200, &[]),
    };
    [("PUT", created), ("PATCH", changed), ("DELETE", 202)]
        .iter()
        .chain(purged)
        .map(|(method, status)| ((*method).to_owned(), *status))
        .collect()
}

/// What the operator wrote to Azure about a resource, and about what is left of it.
async fn writes(scenario: &Scenario, kind: Kind, name: &str) -> Vec<(String, u16)> {
    let id = kind.id(name).to_lowercase();
    operator_log(scenario)
        .await
        .into_iter()
        .filter(|one| one.is_write() && one.status != 0)
        .filter(|one| one.path().to_lowercase() == id || kind.is_purge(one, name))
        .map(|one| (one.method, one.status))
        .collect()
}

/// Lives a life with a kill at `point`. Whether the point was reached.
async fn with_kill(
    scenario: &Scenario,
    operator: &mut Operator,
    kind: Kind,
    name: &str,
    point: Point,
) -> Result<bool, String> {
    let failed = |error: testbed::Error| error.to_string();
    let control = scenario.azure.control();
    let proxy = scenario.proxy.as_ref().unwrap();
    let mut held = None;
    match point {
        Point::AzureBefore(nth) | Point::AzureAfter(nth) => {
            let when = if matches!(point, Point::AzureBefore(_)) {
                "before"
            } else {
                "after"
            };
            let fault = json!({ "principal": names::OPERATOR, "nth": nth + 1, "action": { "hold": when } });
            control.fault(&fault).await.map_err(failed)?;
        }
        Point::KubernetesBefore(nth) => held = Some(proxy.hold_before(nth)),
        Point::KubernetesAfter(nth) => held = Some(proxy.hold_after(nth)),
    }
    let reached = async {
        match held.as_mut() {
            Some(held) => held.reached().await.map(drop),
            None => control.until_held().await.map(drop),
        }
    };
    let whole = life(scenario, kind, name);
    tokio::pin!(whole);
    tokio::select! {
        lived = &mut whole => {
            control.clear_faults().await.map_err(failed)?;
            return lived.map(|()| false);
        }
        reached = reached => reached.map_err(failed)?,
    }
    operator.kill();
    control.clear_faults().await.map_err(failed)?;
    drop(held);
    operator.restart().map_err(failed)?;
    whole.await?;
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_point_of_a_hub_changes_nothing_in_azure() {
    a_kill_at_any_point_changes_nothing_in_azure(Kind::Hub).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_point_of_an_account_changes_nothing_in_azure() {
    a_kill_at_any_point_changes_nothing_in_azure(Kind::Account).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_point_of_a_project_of_a_hub_changes_nothing_in_azure() {
    a_kill_at_any_point_changes_nothing_in_azure(Kind::HubProject).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_point_of_a_project_of_an_account_changes_nothing_in_azure() {
    a_kill_at_any_point_changes_nothing_in_azure(Kind::AccountProject).await;
}

async fn a_kill_at_any_point_changes_nothing_in_azure(kind: Kind) {
    let of = format!("{kind:?}").to_lowercase();
    let started = Instant::now();
    let clean = scenario(&format!("crash-{of}-clean"), kind).await;
    life(&clean, kind, "clean").await.unwrap();
    assert_eq!(writes(&clean, kind, "clean").await, requests_of_life(kind));
    let azure = operator_log(&clean).await.len();
    let is_about_objects = |one: &testbed::proxy::Write| one.is_about_objects();
    let kubernetes = clean
        .proxy
        .as_ref()
        .unwrap()
        .writes()
        .into_iter()
        .filter(is_about_objects)
        .count();
    drop(clean);

    let writes_at: Vec<usize> = (0..azure).collect();
    let points: Vec<Point> = writes_at
        .iter()
        .flat_map(|nth| [Point::AzureBefore(*nth), Point::AzureAfter(*nth)])
        .chain((0..kubernetes).flat_map(|nth| [Point::KubernetesBefore(nth), Point::KubernetesAfter(nth)]))
        .collect();
    let workers = (0..WORKERS).map(|worker| {
        let of = of.clone();
        let points: Vec<Point> = points.iter().skip(worker).step_by(WORKERS).copied().collect();
        tokio::spawn(async move {
            let mut scenario = scenario(&format!("crash-{of}-{worker}"), kind).await;
            let mut operator = scenario.operator.take().unwrap();
            let mut reached = 0;
            let mut wrong = Vec::new();
            for (index, point) in points.into_iter().enumerate() {
                let name = format!("{of}-{worker}-{index}");
                match with_kill(&scenario, &mut operator, kind, &name, point).await {
                    Ok(was_reached) => reached += usize::from(was_reached),
                    Err(error) => wrong.push(format!("{point:?} of {name}: {error}\n{}", operator.tail())),
                }
                let all = writes(&scenario, kind, &name).await;
                if all != requests_of_life(kind) {
                    wrong.push(format!("{point:?} of {name} led to {all:?}"));
                }
            }
            (reached, wrong)
        })
    });
    let mut reached = 0;
    let mut wrong = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        let (points, errors) = worker.await.unwrap();
        reached += points;
        wrong.extend(errors);
    }
    println!(
        "killed at {reached} of {} points ({azure} requests to Azure and {kubernetes} writes to Kubernetes, before and after each) in {:.0} s",
        points.len(),
        started.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(reached >= 40, "only {reached} points were reached");
}

//! The operator is killed at each point of a hub's life, and goes on as if nothing had been.
//!
//! A point is a request to Azure, before it has its effect or before its answer, or a write to Kubernetes, likewise.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::azure::names;
use testbed::{Operator, Scenario};

use crate::common::{hub, operator_log, settings, writes};

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

async fn scenario(name: &str) -> Scenario {
    let mut settings = settings(name);
    settings.with_proxy = true;
    // No sweep comes between: the requests of one life are then the same each time.
    settings.sweep_interval = Duration::from_secs(3600);
    settings.seed = Box::new(|seed| seed.setting("operationSeconds", 0.2));
    Scenario::start(settings).await.unwrap()
}

/// Creation, another key, deletion.
async fn life(scenario: &Scenario, name: &str) -> Result<(), String> {
    let failed = |error: testbed::Error| error.to_string();
    scenario.apply(&hub(name)).map_err(failed)?.ok().map_err(failed)?;
    scenario.until_ready(name).await.map_err(failed)?;
    let patch = format!(
        r#"{{"spec":{{"encryption":{{"customerManagedKey":{{"key":"{}"}}}}}}}}"#,
        names::OTHER_KEY
    );
    let patched = scenario
        .run(&["patch", "aihub", name, "--type=merge", "--patch", &patch])
        .map_err(failed)?;
    patched.ok().map_err(failed)?;
    scenario.until_ready(name).await.map_err(failed)?;
    let deleted = scenario
        .run(&["delete", "aihub", name, "--wait=false"])
        .map_err(failed)?;
    deleted.ok().map_err(failed)?;
    scenario.until_gone(name).await.map_err(failed)
}

fn requests_of_life() -> [(String, u16); 3] {
    [
        ("PUT".to_owned(), 202),
        ("PATCH".to_owned(), 202),
        ("DELETE".to_owned(), 202),
    ]
}

/// Lives a life with a kill at `point`. Whether the point was reached.
async fn with_kill(
    scenario: &Scenario,
    operator: &mut Operator,
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
    let whole = life(scenario, name);
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
async fn a_kill_at_any_point_changes_nothing_in_azure() {
    let started = Instant::now();
    let clean = scenario("crash-clean").await;
    life(&clean, "clean").await.unwrap();
    assert_eq!(writes(&clean, "clean").await, requests_of_life());
    let azure = operator_log(&clean).await.len();
    let is_about_hubs = |one: &testbed::proxy::Write| one.is_about_hubs();
    let kubernetes = clean
        .proxy
        .as_ref()
        .unwrap()
        .writes()
        .into_iter()
        .filter(is_about_hubs)
        .count();
    drop(clean);

    let writes_at: Vec<usize> = (0..azure).collect();
    let points: Vec<Point> = writes_at
        .iter()
        .flat_map(|nth| [Point::AzureBefore(*nth), Point::AzureAfter(*nth)])
        .chain((0..kubernetes).flat_map(|nth| [Point::KubernetesBefore(nth), Point::KubernetesAfter(nth)]))
        .collect();
    let workers = (0..WORKERS).map(|worker| {
        let points: Vec<Point> = points.iter().skip(worker).step_by(WORKERS).copied().collect();
        tokio::spawn(async move {
            let mut scenario = scenario(&format!("crash-{worker}")).await;
            let mut operator = scenario.operator.take().unwrap();
            let mut reached = 0;
            let mut wrong = Vec::new();
            for (index, point) in points.into_iter().enumerate() {
                let name = format!("hub-{worker}-{index}");
                match with_kill(&scenario, &mut operator, &name, point).await {
                    Ok(was_reached) => reached += usize::from(was_reached),
                    Err(error) => wrong.push(format!("{point:?} of {name}: {error}\n{}", operator.tail())),
                }
                let all = writes(&scenario, &name).await;
                if all != requests_of_life() {
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

//! Clients that nobody here wrote: Microsoft's Python SDKs from the login to the purge, with everything verified.
//!
//! Not skipped where Python is missing, or its packages cannot be had: it fails, and says so.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use azure_simulator::{Config, Seed, Simulator};

const CLIENT: &str = "22222222-0000-0000-0000-000000000001";
const OBJECT: &str = "22222222-0000-0000-0001-000000000001";
const SECRET: &str = "the-secret-of-alice";
const SUBSCRIPTION: &str = "11111111-0000-0000-0000-000000000001";
const TENANT: &str = "99999999-0000-0000-0000-000000000001";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/strangers")
}

/// Runs a program to its end, which must be a good one.
#[track_caller]
fn run(command: &mut Command) {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", command.get_program()));
    assert!(
        status.success(),
        "{:?}: {status}\n{}\n{}",
        command.get_program(),
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_python_clients() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strangers");
    std::fs::create_dir_all(&target).unwrap();
    let simulator = Simulator::start(Config {
        seed: Some(Seed::read(&folder().join("seed.yaml")).unwrap()),
        traffic_log: Some(target.join("traffic.jsonl")),
        ..Config::default()
    })
    .await
    .unwrap();
    let authority = target.join("simulator-ca.pem");
    std::fs::write(&authority, simulator.ca_pem()).unwrap();
    let (endpoint, proxy) = (simulator.endpoint().to_owned(), simulator.proxy().to_owned());
    tokio::task::spawn_blocking(move || {
        let environment = target.join("clients");
        run(Command::new(folder().join("install")).arg(&environment));
        run(Command::new(environment.join("bin/python"))
            .arg(folder().join("strangers.py"))
            .env("ARM_ENDPOINT", endpoint)
            .env("TENANT_ID", TENANT)
            .env("SUBSCRIPTION_ID", SUBSCRIPTION)
            .env("CLIENT_ID", CLIENT)
            .env("CLIENT_SECRET", SECRET)
            .env("OBJECT_ID", OBJECT)
            .env("REQUESTS_CA_BUNDLE", authority)
            .env("HTTPS_PROXY", &proxy)
            .env("https_proxy", &proxy)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1"));
    })
    .await
    .unwrap();
    simulator.shutdown().await;
}

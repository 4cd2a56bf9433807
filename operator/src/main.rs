//! The Keyholder operator: reads custom resources, lets the planner decide, and acts on Azure and Kubernetes.
//!
//! Invariant: decisions are the planner's. What stands here reads, writes and waits.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

mod controller;
mod execute;
mod family;
mod health;
mod identity;
mod inventory;
mod metrics;
mod observe;
mod reconcile;
mod resource;
mod run;
mod settings;
mod status;
mod sweep;
mod turns;
mod undecodable;

use settings::{Arguments, Command, LogFormat, Settings};

fn main() -> ExitCode {
    let Command::Run(settings) = Arguments::parse().command;
    log_to_stderr(&settings);
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed before");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime did not start");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run::run(*settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = keyholder_azure::chain(&error), "keyholder ends");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr(settings: &Settings) {
    // kube-client logs whole list bodies at WARN when one object does not decode.
    let filter = EnvFilter::builder()
        .with_env_var("KEYHOLDER_LOG")
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new("info,kube_client::client=error,azure_core=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

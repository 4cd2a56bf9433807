//! `cargo run --bin bench`: what the operator costs, for one hub and for many.
//!
//! Invariant: every number was measured on the operator's own process, in the simulator's counters, or at the proxy before the
//! API server; a budget stands beside what it is for.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use testbed::Error;

mod load;
mod measure;
mod table;

/// Measures the operator on a real Kubernetes API server and a simulated Azure.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// Numbers of hubs, one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 1000])]
    hubs: Vec<usize>,
    /// Also 10,000 hubs: about an hour on two cores.
    #[arg(long)]
    ten_thousand: bool,
    /// Between two sweeps, in seconds.
    #[arg(long, default_value_t = 60)]
    sweep_seconds: u64,
    /// How long the operator is watched at rest, in seconds.
    #[arg(long, default_value_t = 120)]
    rest_seconds: u64,
    /// Measures this binary instead of building the operator, optimised, from this repository.
    #[arg(long)]
    operator: Option<PathBuf>,
    /// Writes the numbers as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.chain());
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: Arguments) -> Result<(), Error> {
    if arguments.ten_thousand {
        arguments.hubs.push(10_000);
    }
    let program = match arguments.operator.take() {
        Some(program) => program,
        None => tokio::task::spawn_blocking(|| testbed::program::build(true))
            .await
            .map_err(Error::kubernetes("the build panicked"))??,
    };
    let mut runs = Vec::new();
    for hubs in arguments.hubs {
        let load = load::Load {
            hubs,
            program: program.clone(),
            sweep: Duration::from_secs(arguments.sweep_seconds),
            rest: Duration::from_secs(arguments.rest_seconds),
        };
        let numbers = load.run().await?;
        println!("{}", table::of(&numbers));
        runs.push(numbers);
    }
    if let Some(file) = arguments.json {
        let text = serde_json::to_string_pretty(&runs).unwrap_or_default();
        std::fs::write(&file, text).map_err(Error::file("writing", &file))?;
    }
    Ok(())
}

//! The simulator as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use azure_simulator::{Config, Error, Seed, Settings, Simulator};
use clap::Parser;

/// An Azure that can fail: Resource Manager, Entra and what a hub rests on.
#[derive(Debug, Parser)]
struct Arguments {
    /// What there is at the beginning.
    #[arg(long)]
    seed: Option<PathBuf>,
    /// Where to listen; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the proxy listens that leads to this Azure and nowhere else; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    proxy_listen: SocketAddr,
    /// Where to write the certificate authority, as simulator-ca.pem.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// Where to record all exchanges, one JSON object a line.
    #[arg(long)]
    traffic_log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                text.push_str(&format!(": {source}"));
                cause = source.source();
            }
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let seed = arguments.seed.as_deref().map(Seed::read).transpose()?;
    let simulator = Simulator::start(Config {
        listen: arguments.listen,
        proxy_listen: arguments.proxy_listen,
        seed,
        traffic_log: arguments.traffic_log,
        settings: Settings::default(),
    })
    .await?;
    let path = arguments.directory.join("simulator-ca.pem");
    std::fs::write(&path, simulator.ca_pem()).map_err(|source| Error::File {
        path: path.clone(),
        source,
    })?;
    println!(
        "{} (certificate authority: {}, proxy: {})",
        simulator.endpoint(),
        path.display(),
        simulator.proxy()
    );
    // An error here means that there is no Ctrl-C; then it runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    simulator.shutdown().await;
    Ok(())
}

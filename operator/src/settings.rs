//! The operator's settings: flags, each with an environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Keyholder: Azure AI resources with customer-managed keys, declared in Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "keyholder", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator.
    Run(Box<Settings>),
}

/// Settings of `keyholder run`.
#[derive(Clone, Debug, Parser)]
pub struct Settings {
    /// Name that marks Azure resources as this installation's. Choose it once for the platform: it must survive a rebuilt cluster.
    #[arg(long, env = "KEYHOLDER_OWNER_ID", value_parser = owner_id)]
    pub owner_id: String,

    /// The operator's own namespace: its lease and its identities (ServiceAccounts) live there.
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: String,

    /// Namespace to watch; may be given several times. Without it all namespaces are watched.
    #[arg(
        long = "watch-namespace",
        env = "KEYHOLDER_WATCH_NAMESPACES",
        value_delimiter = ','
    )]
    pub watch_namespaces: Vec<String>,

    /// The Azure cloud.
    #[arg(long, env = "KEYHOLDER_CLOUD", value_enum, default_value_t = CloudName::Public)]
    pub cloud: CloudName,

    /// Azure Resource Manager's endpoint, instead of the cloud's.
    #[arg(
        long,
        env = "KEYHOLDER_ARM_ENDPOINT",
        requires = "arm_audience",
        requires = "authority"
    )]
    pub arm_endpoint: Option<String>,

    /// Audience of tokens for Azure Resource Manager, instead of the cloud's.
    #[arg(long, env = "KEYHOLDER_ARM_AUDIENCE")]
    pub arm_audience: Option<String>,

    /// Entra's endpoint, instead of the cloud's.
    #[arg(long, env = "KEYHOLDER_AUTHORITY")]
    pub authority: Option<String>,

    /// What follows a key vault's name in its host, instead of the cloud's, for example vault.azure.net.
    #[arg(long, env = "KEYHOLDER_KEY_VAULT_SUFFIX", requires = "arm_endpoint")]
    pub key_vault_suffix: Option<String>,

    /// Ask key vaults themselves for what Azure Resource Manager cannot tell: whether a key that is gone can be recovered.
    /// It needs a network path to the vaults and the role Keyholder Key Reader; that a vault cannot be reached is never held
    /// against the key.
    #[arg(long, env = "KEYHOLDER_KEY_VAULT_DATA_PLANE")]
    pub key_vault_data_plane: bool,

    /// Ask before a creation whether quotas are used up. Off unless it is wanted: Microsoft publishes no types of these
    /// answers, so what is read of them is by the REST reference alone. A quota that stops a creation is told either way.
    #[arg(long, env = "KEYHOLDER_PREDICT_QUOTAS")]
    pub predict_quotas: bool,

    /// PEM file of certificate authorities to trust for Azure beside the system's.
    #[arg(long, env = "KEYHOLDER_AZURE_CA_FILE")]
    pub azure_ca_file: Option<PathBuf>,

    /// How often everything is looked over for changes made by others, for example 60s.
    #[arg(long, env = "KEYHOLDER_SWEEP_INTERVAL", default_value = "60s", value_parser = duration)]
    pub sweep_interval: Duration,

    /// How often a cause that somebody must remove is looked at again.
    #[arg(long, env = "KEYHOLDER_PROBE_INTERVAL", default_value = "30s", value_parser = duration)]
    pub probe_interval: Duration,

    /// How long before a key version expires it is said, unless a rotation policy makes a new one before.
    #[arg(long, env = "KEYHOLDER_KEY_EXPIRY_LEAD", default_value = "720h", value_parser = duration)]
    pub key_expiry_lead: Duration,

    /// Within which time after its creation a new key version is applied to the hubs of the key, one after the other.
    #[arg(long, env = "KEYHOLDER_ROTATION_SPREAD", default_value = "10m", value_parser = duration)]
    pub rotation_spread: Duration,

    /// How long a role assignment that Keyholder made is given to have effect.
    #[arg(long, env = "KEYHOLDER_GRANT_PROPAGATION", default_value = "10m", value_parser = duration)]
    pub grant_propagation: Duration,

    /// Objects worked on at the same time.
    #[arg(long, env = "KEYHOLDER_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,

    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "KEYHOLDER_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Name of the lease that one replica holds.
    #[arg(long, env = "KEYHOLDER_LEASE_NAME", default_value = "keyholder")]
    pub lease_name: String,

    /// This replica's name in the lease; the pod's name is a good choice.
    #[arg(long, env = "POD_NAME", default_value_t = format!("keyholder-{}", std::process::id()))]
    pub replica: String,

    /// Form of the log.
    #[arg(long, env = "KEYHOLDER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// Azure's clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CloudName {
    /// The public cloud.
    Public,
    /// US Government.
    UsGovernment,
    /// China, operated by 21Vianet.
    China,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

/// An owner id becomes the first part of a tag value that `/` divides.
fn owner_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if text.is_empty() || text.len() > 63 || !text.chars().all(fits) {
        return Err(
            "an owner id has 1 to 63 letters, digits, '-', '_' and '.', for example contoso-platform"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// `500ms`, `60s`, `5m` or `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|error| format!("{error}; for example 60s"))?;
    let parsed = Duration::try_from(parsed).map_err(|_| "a duration cannot be negative".to_owned())?;
    if parsed.is_zero() {
        return Err("a duration must be longer than nothing".to_owned());
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("-1s").is_err());
        assert!(duration("0s").is_err());
        assert!(duration("soon").is_err());
    }

    #[test]
    fn an_owner_id_cannot_break_the_tag() {
        assert!(owner_id("contoso-platform").is_ok());
        assert!(owner_id("a/b").is_err());
        assert!(owner_id("").is_err());
    }

    #[test]
    fn an_endpoint_of_ones_own_needs_its_audience_and_authority() {
        let run = |more: &[&str]| {
            let mut line = vec!["keyholder", "run", "--owner-id", "x", "--namespace", "y"];
            line.extend_from_slice(more);
            Arguments::try_parse_from(line)
        };
        assert!(run(&[]).is_ok());
        assert!(run(&["--arm-endpoint", "https://localhost:1"]).is_err());
    }
}

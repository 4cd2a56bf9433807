//! Why the simulator itself cannot do something. What it refuses as Azure is a `Refusal`.

use std::path::PathBuf;

use thiserror::Error;

/// An error of the simulator, not of the Azure that it stands for.
#[derive(Debug, Error)]
pub enum Error {
    /// Certificates could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The seed is not one.
    #[error("the seed is wrong: {0}")]
    Seed(String),
}

//! What can go wrong with a testbed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why the testbed did not come up, or did not do what was asked.
#[derive(Error)]
pub enum Error {
    /// Go is missing, but programs have to be built.
    #[error(
        "{programs} must be built from Go modules, and `go` is not on PATH: install Go {needed} or newer, \
         or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl"
    )]
    GoMissing {
        /// What was to be built.
        programs: String,
        /// The oldest version that builds them.
        needed: String,
    },
    /// The Go that is there cannot build the programs.
    #[error("{programs} must be built with Go {needed} or newer, and `go` on PATH says: {found}")]
    GoTooOld {
        /// What was to be built.
        programs: String,
        /// The oldest version that builds them.
        needed: String,
        /// Its version, or its own words.
        found: String,
    },
    /// `KUBEBUILDER_ASSETS` is set but lacks a program.
    #[error(
        "KUBEBUILDER_ASSETS is {folder}, which has no {program}: it must hold etcd, kube-apiserver, \
         kube-controller-manager and kubectl; unset it to have them built"
    )]
    AssetMissing {
        /// The folder.
        folder: PathBuf,
        /// The program.
        program: &'static str,
    },
    /// `go build` failed.
    #[error("building {what} failed; the whole output is in {log}, which ends with:\n{tail}")]
    Build {
        /// What was built.
        what: String,
        /// Where the output is.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A file or folder.
    #[error("{doing} {path}")]
    File {
        /// What was done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A process could not be started.
    #[error("{program} could not be started")]
    Start {
        /// Which.
        program: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A process could not be waited for or signalled.
    #[error("{program} could not be waited for or signalled")]
    Wait {
        /// Which.
        program: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A process ended although it should go on.
    #[error("{program} ended with {status}; its log is {log} and ends with:\n{tail}")]
    Ended {
        /// Which.
        program: String,
        /// How.
        status: String,
        /// Where its log is.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// Something was not there in time.
    #[error("{what}, waited {waited:?}: {last}")]
    TimedOut {
        /// What was waited for, as what was not so.
        what: String,
        /// How long.
        waited: Duration,
        /// What there was instead.
        last: String,
    },
    /// Certificates.
    #[error("a certificate could not be made")]
    Certificate(#[source] rcgen::Error),
    /// A command ended with an error.
    #[error("`{command}` failed: {stderr}")]
    Command {
        /// The command.
        command: String,
        /// What it said.
        stderr: String,
    },
    /// Kubernetes.
    #[error("{doing}")]
    Kubernetes {
        /// What was done.
        doing: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The simulator could not be started or reached.
    #[error("{doing}")]
    Azure {
        /// What was done.
        doing: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The simulator answered otherwise than it should.
    #[error("{doing}: {status} {body}")]
    Answer {
        /// What was done.
        doing: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
}

/// What a test prints that unwraps: the text for people, not the fields.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.chain())
    }
}

impl Error {
    /// A [`Error::File`] for `path`.
    pub fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// A [`Error::Kubernetes`].
    pub fn kubernetes<E>(doing: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doing = doing.into();
        move |source| Self::Kubernetes {
            doing,
            source: source.into(),
        }
    }

    /// A [`Error::Azure`].
    pub fn azure<E>(doing: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doing = doing.into();
        move |source| Self::Azure {
            doing,
            source: source.into(),
        }
    }

    /// The error with its whole cause chain.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

//! kubectl as users type it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries::repository;
use crate::error::Error;

/// kubectl with a kubeconfig. Relative paths are from the repository's root.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

/// What kubectl said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The command as typed.
    pub command: String,
    /// Whether it ended with 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Kubectl {
    /// With this program and kubeconfig.
    #[must_use]
    pub fn new(program: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { program, kubeconfig }
    }

    /// Runs it.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn run(&self, arguments: &[&str]) -> Result<Said, Error> {
        self.with_input(arguments, "")
    }

    /// Runs it with something on standard input.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn with_input(&self, arguments: &[&str], input: &str) -> Result<Said, Error> {
        self.start(arguments, input, &[])
    }

    /// Runs it with `editor` as the program that `kubectl edit` opens; what it keeps of a refused edit goes to `folder`.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn with_editor(&self, arguments: &[&str], editor: &str, folder: &Path) -> Result<Said, Error> {
        self.start(
            arguments,
            "",
            &[("KUBE_EDITOR", editor.as_ref()), ("TMPDIR", folder.as_os_str())],
        )
    }

    fn start(&self, arguments: &[&str], input: &str, environment: &[(&str, &OsStr)]) -> Result<Said, Error> {
        let failed = |source| Error::Start {
            program: "kubectl".to_owned(),
            source,
        };
        let mut child = Command::new(&self.program)
            .args(arguments)
            .current_dir(repository())
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        // It may answer before it has read everything, and a pipe that nobody empties holds it up.
        let output = std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(mut stdin) = stdin {
                    // A kubectl that reads no input closes the pipe, which is no failure.
                    let _ = stdin.write_all(input.as_bytes());
                }
            });
            child.wait_with_output()
        });
        let output = output.map_err(failed)?;
        Ok(Said {
            command: format!("kubectl {}", arguments.join(" ")),
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs it and wants success.
    ///
    /// # Errors
    /// It cannot be started, or it says no.
    pub fn ok(&self, arguments: &[&str]) -> Result<String, Error> {
        self.run(arguments)?.ok()
    }

    /// `kubectl apply -f -`.
    ///
    /// # Errors
    /// It cannot be started. That it says no is not an error here.
    pub fn apply(&self, yaml: &str) -> Result<Said, Error> {
        self.with_input(&["apply", "-f", "-"], yaml)
    }
}

impl Said {
    /// Standard output, if it ended well.
    ///
    /// # Errors
    /// It said no.
    pub fn ok(self) -> Result<String, Error> {
        if self.success {
            Ok(self.stdout)
        } else {
            Err(Error::Command {
                command: self.command,
                stderr: self.stderr,
            })
        }
    }
}

//! Child processes that do not outlive this one.
//!
//! Invariant: a [`Process`] is killed when it is dropped; and when this process ends without dropping it (a signal,
//! SIGKILL, a panic that aborts), its watchdog kills it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::error::Error;

/// Lines of a log that an error shows.
const TAIL: usize = 15;

/// Between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The kernel closes the watchdog's standard input when this process is gone, however it ended. It ignores what a
/// terminal sends to everybody, so that Ctrl-C cannot end it before its work is done.
const WATCHDOG: &str = r#"trap '' HUP INT TERM; read -r _; kill -KILL -"$1""#;

/// A running program with its log.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    watchdog: Child,
    log: PathBuf,
    /// Where its own part of the log begins.
    begin: u64,
}

impl Process {
    /// Starts `program`, in a process group of its own, with its output appended to `log`.
    ///
    /// # Errors
    /// The log cannot be opened or the program cannot be started.
    pub fn start(
        program: &Path,
        arguments: &[OsString],
        environment: &[(String, String)],
        log: &Path,
    ) -> Result<Self, Error> {
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let not_started = |source| Error::Start {
            program: name.clone(),
            source,
        };
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::file("opening", log))?;
        let begin = output.metadata().map_err(Error::file("looking at", log))?.len();
        let errors = output.try_clone().map_err(Error::file("opening", log))?;
        let mut command = Command::new(program);
        // All that it asks is on this machine.
        for proxy in [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env_remove(proxy);
        }
        let mut child = command
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(not_started)?;
        let watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog", &child.id().to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self {
                program: name,
                child,
                watchdog,
                log: log.to_owned(),
                begin,
            }),
            Err(source) => {
                end(&mut child);
                Err(Error::Start {
                    program: format!("the watchdog of {name}"),
                    source,
                })
            }
        }
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let mut bytes = Vec::new();
        // A log that cannot be read shows nothing; its path is named beside it.
        let _ = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(self.begin))?;
            log.read_to_end(&mut bytes)
        });
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines that it printed.
    #[must_use]
    pub fn tail(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines
            .get(lines.len().saturating_sub(TAIL)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn status(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(|source| Error::Wait {
            program: self.program.clone(),
            source,
        })
    }

    /// An error if it has ended.
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub fn check(&mut self) -> Result<(), Error> {
        match self.status()? {
            None => Ok(()),
            Some(status) => Err(Error::Ended {
                program: self.program.clone(),
                status: status.to_string(),
                log: self.log.clone(),
                tail: self.tail(),
            }),
        }
    }

    /// Ends it at once (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Asks it to end (SIGTERM) and waits, at most for `patience`.
    ///
    /// # Errors
    /// It did not end in time; it is killed then.
    pub async fn terminate(&mut self, patience: Duration) -> Result<ExitStatus, Error> {
        // A process that has ended already gets no signal, and its status is found below.
        let _ = kill(pid(&self.child), Signal::SIGTERM);
        let started = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if started.elapsed() > patience {
                self.kill();
                return Err(Error::TimedOut {
                    what: format!("{} still ran after SIGTERM", self.program),
                    waited: patience,
                    last: format!(
                        "its log is {} and ends with:\n{}",
                        self.log.display(),
                        self.tail()
                    ),
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Stops it where it stands (SIGSTOP), as a node that hangs.
    ///
    /// # Errors
    /// It has ended.
    pub fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on after [`Process::freeze`].
    ///
    /// # Errors
    /// It has ended.
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        kill(pid(&self.child), signal).map_err(|errno| Error::Wait {
            program: self.program.clone(),
            source: errno.into(),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: were it let go after the child, it could hit another process of the same id.
        end(&mut self.watchdog);
        end(&mut self.child);
    }
}

fn pid(child: &Child) -> Pid {
    // A process id fits: the kernel's own type is an i32. Zero would mean this process's own group.
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// Kills the child and its group. What has ended already is what is wanted, so no answer is an error.
fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let _ = killpg(pid(child), Signal::SIGKILL);
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests;

//! Where one run of the testbed keeps its data and logs.
//!
//! Invariant: a directory is removed only when nobody uses it, and only some runs later, so that the logs that a failed
//! test named are still there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::binaries::target;
use crate::error::Error;

/// Finished runs that are kept.
const KEPT: usize = 4;

/// Held, by a lock of the kernel's, as long as the run goes on.
const LOCK: &str = "in-use";

/// The directory of a run.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _in_use: File,
}

impl RunDirectory {
    /// A new one below Cargo's target folder. Removes those of runs long finished.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn new() -> Result<Self, Error> {
        Self::below(&target().join("testbed"))
    }

    fn below(home: &Path) -> Result<Self, Error> {
        fs::create_dir_all(home).map_err(Error::file("creating", home))?;
        sweep(home);
        let path = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(home)
            .map_err(Error::file("creating a directory in", home))?
            .keep();
        let lock = path.join(LOCK);
        let in_use = File::create(&lock).map_err(Error::file("creating", &lock))?;
        in_use.lock().map_err(Error::file("locking", &lock))?;
        Ok(Self {
            path,
            _in_use: in_use,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes what is left of finished runs, but for the latest. What cannot be removed is no reason not to start.
fn sweep(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else { return };
    let mut finished: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()))
        .filter_map(|path| Some((fs::metadata(path.join(LOCK)).ok()?.modified().ok()?, path)))
        .collect();
    finished.sort();
    let superfluous = finished.len().saturating_sub(KEPT);
    for (_, path) in finished.into_iter().take(superfluous) {
        let _ = fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_directories_of_finished_runs_are_removed_and_the_latest_of_them_stay() {
        let home = tempfile::tempdir().unwrap();
        let running = RunDirectory::below(home.path()).unwrap();
        let finished: Vec<PathBuf> = (0..KEPT + 2)
            .map(|_| RunDirectory::below(home.path()).unwrap().path().to_owned())
            .collect();
        let last = RunDirectory::below(home.path()).unwrap();
        let there: Vec<bool> = finished.iter().map(|path| path.is_dir()).collect();
        assert_eq!(there, [false, false, true, true, true, true]);
        assert!(running.path().is_dir() && last.path().is_dir());
    }
}

use std::path::Path;
use std::time::{Duration, Instant};

use super::Process;
use crate::error::Error;

fn sleeper(folder: &Path) -> Process {
    let script = "echo started; exec sleep 600";
    Process::start(
        Path::new("/bin/sh"),
        &["-c".into(), script.into()],
        &[],
        &folder.join("log"),
    )
    .unwrap()
}

/// Whether the kernel still runs `id`. A zombie does not run.
fn runs(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_dropped_process_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let process = sleeper(folder.path());
    let (child, watchdog) = (process.id(), process.watchdog.id());
    assert!(runs(child) && runs(watchdog));
    drop(process);
    assert!(!runs(child) && !runs(watchdog));
}

#[test]
fn a_process_whose_parent_was_killed_is_killed_by_its_watchdog() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = sleeper(folder.path());
    let child = process.id();
    // What the kernel does when this process ends.
    drop(process.watchdog.stdin.take());
    until("the watchdog killed nobody", || !runs(child));
    assert!(matches!(process.check(), Err(Error::Ended { status, .. }) if status.contains("signal: 9")));
}

#[tokio::test]
async fn an_error_shows_the_log_of_a_process_that_ended() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = "echo the disk is full; exit 3";
    let mut process = Process::start(Path::new("/bin/sh"), &["-c".into(), script.into()], &[], &log).unwrap();
    let status = process.terminate(Duration::from_secs(10)).await.unwrap();
    let said = process.check().unwrap_err().to_string();
    // SIGTERM may have been quicker than the shell.
    if status.code() == Some(3) {
        assert!(
            said.contains("the disk is full") && said.contains(&log.display().to_string()),
            "{said}"
        );
    } else {
        assert!(said.contains("signal: 15"), "{said}");
    }
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; echo started; while :; do read -r _ </dev/zero; done";
    let log = folder.path().join("log");
    let mut process = Process::start(Path::new("/bin/sh"), &["-c".into(), script.into()], &[], &log).unwrap();
    until("it did not start", || process.output().contains("started"));
    let error = process.terminate(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(process.status().unwrap().is_some());
}

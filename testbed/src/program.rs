//! The operator's binary: built by Cargo, found by what Cargo says of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::binaries::repository;
use crate::error::Error;
use serde_json::Value;

/// Builds the operator: optimised, or in the profile that this was built in.
///
/// # Errors
/// Cargo fails; its own words go to standard error.
pub fn build(optimised: bool) -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(repository())
        .args([
            "build",
            "--bin",
            "keyholder",
            "--message-format=json-render-diagnostics",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if optimised || !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().map_err(|source| Error::Start {
        program: "cargo".to_owned(),
        source,
    })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    match executable(&messages) {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(Error::Command {
            command: "cargo build --bin keyholder".to_owned(),
            stderr: format!("it ended with {}; its words are above", output.status),
        }),
    }
}

/// The path of the binary in Cargo's messages, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some("keyholder"))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_one_that_cargo_names() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"build-script-build"},"executable":"/x/build"}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"keyholder"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"keyholder"},"executable":"/x/keyholder"}"#,
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/x/keyholder")));
        assert_eq!(executable(""), None);
    }
}

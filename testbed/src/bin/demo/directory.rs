//! The demo's directory: what a shell beside the demo needs.
//!
//! Invariant: one demo at a time uses it.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use testbed::azure::names::{ALICE, SUBSCRIPTION, TENANT};
use testbed::{Azure, ControlPlane, Error, Operator};

/// Files of an earlier demo, which would tell of what is not there any more.
const STALE: [&str; 6] = [
    "env",
    "kubeconfig",
    "operator.log",
    "operator.pid",
    "operator.kubeconfig",
    "traffic.jsonl",
];

/// What is reached without the simulator's proxy: the control plane.
const NO_PROXY: &str = "127.0.0.1,::1";

/// The directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _in_use: File,
}

impl Directory {
    /// Opens it, and removes what an earlier demo left.
    pub fn open(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::file("creating", path))?;
        let path = fs::canonicalize(path).map_err(Error::file("resolving", path))?;
        let lock = path.join("in-use");
        let in_use = File::create(&lock).map_err(Error::file("creating", &lock))?;
        if in_use.try_lock().is_err() {
            let source = std::io::Error::new(
                ErrorKind::ResourceBusy,
                "another demo uses it; choose another with --directory",
            );
            return Err(Error::file("using", &path)(source));
        }
        for name in STALE {
            let stale = path.join(name);
            match fs::remove_file(&stale) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::file("removing", stale)(error));
                }
                _ => {}
            }
        }
        Ok(Self {
            path,
            _in_use: in_use,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the files that a shell beside the demo uses.
    pub fn furnish(&self, plane: &ControlPlane, azure: &Azure, operator: &Operator) -> Result<(), Error> {
        let kubeconfig = self.path.join("kubeconfig");
        fs::copy(plane.kubeconfig(), &kubeconfig).map_err(Error::file("writing", &kubeconfig))?;
        self.note(operator)?;
        let (client_id, secret) = azure.seed().secret(ALICE).unwrap_or_default();
        let authority_file = azure.authority_file().display().to_string();
        let variables = [
            ("KUBECONFIG", kubeconfig.display().to_string()),
            ("ARM_ENDPOINT", azure.endpoint().to_owned()),
            ("AUTHORITY", azure.endpoint().to_owned()),
            ("SIMULATOR_CA", authority_file.clone()),
            ("SIMULATOR_CONTROL", azure.control().url().to_owned()),
            ("TENANT_ID", TENANT.to_owned()),
            ("SUBSCRIPTION_ID", SUBSCRIPTION.to_owned()),
            ("CLIENT_ID", client_id),
            ("CLIENT_SECRET", secret),
            ("OBJECT_ID", azure.seed().object_id(ALICE).unwrap_or_default()),
            // Hosts of vaults do not resolve everywhere. Not in NO_PROXY is localhost: many clients take it for all below it.
            ("HTTPS_PROXY", azure.proxy().to_owned()),
            ("https_proxy", azure.proxy().to_owned()),
            ("NO_PROXY", NO_PROXY.to_owned()),
            ("no_proxy", NO_PROXY.to_owned()),
            // Microsoft's clients in Python read this one, kubectl does not.
            ("REQUESTS_CA_BUNDLE", authority_file),
        ];
        let mut text = "# A shell beside the demo reads this. CLIENT_ID and CLIENT_SECRET are those of a human: alice.\n\
             # By HTTPS such a shell reaches the demo and nothing else.\n"
            .to_owned();
        for (name, value) in variables {
            text.push_str(&format!("export {name}={}\n", quoted(&value)));
        }
        let programs = plane.binaries().folder().display().to_string();
        text.push_str(&format!("export PATH={}:\"$PATH\"\n", quoted(&programs)));
        self.write("env", &text)
    }

    /// Writes which process the operator is.
    pub fn note(&self, operator: &Operator) -> Result<(), Error> {
        self.write("operator.pid", &format!("{}\n", operator.id()))
    }

    /// What to try while everything is up.
    pub fn invitation(&self) -> String {
        let env = self.path.join("env");
        format!(
            "Everything stays up until Ctrl-C. In another shell:\n\n  \
             . {}\n  \
             kubectl apply -f examples/managed-group\n  \
             kubectl get keyholder -n ml-platform\n  \
             kubectl describe aihub research -n ml-platform\n  \
             kubectl explain aihub.spec.encryption\n  \
             curl --cacert \"$SIMULATOR_CA\" \"$SIMULATOR_CONTROL/counters\"\n  \
             kill -9 $(cat {})    # it is started again\n\n\
             The operator's log is {}, Azure's traffic {}.",
            env.display(),
            self.path.join("operator.pid").display(),
            self.path.join("operator.log").display(),
            self.path.join("traffic.jsonl").display(),
        )
    }

    /// Writes a file that only its owner reads.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(Error::file("writing", &path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(Error::file("protecting", &path))
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A child that is just being started holds every lock of this process until it is another program.
    static CHILDREN: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let _alone = CHILDREN.lock();
        let odd = "a 'b' $c \"d\"";
        let script = format!("printf %s {}", quoted(odd));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), odd);
    }

    #[test]
    fn a_directory_in_use_is_refused_and_a_free_one_loses_what_is_stale() {
        let _alone = CHILDREN.lock();
        let folder = tempfile::tempdir().unwrap();
        let first = Directory::open(folder.path()).unwrap();
        first.write("operator.pid", "1\n").unwrap();
        let refused = Directory::open(folder.path()).unwrap_err().chain();
        assert!(refused.contains("another demo uses it"), "{refused}");
        drop(first);
        let second = Directory::open(folder.path()).unwrap();
        assert!(!second.path().join("operator.pid").exists());
    }
}

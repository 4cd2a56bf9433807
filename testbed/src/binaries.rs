//! The programs of a control plane, and Helm: built once from Go modules, found again by what they are built from.
//!
//! Invariant: a folder of programs is complete or not there; two processes never build into it at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Environment variable that names a folder with the control plane's programs, as Kubebuilder's tools use it.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// Between two signs of life of a build.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// What is built from `tests/control-plane`. kubectl and clients parse the version, which only the linker can set.
const CONTROL_PLANE: Module = Module {
    name: "control-plane",
    flags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
            -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    programs: &[
        Program {
            name: "etcd",
            package: "./cmd/etcd",
            cold: Duration::from_secs(20),
        },
        Program {
            name: "kube-apiserver",
            package: "./cmd/kube-apiserver",
            cold: Duration::from_secs(170),
        },
        Program {
            name: "kube-controller-manager",
            package: "./cmd/kube-controller-manager",
            cold: Duration::from_secs(45),
        },
        Program {
            name: "kubectl",
            package: "./cmd/kubectl",
            cold: Duration::from_secs(15),
        },
    ],
};

/// What is built from `tests/helm`.
const HELM: Module = Module {
    name: "helm",
    flags: "-s -w",
    programs: &[Program {
        name: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        cold: Duration::from_secs(110),
    }],
};

struct Module {
    name: &'static str,
    flags: &'static str,
    programs: &'static [Program],
}

struct Program {
    name: &'static str,
    package: &'static str,
    /// How long a build took on two cores with nothing cached, the download of modules aside.
    cold: Duration,
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries {
    control_plane: PathBuf,
}

impl Binaries {
    /// Finds the control plane's programs, and builds them when they are missing. Blocks, for minutes the first time.
    ///
    /// # Errors
    /// `KUBEBUILDER_ASSETS` is set and incomplete, Go is missing or too old, or a build fails.
    pub fn provide() -> Result<Self, Error> {
        let control_plane = match std::env::var_os(ASSETS) {
            Some(folder) => assets(PathBuf::from(folder))?,
            None => built(&CONTROL_PLANE)?,
        };
        Ok(Self { control_plane })
    }

    /// One of the control plane's programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.control_plane.join(name)
    }

    /// The folder of the control plane's programs, for a `PATH`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.control_plane
    }
}

/// Helm, built when it is missing. Blocks, for minutes the first time.
///
/// # Errors
/// Go is missing or too old, or the build fails.
pub fn helm() -> Result<PathBuf, Error> {
    Ok(built(&HELM)?.join("helm"))
}

/// The folder of each module's programs is there already, so that a start takes seconds.
#[must_use]
pub fn are_built() -> bool {
    let there = |module: &Module| home(module).is_ok_and(|(_, folder)| folder.is_dir());
    (std::env::var_os(ASSETS).is_some() || there(&CONTROL_PLANE)) && there(&HELM)
}

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target folder.
#[must_use]
pub fn target() -> PathBuf {
    // An absolute path replaces the repository's.
    repository().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

fn assets(folder: PathBuf) -> Result<PathBuf, Error> {
    match CONTROL_PLANE
        .programs
        .iter()
        .find(|program| !folder.join(program.name).is_file())
    {
        Some(program) => Err(Error::AssetMissing {
            folder,
            program: program.name,
        }),
        None => Ok(folder),
    }
}

fn source(module: &Module) -> PathBuf {
    repository().join("tests").join(module.name)
}

/// Where a module's builds are, and the folder of the one with the present sources.
fn home(module: &Module) -> Result<(PathBuf, PathBuf), Error> {
    let home = target().join(module.name);
    let folder = home.join(digest(module)?);
    Ok((home, folder))
}

fn built(module: &Module) -> Result<PathBuf, Error> {
    let (home, folder) = home(module)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&home).map_err(Error::file("creating", &home))?;
    let lock = home.join("lock");
    let file = File::create(&lock).map_err(Error::file("creating", &lock))?;
    if file.try_lock().is_err() {
        eprintln!("Another process builds {} …", module.names());
        file.lock().map_err(Error::file("locking", &lock))?;
    }
    if folder.is_dir() {
        return Ok(folder);
    }
    check_go(module)?;
    let cold: Duration = module.programs.iter().map(|program| program.cold).sum();
    eprintln!(
        "Building {} from Go modules, once: about {} on two cores with nothing cached.",
        module.names(),
        minutes(cold)
    );
    let partial = home.join("partial");
    fs::create_dir_all(&partial).map_err(Error::file("creating", &partial))?;
    let log = home.join("build.log");
    for program in module.programs {
        build(module, program, &partial, &log)?;
    }
    fs::rename(&partial, &folder).map_err(Error::file("renaming", &partial))?;
    Ok(folder)
}

fn build(module: &Module, program: &Program, into: &Path, log: &Path) -> Result<(), Error> {
    eprintln!("  {} (cold: {}) …", program.name, minutes(program.cold));
    let output = File::create(log).map_err(Error::file("creating", log))?;
    let errors = output.try_clone().map_err(Error::file("opening", log))?;
    let not_started = |source| Error::Start {
        program: "go".to_owned(),
        source,
    };
    let mut child = Command::new("go")
        .current_dir(source(module))
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath", "-ldflags", module.flags, "-o"])
        .arg(into.join(program.name))
        .arg(program.package)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(not_started)?;
    let started = Instant::now();
    let mut said = started;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(not_started)? {
            break status;
        }
        if said.elapsed() > SIGN_OF_LIFE {
            said = Instant::now();
            eprintln!("  {} … {}", program.name, minutes(started.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        let output = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = output.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default()
            .join("\n");
        return Err(Error::Build {
            what: program.name.to_owned(),
            log: log.to_owned(),
            tail,
        });
    }
    eprintln!("  {} built in {}", program.name, minutes(started.elapsed()));
    Ok(())
}

/// Asks Go for its version in the module's folder, where an old one would fetch the newer one that the module names.
fn check_go(module: &Module) -> Result<(), Error> {
    let path = source(module).join("go.mod");
    let needed = fs::read_to_string(&path)
        .map_err(Error::file("reading", &path))?
        .lines()
        .find_map(|line| line.strip_prefix("go "))
        .unwrap_or_default()
        .trim()
        .to_owned();
    let programs = module.names();
    let output = match Command::new("go")
        .current_dir(source(module))
        .args(["env", "GOVERSION"])
        .output()
    {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::GoMissing { programs, needed });
        }
        Err(source) => {
            return Err(Error::Start {
                program: "go".to_owned(),
                source,
            });
        }
    };
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        return Err(Error::GoTooOld {
            programs,
            needed,
            found: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    if version(&found) < version(&needed) {
        return Err(Error::GoTooOld {
            programs,
            needed,
            found,
        });
    }
    Ok(())
}

/// Major and minor of `go1.26.8` or `1.26.0`.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text
        .trim_start_matches("go")
        .split('.')
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// What a module's programs are built from, shortened.
fn digest(module: &Module) -> Result<String, Error> {
    let source = source(module);
    let mut files = vec![source.join("go.mod"), source.join("go.sum")];
    files.extend(
        module
            .programs
            .iter()
            .map(|program| source.join(program.package).join("main.go")),
    );
    let mut digest = Sha256::new();
    digest.update(module.flags);
    for path in files {
        match fs::read(&path) {
            Ok(content) => digest.update(content),
            // A program from another module has no source here.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.ends_with("main.go") => {}
            Err(error) => return Err(Error::file("reading", path)(error)),
        }
    }
    Ok(digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

impl Module {
    fn names(&self) -> String {
        self.programs
            .iter()
            .map(|program| program.name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_compared_as_numbers() {
        assert!(version("go1.9.7") < version("1.26.0"));
        assert!(version("go1.26.8") >= version("1.26.0"));
        assert!(version("go1.100.0") > version("1.26.0"));
    }

    #[test]
    fn an_incomplete_folder_of_assets_is_refused_with_the_program_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        for program in ["etcd", "kube-apiserver", "kubectl"] {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        let error = assets(folder.path().to_owned()).unwrap_err().to_string();
        assert!(error.contains("has no kube-controller-manager"), "{error}");
        std::fs::write(folder.path().join("kube-controller-manager"), "").unwrap();
        assert!(assets(folder.path().to_owned()).is_ok());
    }

    #[test]
    fn each_module_has_its_own_stable_digest() {
        let digests = [digest(&CONTROL_PLANE).unwrap(), digest(&HELM).unwrap()];
        assert_eq!(digests, [digest(&CONTROL_PLANE).unwrap(), digest(&HELM).unwrap()]);
        assert_ne!(digests.first(), digests.last());
    }
}

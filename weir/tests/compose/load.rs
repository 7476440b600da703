//! The `load` profile, with its own arguments but fewer requests: it exits 0 only if its proof
//! holds. Never here: an edge that is not the balancer.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::here::Here;

pub(crate) fn run(here: &Here<'_>) {
    let program = program();
    let mut words = here.command("load");
    assert_eq!(words[0], "/usr/local/bin/loadtest");
    words[0] = program.to_str().unwrap().to_owned();
    for (flag, value) in [("--rate=", "400"), ("--duration=", "4")] {
        let word = words.iter_mut().find(|word| word.starts_with(flag)).unwrap();
        *word = format!("{flag}{value}");
    }
    let ran = here.output("load", &words);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{}: {said}", ran.status);
}

/// The load tester, which `cargo test --workspace` builds beside weir; built now if it did not.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_weir")).with_file_name("loadtest");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "loadtest", "--target-dir"]);
        build.arg(program.parent().and_then(Path::parent).unwrap());
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    program
}

//! The balancer with its own configuration: HAProxy from the search path, or of Debian's packages,
//! unpacked under `target/`. Debian's is older than the image's, so the configuration is one that
//! both take.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::unpacked;

use crate::here::{Here, Running};

/// HAProxy, and of what it is linked with what no machine has anyway.
const PACKAGES: [&str; 4] =
    ["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"];

/// It runs, as the image's entry point starts it.
pub(crate) fn start<'a>(here: &'a Here<'_>) -> Running<'a> {
    let file = here.folder("balancer").join("haproxy.cfg");
    fs::write(&file, configuration(here)).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let program = program();
    let words = here.service("balancer").command();
    let given = words.iter().map(String::as_str).collect::<Vec<_>>();
    let ["haproxy", "-f", mounted] = given[..] else { panic!("{words:?}") };
    assert!(here.service("balancer").mounts().iter().any(|mount| mount.target == mounted));
    let of = |more: &[&str]| {
        let more = more.iter().map(|&word| word.to_owned());
        program.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let checked = here.output("balancer", &of(&["-c", "-f", &file]));
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && !said.contains("WARNING"), "{said}");
    here.start_as("balancer", &of(&["-W", "-db", "-f", &file]))
}

/// The mounted file, with this machine's ports; health is asked for on a port for each edge, which
/// containers do not need.
fn configuration(here: &Here<'_>) -> String {
    let text = deploy::text("deploy/compose/haproxy.cfg");
    let line = |line: &str| {
        let translated = here.translate("balancer", line);
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["server", name, ..] => format!("{translated} port {}\n", here.port(name, 9090)),
            _ => translated + "\n",
        }
    };
    text.lines().map(line).collect()
}

/// The program, and what it needs to be found with.
fn program() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap();
    if let Ok(found) = testkit::find("haproxy", &path) {
        return vec![found.to_str().unwrap().to_owned()];
    }
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("debian");
    let roots = PACKAGES.map(|package| unpacked(&cache, package, &path).unwrap());
    let libraries = roots.iter().flat_map(|root| libraries(root));
    let libraries: Vec<String> = libraries.map(|lib| lib.to_str().unwrap().to_owned()).collect();
    let program = roots[0].join("usr/sbin/haproxy").to_str().unwrap().to_owned();
    vec!["env".to_owned(), format!("LD_LIBRARY_PATH={}", libraries.join(":")), program]
}

/// `usr/lib` of a package, and the folder of the machine's architecture in it.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
    found.map(|folder| folder.path()).filter(|folder| folder.is_dir()).collect()
}

//! The commands of `deploy/kubernetes`, as the built binary takes them: every flag is known, and
//! every file that is mounted is read, in the form that the manifests' comments give it.
//!
//! No broker is asked: the properties for Kafka have one that is refused, and that comes last.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

mod kit;

use kit::{Scratch, weir};
use serde_json::Value;

const BASE: &str = "deploy/kubernetes/base";

/// The arguments of each container, with the files of `scratch` in place of the mounted ones.
fn commands(scratch: &Scratch) -> Vec<Vec<String>> {
    let configuration = deploy::text(&format!("{BASE}/kustomization.yaml"));
    let mut lines = configuration.lines();
    let kafka = lines.find_map(|line| line.trim().strip_prefix("- KAFKA=")).unwrap();
    let files = ["topics", "edge", "aggregator"].map(|name| format!("{BASE}/{name}.yaml"));
    let objects = files.iter().flat_map(|file| deploy::yaml(file));
    let containers = objects.filter_map(|mut object| {
        let containers = object.pointer_mut("/spec/template/spec/containers")?.take();
        Some(containers[0]["args"].clone())
    });
    let argument = |arg: &Value| {
        let arg = arg.as_str().unwrap().replace("$(KAFKA)", kafka);
        match arg.split_once("/etc/weir/") {
            Some((flag, file)) => format!("{flag}{}", scratch.path(&file.replace('/', "-"))),
            None => arg,
        }
    };
    let args = |args: Value| args.as_array().unwrap().iter().map(argument).collect();
    containers.map(args).collect()
}

/// What the comment's `printf` writes into `keys.toml`.
fn keys() -> String {
    let told = deploy::text(&format!("{BASE}/kustomization.yaml"));
    let (_, format) = told.split_once("printf '").unwrap();
    let (format, _) = format.split_once("' ").unwrap();
    format.replace("\\n", "\n").replace("%s", &"0123456789abcdef".repeat(4))
}

#[test]
fn every_container_is_started_with_flags_and_files_that_weir_takes() {
    let scratch = Scratch::new();
    scratch.file("campaign-campaign.toml", deploy::text(&format!("{BASE}/campaign.toml")));
    scratch.file("keys-keys.toml", keys());
    scratch.file("kafka-kafka.properties", "# the last that is read\nacks=1\n");
    let commands = commands(&scratch);
    assert_eq!(commands.len(), 3);
    for command in commands {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = weir(&args);
        assert!(ran.code == Some(64) && ran.stderr.contains("acks"), "{args:?}: {ran:?}");
        // The same with a slip does not come that far.
        let ran = weir(&[args.as_slice(), &["--replicas=3"]].concat());
        assert!(ran.code == Some(64) && ran.stderr.contains("--replicas"), "{args:?}: {ran:?}");
    }
}

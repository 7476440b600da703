//! Kafka as the official image starts it: its wrapper class makes the properties of the environment
//! and formats the disk, then the server starts with them.
//!
//! The image's scripts take the Java machine's options from `KAFKA_HEAP_OPTS` and
//! `KAFKA_LOG4J_OPTS`, and so does this. Never here: a property that the environment does not say.

use std::fs::{self, File};
use std::path::Path;

use testkit::{class_path, find};

use crate::here::{Here, Running};

const WRAPPER: &str = "kafka.docker.KafkaDockerWrapper";

/// A broker that answers.
pub(crate) fn start<'a>(here: &'a Here<'_>) -> Running<'a> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("kafka");
    let path = std::env::var_os("PATH").unwrap();
    let jars = class_path(&cache, &path).unwrap();
    // One cluster at a time: the test kit's turn. It ends with this process, as the broker does.
    let turn = File::create(cache.join("turn")).unwrap();
    turn.lock().unwrap();
    std::mem::forget(turn);
    let mut java = vec![find("java", &path).unwrap().to_str().unwrap().to_owned()];
    let environment = here.service("kafka").environment();
    for options in ["KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS"] {
        let options = here.translate("kafka", &environment[options]);
        java.extend(options.split_whitespace().map(str::to_owned));
    }
    java.extend(["-cp".to_owned(), jars.to_str().unwrap().to_owned()]);
    let command = |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned());
        java.iter().cloned().chain(words).collect::<Vec<_>>()
    };
    let [defaults, made] = ["defaults", "made"].map(|name| here.folder(&format!("kafka/{name}")));
    let mounted = here.translate("kafka", "/mnt/shared/config");
    let (defaults, made) = (defaults.to_str().unwrap(), made.to_str().unwrap());
    let setup = command(&[
        WRAPPER,
        "setup",
        "--default-configs-dir",
        defaults,
        "--mounted-configs-dir",
        &mounted,
        "--final-configs-dir",
        made,
    ]);
    let ran = here.output("kafka", &setup);
    assert!(ran.status.success(), "{ran:?}");
    let properties = format!("{made}/server.properties");
    let text = fs::read_to_string(&properties).unwrap();
    assert!(text.contains("auto.create.topics.enable=false"), "{text}");
    let mut kafka = here.start_as("kafka", &command(&["kafka.Kafka", &properties]));
    kafka.wait_healthy();
    kafka
}

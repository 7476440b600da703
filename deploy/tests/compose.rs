//! `docker-compose.yml`, the Dockerfile and what they mount: valid by the Compose specification,
//! pinned, confined, on this machine only, without a secret, and started in an order that works.
//!
//! No engine runs here. `weir/tests/compose.rs` starts the commands of the file as processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "compose/schema.rs"]
mod schema;

use std::collections::BTreeSet;

use deploy::compose::{FILE, Service, document, services};
use deploy::{path, text, yaml};
use serde_json::Value;

/// Those that run until they are ended.
const SERVE: [&str; 8] = [
    "aggregate-1",
    "aggregate-2",
    "balancer",
    "grafana",
    "ingest-1",
    "ingest-2",
    "kafka",
    "prometheus",
];

/// Those that run to an end.
const END: [&str; 4] = ["campaign", "load", "token", "topics"];

/// A drain: 5 s of being not ready, and 30 s for what is in flight.
const DRAIN_SECONDS: u32 = 35;

#[test]
fn the_file_is_valid_by_the_compose_specification() {
    let problems = schema::problems(&document());
    assert!(problems.is_empty(), "{FILE}: {problems:#?}");
    // And the schema is one that refuses: a misspelt key, and a condition there is not.
    let mut wrong = document();
    wrong["services"]["kafka"]["helthcheck"] = Value::Null;
    wrong["services"]["ingest-1"]["depends_on"]["kafka"]["condition"] = "service_happy".into();
    assert_eq!(schema::problems(&wrong).len(), 2);
}

#[test]
fn every_service_is_known_and_confined() {
    let services = services(&document());
    let known: BTreeSet<&str> = SERVE.into_iter().chain(END).collect();
    assert_eq!(services.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for (name, Service { value, .. }) in &services {
        assert_eq!(value["read_only"], true, "{name}");
        assert_eq!(value["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        let options = serde_json::json!(["no-new-privileges:true"]);
        assert_eq!(value["security_opt"], options, "{name}");
        assert!(value["mem_limit"].is_string() && value["pids_limit"].is_u64(), "{name}");
        let user = value["user"].as_str().unwrap_or_default();
        let user = user.split_once(':').and_then(|(user, _)| user.parse::<u32>().ok());
        assert!(user.is_some_and(|user| user > 0), "{name}: a user by number, not root");
        for field in ["privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"] {
            assert!(value.get(field).is_none(), "{name}: {field}");
        }
    }
}

#[test]
fn images_are_pinned_and_ours_is_built_by_one_service() {
    let services = services(&document());
    for (name, service) in &services {
        let image = service.value["image"].as_str().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{name}: {image}: no tag"));
        let exact = tag.trim_start_matches('v').split('.').all(|part| part.parse::<u32>().is_ok());
        assert!(exact && tag.split('.').count() == 3, "{name}: {image} moves");
        let ours = image == concat!("weir:", env!("CARGO_PKG_VERSION"));
        assert_eq!(ours, image.starts_with("weir:"), "{name}: {image}: not this version");
        let built = service.value.get("build").is_some();
        assert_eq!(built, name == "campaign", "{name}: built");
        let never = service.value["pull_policy"] == "never";
        assert_eq!(never, ours && !built, "{name}: pulled");
    }
    let froms = text("deploy/Dockerfile");
    let froms: Vec<&str> = froms.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    let [build, run] = froms.as_slice() else { panic!("two stages: {froms:?}") };
    assert!(build.starts_with("rust:1.95.0-trixie ") && run.contains(":trixie-2026"), "{froms:?}");
}

#[test]
fn ports_are_published_on_this_machine_only() {
    for (name, service) in &services(&document()) {
        for port in service.list("ports") {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is for everybody");
        }
        assert_ne!(service.value["network_mode"], "host", "{name}");
    }
}

#[test]
fn edges_are_for_trying_out_and_believe_the_balancer_what_it_saw_itself() {
    let services = services(&document());
    let mut ports = services["balancer"].list("ports");
    let published = ports.pop().unwrap();
    let [_, public, _] = published.split(':').collect::<Vec<_>>()[..] else {
        panic!("{published}")
    };
    for edge in ["ingest-1", "ingest-2"] {
        let environment = services[edge].environment();
        assert_eq!(environment["WEIR_PUBLIC_URL"], format!("http://localhost:{public}"));
        assert_eq!(environment["WEIR_IDENTITY"], "demo");
        assert!(!environment["WEIR_TRUSTED_PROXIES"].is_empty(), "{edge}");
        // Nobody else is there who could say where somebody comes from.
        assert_eq!(services[edge].list("networks"), ["pipeline"]);
    }
    assert_eq!(document()["networks"]["pipeline"]["internal"], true);
    let balancer = text("deploy/compose/haproxy.cfg");
    let mut lines = balancer.lines().map(str::trim).skip_while(|line| *line != "frontend api");
    assert!(lines.any(|line| line == "http-request del-header X-Forwarded-For"));
    assert!(lines.any(|line| line == "option forwardfor"));
}

#[test]
fn what_is_mounted_is_there_and_only_read() {
    let document = document();
    for (name, service) in &services(&document) {
        for mount in service.mounts() {
            if let Some(file) = mount.source.strip_prefix("./") {
                assert!(path(file).exists(), "{name}: {file}");
                assert!(mount.read_only, "{name}: {file} could be written");
            } else {
                let volumes = document["volumes"].as_object().unwrap();
                assert!(volumes.contains_key(&mount.source), "{name}: {}", mount.source);
            }
        }
    }
}

#[test]
fn each_that_serves_is_asked_how_it_is_and_starts_after_what_it_needs() {
    let services = services(&document());
    for (name, service) in &services {
        let serves = SERVE.contains(&name.as_str());
        assert_eq!(service.health_check().is_some(), serves, "{name}: health check");
        assert_eq!(service.value["restart"] == "unless-stopped", serves, "{name}: restart");
        for (needed, condition) in service.waits_for() {
            let ends = END.contains(&needed.as_str());
            let wanted = if ends { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(condition, wanted, "{name} after {needed}");
            assert!(services.contains_key(&needed), "{name} after {needed}");
        }
    }
    let waits = |name: &str| services[name].waits_for().into_keys().collect::<Vec<_>>().join(" ");
    assert_eq!(waits("topics"), "campaign kafka");
    for process in ["ingest-1", "ingest-2", "aggregate-1", "aggregate-2"] {
        assert_eq!(waits(process), "kafka topics");
        let grace = services[process].value["stop_grace_period"].as_str().unwrap();
        let grace: u32 = grace.trim_end_matches('s').parse().unwrap();
        assert!(grace > DRAIN_SECONDS, "{process} is killed before it has drained");
    }
    assert_eq!(waits("balancer"), "aggregate-1 aggregate-2 ingest-1 ingest-2");
    assert_eq!((waits("grafana"), waits("load")), ("prometheus".into(), "balancer".into()));
}

#[test]
fn there_is_no_secret_and_nobody_to_log_in_as() {
    for file in [FILE, "deploy/Dockerfile", "deploy/compose/haproxy.cfg"] {
        let text = text(file).to_lowercase();
        for word in ["passwd", "secret:", "secret=", "password:", "password=", "_key:", "token="] {
            assert!(!text.contains(word), "{file}: {word}");
        }
    }
    let services = services(&document());
    let grafana = services["grafana"].environment();
    assert_eq!(grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"], "true");
    assert_eq!(grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"], "Viewer");
    // Who counts needs no keys.
    for (name, service) in &services {
        let keys = service.mounts().into_iter().find(|mount| mount.source == "keys");
        let needs = ["ingest-1", "ingest-2", "load", "token", "topics"].contains(&name.as_str());
        assert_eq!(keys.is_some(), needs, "{name}: keys");
        assert!(keys.is_none_or(|keys| keys.read_only != (name == "topics")), "{name}: keys");
    }
}

#[test]
fn what_is_scraped_and_drawn_is_what_runs() {
    let services = services(&document());
    let configuration = yaml("deploy/prometheus/prometheus.yml").pop().unwrap();
    let jobs = configuration["scrape_configs"].as_array().unwrap().iter();
    let configs = jobs.flat_map(|job| job["static_configs"].as_array().unwrap());
    let targets = configs.flat_map(|config| config["targets"].as_array().unwrap());
    let targets: BTreeSet<&str> = targets.map(|target| target.as_str().unwrap()).collect();
    let serve_metrics = services.values().filter(|service| {
        service.list("command").contains(&"--ops-listen=0.0.0.0:9090".to_owned())
    });
    let scraped = serve_metrics.map(|service| format!("{}:9090", service.name));
    assert_eq!(targets, scraped.collect::<Vec<_>>().iter().map(String::as_str).collect());
    let source = yaml("deploy/grafana/provisioning/datasources/prometheus.yml").pop().unwrap();
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    let provider = yaml("deploy/grafana/provisioning/dashboards/weir.yml").pop().unwrap();
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    assert!(services["grafana"].mounts().iter().any(|mount| mount.target == folder), "{folder}");
}

#[test]
fn the_image_is_built_from_the_workspace_and_runs_as_nobody() {
    let ignored = text(".dockerignore");
    assert_eq!(ignored.lines().find(|line| !line.starts_with('#')), Some("*"));
    let manifest = text("Cargo.toml");
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members = members.split(',').map(|member| member.trim().trim_matches('"'));
    let members: BTreeSet<&str> = members.filter(|member| !member.is_empty()).collect();
    let sent = ignored.lines().filter_map(|line| line.strip_prefix("!/"));
    let others = ["Cargo.toml", "Cargo.lock", "campaigns"];
    let sent: BTreeSet<&str> = sent.filter(|name| !others.contains(name)).collect();
    assert_eq!(sent, members, "what is sent to the builder");
    let lines = text("deploy/Dockerfile");
    let has = |line: &str| lines.lines().any(|found| found.trim() == line);
    assert!(has("USER 65532:65532") && has("STOPSIGNAL SIGTERM"));
    assert!(has("ENTRYPOINT [\"/usr/local/bin/weir\"]"));
    assert!(has("CMD [\"/usr/local/bin/weir\", \"health\"]"), "the health check needs no shell");
    assert!(!lines.contains("curl") && !lines.contains("ADD http"));
}

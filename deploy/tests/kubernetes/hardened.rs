//! What a pod may do, what it is given, and that all of it is there.
//!
//! Never here: a Secret's contents, nor an exception for a container.

use std::path::Path;

use serde_json::{Value, json};

use crate::built::{Built, built, list, text};

#[test]
fn every_pod_may_do_next_to_nothing() {
    for (container, template) in built().iter().flat_map(Built::containers) {
        let (name, pod) = (&container["name"], &template["spec"]);
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        for host in ["hostNetwork", "hostPID", "hostIPC", "serviceAccountName"] {
            assert!(pod[host].is_null(), "{name}: {host}");
        }
        let may = &pod["securityContext"];
        assert_eq!(may["runAsNonRoot"], true, "{name}");
        assert_ne!(may["runAsUser"].as_u64().unwrap_or(0), 0, "{name}");
        assert_eq!(may["fsGroup"], may["runAsGroup"], "{name}: cannot read its secrets");
        assert_eq!(may["seccompProfile"], json!({ "type": "RuntimeDefault" }), "{name}");
        let nothing = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        });
        assert_eq!(container["securityContext"], nothing, "{name}");
    }
}

#[test]
fn every_container_has_resources_and_its_memory_is_its_own() {
    for (container, _) in built().iter().flat_map(Built::containers) {
        let (name, resources) = (&container["name"], &container["resources"]);
        for resource in ["cpu", "memory"] {
            assert!(resources["requests"][resource].is_string(), "{name}: {resource}");
        }
        assert!(resources["limits"]["memory"].is_string(), "{name}");
        // Whoever is throttled or evicted in a spike is not there for it.
        assert!(resources["limits"]["cpu"].is_null(), "{name}");
        if name != "topics" {
            let (asked, most) = (&resources["requests"]["memory"], &resources["limits"]["memory"]);
            assert_eq!(asked, most, "{name}");
        }
    }
}

#[test]
fn all_run_the_one_image_that_is_built_and_composed_as_its_user() {
    let image = concat!("weir:", env!("CARGO_PKG_VERSION"));
    assert!(deploy::text("docker-compose.yml").contains(&format!("image: {image}\n")));
    let dockerfile = deploy::text("deploy/Dockerfile");
    let mut users = dockerfile.lines().filter_map(|line| line.strip_prefix("USER "));
    let user = users.next_back().unwrap();
    assert!(dockerfile.contains("ENTRYPOINT [\"/usr/local/bin/weir\"]"), "the arguments' program");
    for (container, template) in built().iter().flat_map(Built::containers) {
        let named = format!("/{}", text(&container["image"]));
        assert!(named.ends_with(&format!("/{image}")), "{named}");
        assert!(container["command"].is_null(), "{named}");
        let may = &template["spec"]["securityContext"];
        assert_eq!(format!("{}:{}", may["runAsUser"], may["runAsGroup"]), user);
    }
}

/// The files below `/etc/weir` that a pod has, and where each comes from.
fn files(template: &Value) -> Vec<(String, &Value)> {
    let (container, pod) = (&template["spec"]["containers"][0], &template["spec"]);
    let mounts = list(&container["volumeMounts"]).iter();
    let of_mount = mounts.flat_map(|mount| {
        assert_eq!(mount["readOnly"], true);
        let mut volumes = list(&pod["volumes"]).iter();
        let volume = volumes.find(|volume| volume["name"] == mount["name"]).unwrap();
        let source = if volume["secret"].is_null() { &volume["configMap"] } else { volume };
        let items = list(&volume["configMap"]["items"]).iter();
        let items = items.chain(list(&volume["secret"]["items"]));
        let mut names: Vec<&str> = items.map(|item| text(&item["path"])).collect();
        if names.is_empty() {
            names.push("keys.toml");
        }
        let folder = text(&mount["mountPath"]);
        names.into_iter().map(move |name| (format!("{folder}/{name}"), source))
    });
    of_mount.collect()
}

#[test]
fn every_file_an_argument_names_is_mounted_and_nothing_else_is() {
    for (container, template) in built().iter().flat_map(Built::containers) {
        let mut mounted: Vec<String> = files(template).into_iter().map(|(file, _)| file).collect();
        let args = list(&container["args"]).iter().map(text);
        let mut named: Vec<&str> =
            args.filter_map(|arg| arg.split_once('=')).map(|(_, value)| value).collect();
        named.retain(|value| Path::new(value).is_absolute());
        named.sort_unstable();
        mounted.sort_unstable();
        assert_eq!(named, mounted, "{}", container["name"]);
    }
}

#[test]
fn configuration_is_there_and_every_secret_is_told_of() {
    let told = ["base/kustomization.yaml", "mine/keda.yaml"];
    let told = told.map(|file| deploy::text(&format!("deploy/kubernetes/{file}"))).concat();
    for built in built() {
        let is_there = |name: &Value, key: &Value| {
            let data = &built.object("ConfigMap", text(name))["data"];
            assert!(data[text(key)].is_string(), "{}: {name} has no {key}", built.folder);
        };
        let is_told = |name: &Value, key: &str| {
            let (_, after) = told
                .split_once(&format!("create secret generic {} ", text(name)))
                .unwrap_or_else(|| panic!("nothing says how to make the Secret {name}"));
            let command = after.split("#\n").next().unwrap();
            let given = [format!("={key}"), format!("file={key}="), format!("literal={key}=")];
            assert!(given.iter().any(|given| command.contains(given)), "{name}: {key}");
        };
        for (container, template) in built.containers() {
            for variable in list(&container["env"]) {
                let from = &variable["valueFrom"]["configMapKeyRef"];
                is_there(&from["name"], &from["key"]);
            }
            for volume in list(&template["spec"]["volumes"]) {
                let (map, secret) = (&volume["configMap"], &volume["secret"]);
                list(&map["items"]).iter().for_each(|item| is_there(&map["name"], &item["key"]));
                for item in list(&secret["items"]) {
                    is_told(&secret["secretName"], text(&item["key"]));
                }
                if secret.is_object() && secret["items"].is_null() {
                    is_told(&secret["secretName"], "keys.toml");
                }
            }
        }
        for login in built.of_kind("TriggerAuthentication") {
            for of in list(&login["spec"]["secretTargetRef"]) {
                is_told(&of["name"], text(&of["key"]));
            }
        }
        assert_eq!(built.of_kind("Secret").count(), 0, "{}", built.folder);
    }
}

#[test]
fn each_kind_of_process_has_only_its_own_login_and_an_aggregator_no_keys() {
    for (container, template) in built().iter().flat_map(Built::containers) {
        let name = text(&container["name"]);
        let secrets = list(&template["spec"]["volumes"]).iter().map(|volume| &volume["secret"]);
        let secrets: Vec<&Value> = secrets.filter(|secret| secret.is_object()).collect();
        let logins = secrets.iter().filter(|secret| secret["secretName"] == "weir-kafka");
        let logins: Vec<&str> = logins.map(|login| text(&login["items"][0]["key"])).collect();
        assert_eq!(logins, [format!("{name}.properties")]);
        let has_keys = secrets.iter().any(|secret| secret["secretName"] == "weir-keys");
        assert_eq!(has_keys, name != "aggregator");
    }
}

//! Who reaches whom: Services, ports, probes, and what the network lets through.
//!
//! Invariant: the operators' listener is never the public's. Never here: a port by a number that
//! no container has.

use serde_json::{Value, json};

use crate::built::{Built, argument, built, has_labels, list, number, selects, text};

/// The names of the components that a selector selects.
fn selected(built: &Built, selector: &Value) -> Vec<String> {
    let pods = built.workloads().into_iter();
    let pods = pods.filter(|(_, pods)| selects(selector, &pods["metadata"]["labels"]));
    pods.map(|(maker, _)| text(&maker["metadata"]["name"]).to_owned()).collect()
}

fn ports(container: &Value) -> Vec<&str> {
    list(&container["ports"]).iter().map(|port| text(&port["name"])).collect()
}

#[test]
fn a_deployment_selects_its_own_pods_and_only_those() {
    for built in built() {
        let mut workloads = 0;
        for deployment in built.of_kind("Deployment") {
            let (name, spec) = (text(&deployment["metadata"]["name"]), &deployment["spec"]);
            assert_eq!(selected(built, &spec["selector"]), [name]);
            for spread in list(&spec["template"]["spec"]["topologySpreadConstraints"]) {
                assert_eq!(selected(built, &spread["labelSelector"]), [name]);
            }
            workloads += 1;
        }
        assert_eq!(workloads, 2, "{}", built.folder);
    }
}

#[test]
fn the_service_leads_to_the_public_listener_of_the_edges() {
    for built in built() {
        let services: Vec<&Value> = built.of_kind("Service").collect();
        let [service] = services.as_slice() else { panic!("{}: {services:?}", built.folder) };
        let spec = &service["spec"];
        let selector = json!({ "matchLabels": spec["selector"] });
        assert_eq!(selected(built, &selector), ["edge"]);
        let [port] = list(&spec["ports"]) else { panic!("{}", spec["ports"]) };
        assert_eq!(port["targetPort"], "api");
        for ingress in built.of_kind("Ingress") {
            for path in list(&ingress["spec"]["rules"][0]["http"]["paths"]) {
                let backend = &path["backend"]["service"];
                assert_eq!(backend["name"], service["metadata"]["name"]);
                assert_eq!(backend["port"]["name"], port["name"]);
            }
        }
    }
}

#[test]
fn voters_are_told_the_address_of_the_ingress_and_edges_believe_it() {
    let mut ingresses = 0;
    for built in built() {
        let containers = built.containers().into_iter().map(|(container, _)| container);
        let mut edges = containers.filter(|container| container["name"] == "edge");
        let edge = edges.next().unwrap();
        for network in argument(edge, "--trusted-proxies").split(',') {
            // Whoever else had such an address could say to come from anywhere.
            let private = ["10.", "100.64.", "172.16.", "192.168.", "fc00:"];
            assert!(private.iter().any(|start| network.starts_with(start)), "{network}");
        }
        for ingress in built.of_kind("Ingress") {
            let (spec, origin) = (&ingress["spec"], argument(edge, "--public-url"));
            assert_eq!(origin, format!("https://{}", text(&spec["rules"][0]["host"])));
            assert_eq!(spec["tls"][0]["hosts"], json!([spec["rules"][0]["host"]]));
            ingresses += 1;
        }
    }
    assert_eq!(ingresses, 1);
}

#[test]
fn processes_listen_where_their_containers_say_and_probes_ask_for_what_is_there() {
    let ops = deploy::text("ingest/src/ops.rs");
    for (container, _) in built().iter().flat_map(Built::containers) {
        let name = text(&container["name"]);
        if name == "topics" {
            assert!(ports(container).is_empty());
            continue;
        }
        assert_eq!(ports(container), ["api", "ops"], "{name}");
        for (flag, port) in ["--listen", "--ops-listen"].iter().zip(list(&container["ports"])) {
            let listens = format!("0.0.0.0:{}", number(&port["containerPort"]));
            assert_eq!(argument(container, flag), listens, "{name}");
        }
        for (probe, path) in [
            ("startupProbe", "/livez"),
            // What asks for Kafka must never restart a process.
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ] {
            let asks = &container[probe]["httpGet"];
            assert_eq!(*asks, json!({ "path": path, "port": "ops" }), "{name}: {probe}");
            assert!(ops.contains(&format!("\"{path}\" =>")), "{path}");
        }
    }
}

#[test]
fn edges_and_aggregators_are_scraped_where_operators_are_served() {
    for built in built() {
        let monitors: Vec<&Value> = built.of_kind("PodMonitor").collect();
        let [monitor] = monitors.as_slice() else { panic!("{monitors:?}") };
        assert_eq!(selected(built, &monitor["spec"]["selector"]), ["aggregator", "edge"]);
        let [endpoint] = list(&monitor["spec"]["podMetricsEndpoints"]) else { panic!("{monitor}") };
        assert_eq!((text(&endpoint["port"]), text(&endpoint["path"])), ("ops", "/metrics"));
        // The alerts look for these names, and a label's becomes this one.
        let [job, instance] = list(&endpoint["relabelings"]) else { panic!("{endpoint}") };
        let label = "__meta_kubernetes_pod_label_app_kubernetes_io_component";
        let named = json!({
            "sourceLabels": [label], "targetLabel": "job", "replacement": "weir-$1",
        });
        assert_eq!(*job, named);
        assert_eq!(instance["targetLabel"], "instance");
        assert!(deploy::text("deploy/prometheus/rules/alerts.yml").contains("job=~\"weir-.+\""));
    }
}

/// The namespaces that may reach a port of these pods.
fn let_in(built: &Built, labels: &Value, port: &str) -> Vec<Value> {
    let policies = built.of_kind("NetworkPolicy").map(|policy| &policy["spec"]);
    let policies = policies.filter(|policy| selects(&policy["podSelector"], labels));
    let rules = policies.flat_map(|policy| list(&policy["ingress"]));
    let rules = rules.filter(|rule| list(&rule["ports"]).iter().any(|open| open["port"] == port));
    let from = rules.flat_map(|rule| {
        let from = list(&rule["from"]);
        assert!(!from.is_empty(), "everybody is let in: {rule}");
        from.iter().map(|from| {
            assert_eq!(from.as_object().unwrap().len(), 1, "{from}");
            from["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"].clone()
        })
    });
    from.collect()
}

#[test]
fn the_network_lets_voters_to_the_edges_only_and_nobody_but_prometheus_to_the_operators_port() {
    for built in built() {
        for (maker, pods) in built.workloads() {
            let (name, labels) = (&maker["metadata"]["name"], &pods["metadata"]["labels"]);
            let voters: &[&str] = if name == "edge" { &["ingress-nginx"] } else { &[] };
            assert_eq!(let_in(built, labels, "api"), voters, "{name}");
            assert_eq!(let_in(built, labels, "ops"), ["monitoring"], "{name}");
        }
        let policies = built.of_kind("NetworkPolicy").map(|policy| &policy["spec"]);
        let rules: Vec<&Value> = policies.flat_map(|policy| list(&policy["ingress"])).collect();
        assert!(rules.iter().all(|rule| list(&rule["ports"]).len() == 1), "{rules:?}");
        assert_eq!(rules.len(), 2, "{}: another port is open", built.folder);
    }
}

#[test]
fn pods_reach_kafka_and_the_name_server_and_nothing_else() {
    for built in built() {
        let config = built.of_kind("ConfigMap").next().unwrap();
        let brokers = text(&config["data"]["KAFKA"]).split(',');
        let kafka: u64 =
            brokers.clone().next().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        assert!(brokers.clone().all(|broker| broker.ends_with(&format!(":{kafka}"))));
        for (_, pods) in built.workloads() {
            let labels = &pods["metadata"]["labels"];
            let policies = built.of_kind("NetworkPolicy").map(|policy| &policy["spec"]);
            let policies = policies.filter(|policy| selects(&policy["podSelector"], labels));
            let of = |kind: &'static str| {
                policies.clone().filter(move |p| list(&p["policyTypes"]).contains(&json!(kind)))
            };
            assert!(of("Ingress").next().is_some(), "{labels}");
            let outward: Vec<&Value> = of("Egress").flat_map(|p| list(&p["egress"])).collect();
            for rule in &outward {
                assert!(
                    !list(&rule["to"]).is_empty() && !list(&rule["ports"]).is_empty(),
                    "{rule}"
                );
            }
            let ports = outward.iter().flat_map(|rule| list(&rule["ports"]));
            let ports: Vec<u64> = ports.map(|port| number(&port["port"])).collect();
            assert_eq!(ports, [kafka, 53, 53], "{labels}");
        }
    }
}

#[test]
fn everything_is_labelled_as_weirs() {
    for built in built() {
        for object in built.objects.iter().filter(|object| object["kind"] != "Namespace") {
            let (name, labels) = (&object["metadata"]["name"], &object["metadata"]["labels"]);
            assert!(has_labels(&json!({ "app.kubernetes.io/part-of": "weir" }), labels), "{name}");
            assert_eq!(object["metadata"]["namespace"], "weir", "{name}");
        }
    }
}

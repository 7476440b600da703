//! How many there are, and how they come and go: scalers, rollouts, drains of nodes, endings.
//!
//! Invariant: a workload has one scaler, which nothing else works against.

use serde_json::Value;

use crate::built::{Built, argument, built, list, number, selects, text};

/// The parameters of KEDA 2.18's scaler for Kafka that are used; their type is a map, so nobody
/// else finds a slip.
const TRIGGER: [&str; 10] = [
    "allowIdleConsumers",
    "bootstrapServersFromEnv",
    "consumerGroup",
    "ensureEvenDistributionOfPartitions",
    "lagThreshold",
    "offsetResetPolicy",
    "sasl",
    "tls",
    "topic",
    "version",
];

/// The most time from the signal to the end of a process, and some for whoever kills it.
const ENDING_S: u64 = 35;

/// The records a second that an edge sends at most: 17,000 of fourteen (docs/performance.md).
const RECORDS_AN_EDGE: u64 = 1_215;

/// The most time from an aggregator's death until its partitions are counted again: the session
/// timeout, 6 s, and twice what partitions that move were measured to stand still, 2.6 s.
const HAND_OVER_S: u64 = 11;

fn scalers<'a>(built: &'a Built, deployment: &Value) -> Vec<&'a Value> {
    let all = built.of_kind("HorizontalPodAutoscaler").chain(built.of_kind("ScaledObject"));
    let of = all.filter(|scaler| {
        let target = &scaler["spec"]["scaleTargetRef"];
        let same = ["apiVersion", "kind"].iter().all(|key| target[key] == deployment[key]);
        same && target["name"] == deployment["metadata"]["name"]
    });
    of.collect()
}

#[test]
fn every_deployment_has_one_scaler_that_nothing_works_against() {
    for built in built() {
        let mut targets = 0;
        for deployment in built.of_kind("Deployment") {
            let name = &deployment["metadata"]["name"];
            let of = scalers(built, deployment);
            let [scaler] = of.as_slice() else { panic!("{name} has the scalers {of:?}") };
            targets += of.len();
            let spec = &scaler["spec"];
            let key = |hpa, keda| if spec[hpa].is_null() { &spec[keda] } else { &spec[hpa] };
            let least = number(key("minReplicas", "minReplicaCount"));
            let most = number(key("maxReplicas", "maxReplicaCount"));
            assert!((2..=most).contains(&least), "{name}: {least} to {most}");
            // Or every `apply` would set them back.
            assert!(deployment["spec"]["replicas"].is_null(), "{name}");
        }
        let all = built.of_kind("HorizontalPodAutoscaler").count();
        assert_eq!(targets, all + built.of_kind("ScaledObject").count(), "a scaler of nothing");
    }
}

#[test]
fn a_node_can_be_drained_and_never_takes_all() {
    for built in built() {
        for deployment in built.of_kind("Deployment") {
            let labels = &deployment["spec"]["template"]["metadata"]["labels"];
            let budgets = built.of_kind("PodDisruptionBudget");
            let mut budgets = budgets.filter(|b| selects(&b["spec"]["selector"], labels));
            let spec = &budgets.next().unwrap()["spec"];
            assert_eq!(number(&spec["maxUnavailable"]), 1);
            assert_eq!(spec["unhealthyPodEvictionPolicy"], "AlwaysAllow");
            assert!(budgets.next().is_none(), "two budgets forbid every eviction");
        }
    }
}

#[test]
fn a_rollout_brings_one_before_it_takes_one() {
    for deployment in built().iter().flat_map(|built| built.of_kind("Deployment")) {
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        assert_eq!((&rolling["maxUnavailable"], &rolling["maxSurge"]), (&0.into(), &1.into()));
        assert!(number(&deployment["spec"]["minReadySeconds"]) > 0);
    }
}

#[test]
fn a_pod_is_not_killed_before_it_has_ended_by_itself() {
    for deployment in built().iter().flat_map(|built| built.of_kind("Deployment")) {
        let pod = &deployment["spec"]["template"]["spec"];
        let wait: u64 = argument(&pod["containers"][0], "--drain-wait").parse().unwrap();
        let grace = number(&pod["terminationGracePeriodSeconds"]);
        assert!(grace >= wait + ENDING_S, "{}: {grace}", deployment["metadata"]["name"]);
    }
}

#[test]
fn edges_scale_by_cpu_and_by_a_metric_that_edges_export() {
    let documented = deploy::metrics::documented();
    for scaler in built().iter().flat_map(|built| built.of_kind("HorizontalPodAutoscaler")) {
        let [cpu, in_flight] = list(&scaler["spec"]["metrics"]) else { panic!("{scaler}") };
        assert_eq!(cpu["resource"]["name"], "cpu");
        let metric = &documented[text(&in_flight["pods"]["metric"]["name"])];
        assert_eq!((metric.kind.as_str(), metric.exported_by.as_str()), ("gauge", "edge"));
    }
}

/// The trigger of the one `ScaledObject`, and what that says besides.
fn lag(built: &Built) -> (&Value, &Value) {
    let objects: Vec<&Value> = built.of_kind("ScaledObject").collect();
    let [object] = objects.as_slice() else { panic!("{objects:?}") };
    let [trigger] = list(&object["spec"]["triggers"]) else { panic!("{object}") };
    (trigger, &object["spec"])
}

#[test]
fn keda_reads_the_lag_of_the_campaign_that_is_counted() {
    for built in built() {
        let (trigger, spec) = lag(built);
        assert_eq!(trigger["type"], "kafka");
        let given = &trigger["metadata"];
        let mut keys = given.as_object().unwrap().keys();
        assert!(keys.all(|key| TRIGGER.contains(&key.as_str())), "{given}");
        let config = built.of_kind("ConfigMap").next().unwrap();
        let mut lines = text(&config["data"]["campaign.toml"]).lines();
        let id = lines.find_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).unwrap();
        assert_eq!(given["consumerGroup"], format!("weir.{id}"));
        assert_eq!(given["topic"], format!("ballots.{id}"));
        // KEDA looks the variable up in the target's first container.
        let target = built.object("Deployment", text(&spec["scaleTargetRef"]["name"]));
        let container = &target["spec"]["template"]["spec"]["containers"][0];
        let variable = &given["bootstrapServersFromEnv"];
        assert!(list(&container["env"]).iter().any(|env| env["name"] == *variable));
        assert_eq!(argument(container, "--kafka"), format!("$({})", text(variable)));
        let login = &trigger["authenticationRef"]["name"];
        assert!(login.is_null() || built.object("TriggerAuthentication", text(login)).is_object());
    }
}

#[test]
fn there_are_never_more_aggregators_than_partitions_nor_none() {
    for built in built() {
        let (trigger, spec) = lag(built);
        let topics = &built.object("Job", "topics")["spec"]["template"]["spec"]["containers"][0];
        let partitions: u64 = argument(topics, "--partitions").parse().unwrap();
        assert!(number(&spec["maxReplicaCount"]) <= partitions);
        assert_eq!(trigger["metadata"]["allowIdleConsumers"], "false");
        for key in ["idleReplicaCount", "cooldownPeriod"] {
            assert!(spec[key].is_null(), "{key} is about zero aggregators");
        }
        let (least, fallback) = (&spec["minReplicaCount"], &spec["fallback"]["replicas"]);
        assert!(number(least) <= number(fallback), "no lag to be read is no reason to have fewer");
        let behavior = &spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"];
        assert!(number(&behavior["scaleDown"]["stabilizationWindowSeconds"]) >= 1_800);
        assert!(number(&behavior["scaleUp"]["stabilizationWindowSeconds"]) >= 60);
    }
}

#[test]
fn the_lag_of_a_hand_over_is_no_reason_for_more_aggregators() {
    for built in built() {
        let (trigger, spec) = lag(built);
        let threshold: u64 = text(&trigger["metadata"]["lagThreshold"]).parse().unwrap();
        let edges = number(&built.object("HorizontalPodAutoscaler", "edge")["spec"]["maxReplicas"]);
        let most = edges * RECORDS_AN_EDGE * HAND_OVER_S;
        assert!(number(&spec["minReplicaCount"]) * threshold > most, "{most} records");
    }
}

#[test]
fn all_that_check_topics_ask_for_the_same_replication() {
    for built in built() {
        let containers = built.containers().into_iter();
        let asked = containers.map(|(container, _)| argument(container, "--replication"));
        assert_eq!(asked.collect::<Vec<_>>(), ["3"; 3]);
    }
}

#[test]
fn the_campaign_of_the_base_is_the_built_in_one() {
    let copy = deploy::text("deploy/kubernetes/base/campaign.toml");
    assert!(copy == deploy::text("campaigns/hubei-2023.toml"), "copy it again");
}

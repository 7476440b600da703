//! Every object against the definition of its kind: what the types take and give back must be what
//! was written, so a field that is unknown, misspelt, of another type or missing shows.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::built::{built, text};
use crate::definitions::Definitions;
use crate::packages::{keda, prometheus_operator};

/// What is wrong with an object, if anything.
fn check(object: &Value) -> Result<(), String> {
    let kind = text(&object["kind"]);
    match (text(&object["apiVersion"]), kind) {
        ("v1", "ConfigMap") => same::<ConfigMap>(object),
        ("v1", "Namespace") => same::<Namespace>(object),
        ("v1", "Service") => same::<Service>(object),
        ("apps/v1", "Deployment") => same::<Deployment>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => same::<HorizontalPodAutoscaler>(object),
        ("batch/v1", "Job") => same::<Job>(object),
        ("networking.k8s.io/v1", "Ingress") => same::<Ingress>(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => same::<NetworkPolicy>(object),
        ("policy/v1", "PodDisruptionBudget") => same::<PodDisruptionBudget>(object),
        ("keda.sh/v1alpha1", _) => Definitions::new(keda()).check(kind, object),
        ("monitoring.coreos.com/v1", _) => {
            Definitions::new(prometheus_operator()).check(kind, object)
        }
        (version, _) => Err(format!("{version} {kind} has no definition here")),
    }
}

/// Whether a type has all that is in a value, and needs no more.
pub(crate) fn same<T: DeserializeOwned + Serialize>(value: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    differ(value, &serde_json::to_value(typed).unwrap())
}

fn differ(written: &Value, taken: &Value) -> Result<(), String> {
    if let (Value::Object(written), Value::Object(taken)) = (written, taken) {
        let known = |key| taken.get(key).unwrap_or(&Value::Null);
        let unknown = written.iter().map(|(key, value)| (key, value, known(key)));
        let missing = taken.iter().filter(|(key, _)| !written.contains_key(*key));
        let all = unknown.chain(missing.map(|(key, value)| (key, &Value::Null, value)));
        let mut all = all.map(|(key, written, taken)| {
            differ(written, taken).map_err(|problem| format!("{key}.{problem}"))
        });
        return all.try_for_each(|one| one);
    }
    if let (Value::Array(written), Value::Array(taken)) = (written, taken)
        && written.len() == taken.len()
    {
        let mut pairs = written.iter().zip(taken);
        return pairs.try_for_each(|(written, taken)| differ(written, taken));
    }
    if written == taken { Ok(()) } else { Err(format!(" written {written}, taken {taken}")) }
}

#[test]
fn every_object_has_the_fields_of_its_kind_and_no_others() {
    for built in built() {
        assert!(built.objects.len() >= 12, "{}: {}", built.folder, built.objects.len());
        for object in &built.objects {
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            check(object).unwrap_or_else(|wrong| panic!("{} {kind} {name}: {wrong}", built.folder));
        }
    }
}

#[test]
fn a_slip_in_any_object_is_found() {
    let slips = [
        ("Deployment", "/spec/template/spec/containers/0/livenessProbe", "periodSecond", json!(1)),
        ("Deployment", "/spec", "minReadySecond", json!(5)),
        ("HorizontalPodAutoscaler", "/spec/behavior/scaleUp", "stabilisationWindow", json!(1)),
        ("Job", "/spec", "backofLimit", json!(1)),
        ("NetworkPolicy", "/spec", "egres", json!([])),
        ("ScaledObject", "/spec", "cooldownperiod", json!(1)),
        ("ScaledObject", "/spec/fallback", "behavior", json!("current")),
        ("ScaledObject", "/spec/triggers/0/metadata", "allowIdleConsumers", json!(false)),
        ("ScaledObject", "/spec/advanced/horizontalPodAutoscalerConfig/behavior", "up", json!({})),
        ("PodMonitor", "/spec/podMetricsEndpoints/0", "scrapeInterval", json!("5s")),
        ("PodMonitor", "/spec/selector", "matchLabel", json!({})),
        ("PodMonitor", "/metadata", "label", json!({})),
    ];
    for (kind, place, key, value) in slips {
        let mut object = built()[0].of_kind(kind).next().unwrap().clone();
        let inside = object.pointer_mut(place).unwrap_or_else(|| panic!("{kind}{place}"));
        inside.as_object_mut().unwrap().insert(key.to_owned(), value);
        let wrong = check(&object).expect_err(key);
        assert!(wrong.contains(key), "{kind}{place}/{key}: {wrong}");
    }
    let mut object = built()[0].of_kind("Deployment").next().unwrap().clone();
    object["spec"]["minReadySeconds"] = json!("5");
    assert!(check(&object).is_err(), "a string for a number");
    for (kind, place, key) in [
        ("Deployment", "/spec", "selector"),
        ("ScaledObject", "/spec", "triggers"),
        ("ScaledObject", "/spec/fallback", "replicas"),
    ] {
        let mut object = built()[0].of_kind(kind).next().unwrap().clone();
        object.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
        let wrong = check(&object).expect_err(key);
        assert!(wrong.contains(key), "{kind}{place} without {key}: {wrong}");
    }
}

#[test]
fn the_rules_of_prometheus_are_those_of_its_operator() {
    let mut files = 0;
    for entry in std::fs::read_dir(deploy::path("deploy/prometheus/rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let documents = deploy::yaml(&format!("deploy/prometheus/rules/{name}"));
        let [rules] = documents.as_slice() else { panic!("{name}: not one document") };
        let object = json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": { "name": name }, "spec": rules,
        });
        check(&object).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        files += 1;
    }
    assert!(files > 0);
}

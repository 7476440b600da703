//! What a metric is: its name, type and labels; and the samples of all of them, as they are
//! collected for somebody who asks.
//!
//! Every sample has the campaign's label beside its own. Never here: a name or a label value.

use std::collections::HashMap;

use prometheus::core::{Desc, Metric};
use prometheus::proto;

use super::CAMPAIGN;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Never falls while its process lives.
    Counter,
    /// Any value.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its labels besides the campaign.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

type Labels = &'static [&'static str];

pub(super) const fn gauge(name: &'static str, labels: Labels, help: &'static str) -> About {
    About { name, kind: Kind::Gauge, labels, help }
}

pub(super) const fn counter(name: &'static str, labels: Labels, help: &'static str) -> About {
    About { name, kind: Kind::Counter, labels, help }
}

pub(super) const fn histogram(name: &'static str, help: &'static str) -> About {
    About { name, kind: Kind::Histogram, labels: &[], help }
}

impl About {
    /// What the registry has to know of it for a campaign.
    pub(super) fn description(&self, campaign: &str) -> prometheus::Result<Desc> {
        let constant = HashMap::from([(CAMPAIGN.to_owned(), campaign.to_owned())]);
        let labels = self.labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, constant)
    }
}

/// The samples of a campaign, by metric.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    campaign: &'a str,
    families: Vec<(About, proto::MetricFamily)>,
}

impl<'a> Samples<'a> {
    pub(super) const fn new(campaign: &'a str) -> Self {
        Self { campaign, families: Vec::new() }
    }

    /// Adds a sample of a counter or a gauge, with the values of its labels.
    pub(super) fn push(&mut self, about: About, labels: &[&str], value: f64) {
        let mut metric = proto::Metric::default();
        if about.kind == Kind::Counter {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.add(about, labels, metric);
    }

    /// Adds what a histogram has observed.
    pub(super) fn push_histogram(&mut self, about: About, observed: &prometheus::Histogram) {
        self.add(about, &[], observed.metric());
    }

    pub(super) fn into_families(self) -> Vec<proto::MetricFamily> {
        self.families.into_iter().map(|(_, family)| family).collect()
    }

    fn add(&mut self, about: About, labels: &[&str], mut metric: proto::Metric) {
        debug_assert_eq!(about.labels.len(), labels.len(), "{}", about.name);
        let own = about.labels.iter().copied().zip(labels.iter().copied());
        let mut labels: Vec<_> = own.chain([(CAMPAIGN, self.campaign)]).collect();
        // As Prometheus has them everywhere.
        labels.sort_unstable();
        metric.set_label(labels.into_iter().map(pair).collect());
        let known = self.families.iter().position(|(known, _)| known.name == about.name);
        let index = known.unwrap_or_else(|| {
            self.families.push((about, family(about)));
            self.families.len() - 1
        });
        if let Some((_, family)) = self.families.get_mut(index) {
            family.mut_metric().push(metric);
        }
    }
}

fn pair((name, value): (&str, &str)) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn family(about: About) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(about.name.to_owned());
    family.set_help(about.help.to_owned());
    family.set_field_type(match about.kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge => proto::MetricType::GAUGE,
        Kind::Histogram => proto::MetricType::HISTOGRAM,
    });
    family
}

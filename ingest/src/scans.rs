//! Scans of posters, counted by campaign and by the channel that each poster names.
//!
//! Invariant: the channels that a campaign lists, and one more for all other names, are all the
//! series there ever are; all are there from the start. Never here: who scanned.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Visits of voting pages that name a channel, by campaign and channel.
pub(crate) const SCANS: &str = "weir_scans_total";
/// Stands for every name that the campaign does not list.
const OTHER: &str = "other";
/// As in campaign files.
const CHANNEL_CHARS_MAX: usize = 32;

/// The counters of the campaigns that a process serves.
#[derive(Debug)]
pub(crate) struct Scans(Vec<Channels>);

#[derive(Debug)]
struct Channels {
    listed: Vec<(String, IntCounter)>,
    other: IntCounter,
}

impl Scans {
    /// Makes the series of campaigns, in the order of their places, each an id with its channels.
    ///
    /// # Errors
    /// If the metric is registered already.
    pub(crate) fn new<'a>(
        registry: &Registry,
        campaigns: impl Iterator<Item = (&'a str, &'a [String])>,
    ) -> Result<Self, prometheus::Error> {
        let help = "Visits of voting pages that name a channel, such as a poster's code does.";
        let scans = IntCounterVec::new(Opts::new(SCANS, help), &["campaign", "channel"])?;
        registry.register(Box::new(scans.clone()))?;
        let channels = |(campaign, channels): (&str, &[String])| {
            let counter = |channel: &str| scans.with_label_values(&[campaign, channel]);
            let listed = channels.iter().map(|channel| (channel.clone(), counter(channel)));
            Channels { listed: listed.collect(), other: counter(OTHER) }
        };
        Ok(Self(campaigns.map(channels).collect()))
    }

    /// Counts a scan of a channel; of a place that is none of the campaigns', nothing.
    pub(crate) fn count(&self, place_of_campaign: usize, channel: &str) {
        let Some(channels) = self.0.get(place_of_campaign) else { return };
        let listed = channels.listed.iter().find(|(name, _)| name == channel);
        listed.map_or(&channels.other, |(_, counter)| counter).inc();
    }

    /// The channel that a page's query names by `c=`: the first one, and `other` for what cannot be
    /// the name of one. None if it names none at all.
    pub(crate) fn of(query: Option<&str>) -> Option<&str> {
        let name = query?.split('&').find_map(|pair| pair.strip_prefix("c="))?;
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let is_name = (1..=CHANNEL_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed);
        Some(if is_name { name } else { OTHER })
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    fn shown(registry: &Registry) -> String {
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn scans_are_counted_by_listed_channel_and_all_others_together() {
        let registry = Registry::new();
        let channels = ["poster".to_owned(), "metro-2".to_owned()];
        let campaigns = [("a", channels.as_slice()), ("b", &[])];
        let scans = Scans::new(&registry, campaigns.into_iter()).unwrap();
        let none = shown(&registry);
        assert_eq!(none.lines().count(), 4, "{none}");
        assert!(none.lines().all(|line| line.ends_with(" 0")), "{none}");

        for channel in ["metro-2", "metro-2", "poster", "bus", "other", "x"] {
            scans.count(0, channel);
        }
        scans.count(1, "poster");
        scans.count(2, "poster");
        assert_eq!(
            shown(&registry),
            "weir_scans_total{campaign=\"a\",channel=\"metro-2\"} 2\n\
             weir_scans_total{campaign=\"a\",channel=\"other\"} 3\n\
             weir_scans_total{campaign=\"a\",channel=\"poster\"} 1\n\
             weir_scans_total{campaign=\"b\",channel=\"other\"} 1\n"
        );
    }

    #[test]
    fn a_query_names_a_channel_or_something_else_or_nothing() {
        let longest = format!("c={}", "x".repeat(CHANNEL_CHARS_MAX));
        let too_long = format!("{longest}x");
        for (query, expected) in [
            (None, None),
            (Some(""), None),
            (Some("lang=zh"), None),
            (Some("cc=poster"), None),
            (Some("C=poster"), None),
            (Some("c"), None),
            (Some("c=poster"), Some("poster")),
            (Some("lang=zh&c=metro-2&x"), Some("metro-2")),
            (Some("c=a&c=b"), Some("a")),
            (Some("c="), Some("other")),
            (Some("c=Poster"), Some("other")),
            (Some("c=post%65r"), Some("other")),
            (Some("c=海报"), Some("other")),
            (Some("c=a\"}"), Some("other")),
            (Some(&longest), Some(&longest[2..])),
            (Some(&too_long), Some("other")),
        ] {
            assert_eq!(Scans::of(query), expected, "{query:?}");
        }
    }
}

//! How many ballots came about which something was noticed, by sign.

use ballot::Risk;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::metrics::BALLOTS_NOTED;

/// The counters of one campaign.
#[derive(Debug)]
pub(crate) struct Noted([IntCounter; Risk::ALL.len()]);

impl Noted {
    /// For each of these campaigns, registered.
    pub(crate) fn of<'a>(
        registry: &Registry,
        campaigns: impl Iterator<Item = &'a str>,
    ) -> prometheus::Result<Vec<Self>> {
        let opts = Opts::new(BALLOTS_NOTED, "Ballots cast about which something was noticed.");
        let noted = IntCounterVec::new(opts, &["campaign", "sign"])?;
        registry.register(Box::new(noted.clone()))?;
        let of = |id| Self(Risk::ALL.map(|(_, sign)| noted.with_label_values(&[id, sign])));
        Ok(campaigns.map(of).collect())
    }

    /// Counts a ballot with these signs.
    pub(crate) fn count(&self, risk: Risk) {
        if risk == Risk::NONE {
            return;
        }
        for (counter, (sign, _)) in self.0.iter().zip(Risk::ALL) {
            if risk.has(sign) {
                counter.inc();
            }
        }
    }
}

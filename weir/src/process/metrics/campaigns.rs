//! What a process shows of each campaign, whether it takes ballots or counts: its times, its
//! partitions, and how far the clock is from its journal's.

use ballot::Campaign;
use ingest::EdgeCampaign;
use ingest::metrics::{Pulled, Reading, float};
use journal::Journal;
use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry, Result};

use super::{CAMPAIGN, CLOCK_OFFSET, CLOCK_OFFSET_AGE, CLOSES, OPENS, PARTITIONS};

pub(super) fn watch<J: Journal>(registry: &Registry, campaigns: &[EdgeCampaign<J>]) -> Result<()> {
    let opts = Opts::new(PARTITIONS, "Partitions of its journal.");
    let partitions = IntGaugeVec::new(opts, &[CAMPAIGN])?;
    registry.register(Box::new(partitions.clone()))?;
    let gauge = |name, help| GaugeVec::new(Opts::new(name, help), &[CAMPAIGN]);
    let opens = gauge(OPENS, "When the first voting day begins.")?;
    let closes = gauge(CLOSES, "When the last voting day ends, by the rules in force.")?;
    let offset = gauge(CLOCK_OFFSET, "This clock minus the journal's, by the last heartbeat.")?;
    let age = gauge(CLOCK_OFFSET_AGE, "How long ago that was.")?;
    let mut readings: Vec<Reading> = Vec::new();
    for campaign in campaigns {
        let id = &campaign.campaign.id;
        partitions.with_label_values(&[id]).set(i64::from(campaign.journal.partitions()));
        let (opens, closes) = (opens.with_label_values(&[id]), closes.with_label_values(&[id]));
        let window_ms = window_ms(campaign);
        readings.push(Box::new(move || {
            let (opens_at_ms, closes_at_ms) = window_ms();
            opens.set(float(opens_at_ms) / 1_000.0);
            closes.set(float(closes_at_ms) / 1_000.0);
        }));
        let (id, check) = (id.clone(), campaign.clock_check.clone());
        let (offset, age) = (offset.clone(), age.clone());
        readings.push(Box::new(move || {
            // Nothing is shown of a distance that is not known yet.
            if let Some(offset_ms) = check.offset_ms() {
                offset.with_label_values(&[&id]).set(float(offset_ms) / 1_000.0);
                age.with_label_values(&[&id]).set(check.measured_ago().as_secs_f64());
            }
        }));
    }
    let families = [opens, closes, offset, age].map(|family| Box::new(family) as _);
    registry.register(Box::new(Pulled::new(families.into(), readings)))
}

/// When a campaign opens and closes: by the rules that ballots are checked by, or those of the
/// result, or its file.
fn window_ms<J: Journal>(campaign: &EdgeCampaign<J>) -> impl Fn() -> (i64, i64) + use<J> {
    let Campaign { opens_at_ms, closes_at_ms, .. } = campaign.campaign;
    let batcher = campaign.voting.as_ref().map(|voting| voting.batcher.clone());
    let view = campaign.view.clone();
    move || {
        if let Some(batcher) = &batcher {
            let rules = batcher.rules();
            return (rules.opens_at_ms(), rules.closes_at_ms());
        }
        let served = view.served.borrow();
        let rules = served.as_ref().map(|served| &served.rules);
        rules.map_or((opens_at_ms, closes_at_ms), |rules| {
            (rules.opens_at_ms(), rules.closes_at_ms())
        })
    }
}

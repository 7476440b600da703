//! The plans that are built in, by name: the bursts that public votes are known for.
//!
//! A profile is a shape; the highest rate and the length can be given. Never here: a wait.

use super::{Around, Plan, Retry, Shares, phase};
use crate::schedule::{Curve, Phase};

/// The profiles: name, and what they are for.
pub const PROFILES: [(&str, &str); 8] = [
    ("steady", "one rate"),
    ("promotion", "quiet, then 50 times as much within 2 s, then slowly less"),
    ("opening", "eager voters before the window opens, a wave as it does"),
    ("midnight", "one rate across a day's end: yesterday's voters vote again"),
    ("close", "ever more until the window closes, and those who come too late"),
    ("retry-storm", "a promotion whose voters send everything again and again"),
    ("rigging", "fifty identities that send all the time, with ever other choices"),
    ("soak", "a moderate rate for an hour"),
];

/// Requests a second if nothing is said: what a laptop serves without effort.
const RATE: f64 = 5_000.0;

/// A profile, with its highest rate and its seconds if they are given.
#[must_use]
pub fn profile(name: &str, rate: Option<f64>, seconds: Option<f64>) -> Option<Plan> {
    let length = seconds.unwrap_or(if name == "soak" { 3_600.0 } else { 60.0 });
    let peak = rate.unwrap_or(if name == "soak" { RATE / 5.0 } else { RATE });
    let plan = Plan::new(name, Vec::new());
    let plan = match name {
        "steady" | "soak" => Plan { phases: vec![Phase::constant(length, peak)], ..plan },
        "promotion" => Plan { phases: burst(length, peak), ..plan },
        "opening" => opening(plan, length, peak),
        "midnight" => Plan {
            phases: vec![Phase::constant(length, peak)],
            around: Some((Around::Midnight, length / 2.0)),
            ..plan
        },
        "close" => close(plan, length, peak),
        "retry-storm" => Plan {
            phases: burst(length, peak),
            shares: Shares { retries: 0.5, repeats: 0.15, other_choices: 0.05, ..plan.shares },
            retry: Retry { attempts: 12, first_ms: 50, max_ms: 1_000 },
            ..plan
        },
        "rigging" => Plan {
            phases: vec![Phase::constant(length, peak)],
            voters: Some(50),
            random_voters: true,
            shares: Shares { other_choices: 0.9, forged: 0.05, ..Shares::default() },
            ..plan
        },
        _ => return None,
    };
    Some(plan)
}

/// Quiet, 50 times as much within 2 s, a while of that, and a decay back to quiet.
fn burst(length: f64, peak: f64) -> Vec<Phase> {
    let quiet = peak / 50.0;
    let rise = 2.0_f64.min(length / 4.0);
    let rest = length - rise;
    vec![
        Phase::constant(rest * 0.15, quiet),
        Phase::ramp(rise, quiet, peak),
        Phase::constant(rest * 0.25, peak),
        Phase::decay(rest * 0.6, peak, quiet),
    ]
}

fn opening(plan: Plan, length: f64, peak: f64) -> Plan {
    let lead = length / 10.0;
    let phases = vec![
        Phase::constant(lead, peak / 20.0),
        Phase::constant(length * 0.3, peak),
        Phase::decay(length - lead - length * 0.3, peak, peak / 10.0),
    ];
    Plan { phases, around: Some((Around::Opens, lead)), ..plan }
}

fn close(plan: Plan, length: f64, peak: f64) -> Plan {
    let lead = length * 0.9;
    let phases = vec![
        phase(lead, (peak / 10.0, peak), Curve::Exponential),
        Phase::constant(length - lead, peak / 4.0),
    ];
    Plan { phases, around: Some((Around::Closes, lead)), ..plan }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_its_length_and_its_highest_rate() {
        for (name, _) in PROFILES {
            let plan = profile(name, Some(1_000.0), Some(30.0)).unwrap();
            assert!((plan.peak() - 1_000.0).abs() < 1e-6, "{name}");
            assert!((plan.seconds() - 30.0).abs() < 1e-6, "{name}");
            assert!(plan.shares.arrivals() < 1.0, "{name}");
        }
        assert_eq!(profile("nothing", None, None), None);
    }

    #[test]
    fn a_promotion_grows_fifty_times_within_two_seconds() {
        let plan = profile("promotion", Some(50_000.0), None).unwrap();
        let rise = plan.phases[1];
        assert!((rise.seconds - 2.0).abs() < 1e-9);
        assert!((rise.to / rise.from - 50.0).abs() < 1e-9);
    }
}

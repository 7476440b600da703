//! The figures of what was sent and what was answered.
//!
//! Invariant: the layers of the stack add up to all answers of a second, and a layer that is too
//! thin for its name is named in the table beside it.

use super::{BLUE, GREY, HEIGHT, PALE, STACK, TIME, VERMILION};
use super::{area, colour, line, steps, time, title};
use crate::record::Outcome;
use crate::report::axis::Axis;
use crate::report::bins::Bin;
use crate::report::figure::Figure;

/// What was wanted, sent and acknowledged over time.
pub(crate) fn rates(bins: &[Bin]) -> Figure {
    let acknowledged = |bin: &Bin| bin.outcomes_per_s[Outcome::Acknowledged as usize];
    let top = bins.iter().map(|bin| bin.wanted_per_s.max(bin.sent_per_s).max(acknowledged(bin)));
    let wanted = line("wanted", GREY, steps(bins, |bin| Some(bin.wanted_per_s)));
    Figure {
        about: "Requests a second over time: wanted, sent and acknowledged".to_owned(),
        height: HEIGHT,
        x: time(bins),
        x_title: TIME,
        y: Axis::counts(top.fold(0.0, f64::max)),
        y_title: "requests a second",
        areas: vec![area(PALE, bins, |_| 0.0, |bin| bin.wanted_per_s)],
        lines: vec![
            wanted,
            line("sent", VERMILION, steps(bins, |bin| Some(bin.sent_per_s))),
            line("acknowledged", BLUE, steps(bins, |bin| Some(acknowledged(bin)))),
        ],
        marks: Vec::new(),
    }
}

/// What became of the requests over time, one outcome upon the other.
pub(crate) fn outcomes(bins: &[Bin]) -> Figure {
    let below = |bin: &Bin, level: usize| -> f64 {
        STACK[..level].iter().map(|outcome| bin.outcomes_per_s[*outcome as usize]).sum()
    };
    let top = bins.iter().map(|bin| below(bin, STACK.len())).fold(0.0, f64::max);
    let y = Axis::counts(top);
    let mut areas = Vec::new();
    for (level, outcome) in STACK.into_iter().enumerate() {
        let of = |bin: &Bin| bin.outcomes_per_s[outcome as usize];
        if bins.iter().all(|bin| of(bin) <= 0.0) {
            continue;
        }
        let base = |bin: &Bin| below(bin, level);
        let mut drawn = area(colour(outcome), bins, base, |bin| base(bin) + of(bin));
        let thickest = bins.iter().max_by(|one, other| of(one).total_cmp(&of(other)));
        // A name needs about a twelfth of the height to stand in.
        if let Some(bin) = thickest.filter(|bin| of(bin) > y.to / 12.0) {
            // At the peak itself the name would run over both slopes.
            let place = roomiest(bins, bin, &of).unwrap_or(bin);
            let at = ((place.from_s + place.to_s) as f64 / 2.0, base(place) + of(place) / 2.0);
            drawn.label = Some((at, title(outcome).to_owned()));
        }
        areas.push(drawn);
    }
    Figure {
        about: "Answers a second over time, by what they said".to_owned(),
        height: HEIGHT,
        x: time(bins),
        x_title: TIME,
        y,
        y_title: "answers a second",
        areas,
        lines: Vec::new(),
        marks: Vec::new(),
    }
}

/// The middle of the longest stretch in which the layer is at least half as thick as at `thickest`.
fn roomiest<'a>(bins: &'a [Bin], thickest: &Bin, of: &impl Fn(&Bin) -> f64) -> Option<&'a Bin> {
    let enough = of(thickest) / 2.0;
    let stretches = bins.split(|bin| of(bin) < enough);
    stretches.max_by_key(|stretch| stretch.len()).and_then(|stretch| stretch.get(stretch.len() / 2))
}

//! The figures of how far the count was behind the acknowledgements.
//!
//! Invariant: only seconds in which the tally was asked are compared. A repeat that was answered
//! 202 again counts once, so acknowledgements may stay ahead for ever: the page says so.

use super::{BLUE, HEIGHT, PALE, TIME, VERMILION, area, line, steps, time};
use crate::report::axis::Axis;
use crate::report::bins::Bin;
use crate::report::figure::{Area, Figure};
use crate::report::words::{many, span};

/// Acknowledged and not yet counted at the end of the bin, if the tally was asked in it.
fn behind(bin: &Bin) -> Option<u64> {
    bin.counted.map(|counted| bin.acknowledged.saturating_sub(counted))
}

/// The widest gap in words; nothing if the tally was never asked.
pub(crate) fn widest(bins: &[Bin]) -> Option<String> {
    let gaps = bins.iter().filter_map(|bin| Some((bin.to_s, behind(bin)?)));
    let (at_s, most) = gaps.max_by_key(|(_, gap)| *gap)?;
    let last = bins.iter().rev().find_map(behind).unwrap_or(0);
    let rest = if last > 0 {
        " A ballot sent again is acknowledged again but counts once, so the two may end apart."
    } else {
        ""
    };
    let after = span(at_s);
    let ballots = many(most, "ballot");
    Some(format!("At most {ballots} waited to be counted, {after} after the start.{rest}"))
}

/// How many waited to be counted over time.
pub(crate) fn lag(bins: &[Bin]) -> Figure {
    let level = |bin: &Bin| behind(bin).map_or(0.0, |gap| gap as f64);
    Figure {
        about: "Ballots acknowledged and not yet counted, over time".to_owned(),
        height: HEIGHT * 7 / 10,
        x: time(bins),
        x_title: TIME,
        y: Axis::counts(bins.iter().map(level).fold(0.0, f64::max)),
        y_title: "ballots that waited to be counted",
        areas: vec![area(PALE, bins, |_| 0.0, level)],
        lines: vec![line("", BLUE, steps(bins, |bin| behind(bin).map(|gap| gap as f64)))],
        marks: Vec::new(),
    }
}

/// What the tally showed against what had been acknowledged.
pub(crate) fn counted(bins: &[Bin]) -> Figure {
    let seen = || bins.iter().filter_map(|bin| Some((bin, bin.counted?)));
    let top =
        bins.iter().map(|bin| bin.acknowledged).chain(seen().map(|(_, counted)| counted)).max();
    let mut acknowledged = vec![(0.0, 0.0)];
    acknowledged.extend(bins.iter().map(|bin| (bin.to_s as f64, bin.acknowledged as f64)));
    let counted: Vec<_> = seen().map(|(bin, counted)| (bin.to_s as f64, counted as f64)).collect();
    let between: Vec<_> = seen()
        .map(|(bin, _)| (bin.to_s as f64, bin.acknowledged as f64))
        .chain(counted.iter().rev().copied())
        .collect();
    Figure {
        about: "Ballots acknowledged and ballots counted, from the start".to_owned(),
        height: HEIGHT,
        x: time(bins),
        x_title: TIME,
        y: Axis::counts(top.unwrap_or(0) as f64),
        y_title: "ballots since the start",
        areas: vec![Area { outline: between, colour: PALE, label: None }],
        lines: vec![
            line("acknowledged", BLUE, vec![acknowledged]),
            line("counted", VERMILION, vec![counted]),
        ],
        marks: Vec::new(),
    }
}

//! The figures of the page, and what each shows.
//!
//! Invariant: rates and latencies are drawn as steps as wide as what they were measured over, so
//! that a single second shows; a second without a measurement is a gap. The palette (Okabe and
//! Ito) is safe for the colour-blind and falls from light to dark, so that grey paper keeps it.

mod lag;
mod latency;
mod processes;
mod requests;

pub(crate) use lag::{counted, lag, widest};
pub(crate) use latency::{latencies, percentiles};
pub(crate) use processes::{memory, processor};
pub(crate) use requests::{outcomes, rates};

use plotters::style::RGBColor;

use crate::record::Outcome;
use crate::report::axis::Axis;
use crate::report::bins::Bin;
use crate::report::figure::{Area, INK, Line};

const PALE: RGBColor = RGBColor(0xD9, 0xD9, 0xD9);
const SKY: RGBColor = RGBColor(0xBB, 0xDD, 0xF5);
const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// The page's style sheet draws this stroke dashed.
const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// The page's style sheet draws this stroke dotted.
const GREY: RGBColor = RGBColor(0x70, 0x70, 0x70);
const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
const PURPLE: RGBColor = RGBColor(0x7A, 0x33, 0x5F);

const HEIGHT: i32 = 240;
const TIME: &str = "minutes:seconds from the start";

/// The colour of an outcome, here and in the table beside it.
pub(crate) const fn colour(outcome: Outcome) -> RGBColor {
    match outcome {
        Outcome::Acknowledged => SKY,
        Outcome::AlreadyVoted => GREEN,
        Outcome::Rejected => RGBColor(0xB3, 0xB3, 0xB3),
        Outcome::Shed => ORANGE,
        Outcome::InDoubt => VERMILION,
        Outcome::NoAnswer => PURPLE,
        Outcome::Unexpected => INK,
        Outcome::NotSent => RGBColor(0x66, 0x66, 0x66),
    }
}

/// Outcomes from the bottom of the stack to its top.
pub(crate) const STACK: [Outcome; 8] = [
    Outcome::Acknowledged,
    Outcome::AlreadyVoted,
    Outcome::Rejected,
    Outcome::Shed,
    Outcome::InDoubt,
    Outcome::NoAnswer,
    Outcome::Unexpected,
    Outcome::NotSent,
];

/// The name of an outcome as people read it.
pub(crate) const fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acknowledged => "acknowledged",
        Outcome::AlreadyVoted => "already voted",
        Outcome::Rejected => "rejected, as it should be",
        Outcome::Unexpected => "unexpected error",
        Outcome::Shed => "turned away",
        Outcome::InDoubt => "in doubt",
        Outcome::NoAnswer => "no answer",
        Outcome::NotSent => "no connection",
    }
}

fn time(bins: &[Bin]) -> Axis {
    Axis::time(bins.last().map_or(0, |bin| bin.to_s))
}

fn line(name: &str, colour: RGBColor, pieces: Vec<Vec<(f64, f64)>>) -> Line {
    Line { name: name.to_owned(), pieces, colour, width: 2 }
}

/// A level per bin, as wide as the bin; a bin without one ends a piece.
fn steps(bins: &[Bin], of: impl Fn(&Bin) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let pieces = bins.split(|bin| of(bin).is_none());
    let drawn = pieces.filter(|piece| !piece.is_empty()).map(|piece| {
        piece
            .iter()
            .filter_map(|bin| Some((bin, of(bin)?)))
            .flat_map(|(bin, level)| [(bin.from_s as f64, level), (bin.to_s as f64, level)])
            .collect()
    });
    drawn.collect()
}

fn area(
    colour: RGBColor,
    bins: &[Bin],
    low: impl Fn(&Bin) -> f64,
    high: impl Fn(&Bin) -> f64,
) -> Area {
    let ends = |bin: &Bin| (bin.from_s as f64, bin.to_s as f64);
    let top = bins.iter().map(|bin| (ends(bin), high(bin)));
    let top = top.flat_map(|((from, to), level)| [(from, level), (to, level)]);
    let bottom = bins.iter().rev().map(|bin| (ends(bin), low(bin)));
    let bottom = bottom.flat_map(|((from, to), level)| [(to, level), (from, level)]);
    Area { outline: top.chain(bottom).collect(), colour, label: None }
}

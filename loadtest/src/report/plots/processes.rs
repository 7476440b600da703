//! The figures of what the processes took: memory and processor time.
//!
//! Invariant: a level is the mean of the seconds it covers; a second in which a process was not
//! there is a gap. Never here: a process that was not watched.

use plotters::style::RGBColor;

use super::{BLUE, GREEN, GREY, HEIGHT, ORANGE, PURPLE, TIME, VERMILION, line};
use crate::processes::{Process, Usage};
use crate::record::Record;
use crate::report::axis::Axis;
use crate::report::figure::{Figure, Line};

/// More processes than that share colours; their names stand at their lines.
const COLOURS: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, GREY];

/// Resident memory over time.
pub(crate) fn memory(record: &Record, width_s: usize) -> Figure {
    figure(
        record,
        width_s,
        |usage| usage.resident_bytes as f64 / 1e6,
        Words { about: "Resident memory of each process over time", y_title: "megabytes resident" },
    )
}

/// Processor time over time.
pub(crate) fn processor(record: &Record, width_s: usize) -> Figure {
    figure(
        record,
        width_s,
        |usage| usage.cpu_ms as f64 / 10.0,
        Words { about: "Processor time of each process over time", y_title: "percent of one core" },
    )
}

struct Words {
    about: &'static str,
    y_title: &'static str,
}

fn figure(record: &Record, width_s: usize, of: fn(Usage) -> f64, words: Words) -> Figure {
    let lines: Vec<Line> = record
        .processes
        .iter()
        .zip(COLOURS.iter().cycle())
        .map(|(process, colour)| line(&process.name, *colour, pieces(process, width_s, of)))
        .collect();
    let points = lines.iter().flat_map(|line| line.pieces.iter().flatten());
    let top = points.map(|(_, level)| *level).fold(0.0, f64::max);
    let end = record.seconds.len().max(1);
    Figure {
        about: words.about.to_owned(),
        height: HEIGHT,
        x: Axis::time(end as u64),
        x_title: TIME,
        y: Axis::counts(top),
        y_title: words.y_title,
        areas: Vec::new(),
        lines,
        marks: Vec::new(),
    }
}

/// A level for each so many seconds; one without a figure ends a piece.
fn pieces(process: &Process, width_s: usize, of: fn(Usage) -> f64) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    let mut from_s = 0;
    for seconds in process.seconds.chunks(width_s.max(1)) {
        let there: Vec<f64> = seconds.iter().flatten().map(|usage| of(*usage)).collect();
        let to_s = from_s + seconds.len();
        if there.is_empty() {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            let level = there.iter().sum::<f64>() / there.len() as f64;
            piece.extend([(from_s as f64, level), (to_s as f64, level)]);
        }
        from_s = to_s;
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

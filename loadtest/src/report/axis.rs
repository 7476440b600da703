//! Axes: where a scale ends, where its ticks stand, and what is written at them.
//!
//! Invariant: a range is never empty and holds all that is drawn, also for a run in which nothing
//! happened; a tick's text has its unit unless the axis title has it. Logarithmic axes are linear
//! ones over log10, so that one kind of drawing serves both.

use crate::report::{clock, duration, thousands};

/// One axis.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Where a tick stands, and what is written at it.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Counts from 0 to at least `top`, in about five steps of 1, 2 or 5 times a power of ten.
    pub(crate) fn counts(top: f64) -> Self {
        let top = top.max(1.0);
        let decade = 10_f64.powf((top / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
        let step = steps.into_iter().find(|step| top / step <= 5.0).unwrap_or(top).max(1.0);
        let to = (top / step).ceil() * step;
        let ticks = multiples(step, to).map(|at| (at, count(at, to))).collect();
        Self { from: 0.0, to, ticks }
    }

    /// Seconds from 0 to `end_s`, as a clock shows them.
    pub(crate) fn time(end_s: u64) -> Self {
        const STEPS: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
        let to = end_s.max(1);
        let step = STEPS.into_iter().find(|step| to / step <= 8);
        let step = step.unwrap_or_else(|| (to / 8).next_multiple_of(7_200));
        let ticks = (0..=to / step).map(|tick| ((tick * step) as f64, clock(tick * step)));
        Self { from: 0.0, to: to as f64, ticks: ticks.collect() }
    }

    /// log10 of microseconds, from below `least` to above `most`.
    pub(crate) fn latency(least: u64, most: u64) -> Self {
        let marks =
            || (0..10).map(|power| 10_u64.pow(power)).flat_map(|ten| [ten, 2 * ten, 5 * ten]);
        let (least, most) = (least.max(1), most.max(2));
        let from = marks().take_while(|mark| *mark <= least).last().unwrap_or(1);
        let to = marks().find(|mark| *mark >= most && *mark > from).unwrap_or(most);
        let fine = to / from <= 200;
        let shown = marks()
            .filter(|mark| (from..=to).contains(mark))
            .filter(|mark| fine || mark.ilog10() > (mark - 1).max(1).ilog10() || *mark == 1);
        let ticks = shown.map(|mark| ((mark as f64).log10(), short(mark))).collect();
        Self { from: (from as f64).log10(), to: (to as f64).log10(), ticks }
    }

    /// -log10(1 - p) of the share p, as far as `count` samples reach.
    pub(crate) fn nines(count: u64) -> Self {
        const TICKS: [(f64, &str); 9] = [
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.999_9, "99.99 %"),
            (0.999_99, "99.999 %"),
            (0.999_999, "99.9999 %"),
            (0.999_999_9, "99.99999 %"),
            (0.999_999_99, "99.999999 %"),
        ];
        let to = (count.max(10) as f64).log10();
        let ticks = TICKS.into_iter().map(|(share, text)| (nines(share), text.to_owned()));
        Self { from: 0.0, to, ticks: ticks.filter(|(at, _)| *at <= to).collect() }
    }
}

/// Where the share `p` stands on the axis of [`Axis::nines`].
pub(crate) fn nines(p: f64) -> f64 {
    -(1.0 - p).log10()
}

fn multiples(step: f64, to: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(0.0), move |at| Some(at + step))
        .take_while(move |at| *at <= to + step * 1e-6)
}

fn count(number: f64, top: f64) -> String {
    // Millions in full would be wider than the margin, and one scale has one unit.
    if top >= 1e6 && number > 0.0 {
        let millions = format!("{:.2}", number / 1e6);
        return format!("{} M", millions.trim_end_matches('0').trim_end_matches('.'));
    }
    format!("{number:.0}").parse().map_or_else(|_| format!("{number:.0}"), thousands)
}

/// A duration of 1, 2 or 5 times a power of ten, without the zeros that say how exact it is.
fn short(micros: u64) -> String {
    let text = duration(micros);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn counts_have_round_steps_and_hold_the_top() {
        let axis = Axis::counts(43_210.0);
        assert_eq!(texts(&axis), ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]);
        assert!(axis.to >= 43_210.0);
        assert_eq!(texts(&Axis::counts(2_400_000.0))[1], "0.5 M");
        assert_eq!(texts(&Axis::counts(0.0)), ["0", "1"]);
    }

    #[test]
    fn time_has_round_steps_from_a_second_to_days() {
        assert_eq!(texts(&Axis::time(120))[1], "0:15");
        assert_eq!(texts(&Axis::time(0)), ["0:00", "0:01"]);
        assert_eq!(texts(&Axis::time(200_000)).len(), 7);
    }

    #[test]
    fn latency_ticks_thin_out_as_the_range_grows() {
        assert_eq!(texts(&Axis::latency(700, 9_000)), ["500 µs", "1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(
            texts(&Axis::latency(90, 1_500_000)),
            ["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
        );
        assert!(!texts(&Axis::latency(0, 0)).is_empty());
    }

    #[test]
    fn the_axis_of_nines_ends_with_the_samples() {
        assert_eq!(texts(&Axis::nines(1_000)), ["50 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(texts(&Axis::nines(0)), ["50 %", "90 %"]);
    }
}

//! Figures as people read them.

use std::time::Duration;

/// A span of time, by its two largest units.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.unsigned_abs() / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

/// A number of bytes, in the largest decimal unit of which there is one.
pub(super) fn bytes(bytes: u64) -> String {
    let units =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = units.into_iter().find(|(size, _)| bytes >= *size);
    match unit {
        Some((size, name)) => format!("{}.{} {name}", bytes / size, bytes % size * 10 / size),
        None => format!("{bytes} B"),
    }
}

/// A number of things, with its digits in threes, or in millions if there are very many.
pub(super) fn many(number: u64) -> String {
    let (millions, thousands, rest) = (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    match (millions, thousands) {
        (0, 0) => rest.to_string(),
        (0, _) => format!("{thousands},{rest:03}"),
        (1..100, _) => format!("{millions},{thousands:03},{rest:03}"),
        (100.., _) => format!("{millions} million"),
    }
}

/// How long something took, in milliseconds.
pub(super) fn took(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(span(3 * 86_400_000 + 5 * 3_600_000), "3 d 5 h");
        assert_eq!(
            (span(-7_260_000), span(90_000), span(999)),
            ("2 h 1 min".into(), "1 min".into(), "0 s".into())
        );
        assert_eq!((bytes(999), bytes(1_550_000)), ("999 B".into(), "1.5 MB".into()));
        let long = [many(999), many(10_000), many(70_000_001), many(345_678_900)];
        assert_eq!(long, ["999", "10,000", "70,000,001", "345 million"]);
        assert_eq!(took(Duration::from_micros(1_250)), "1.2 ms");
    }
}

//! Numbers as people read them: thousands, durations, clock times and shares.
//!
//! Invariant: what is small is never shown as nothing, and what is not whole never as whole: a
//! share between 0 and 0.01 % reads `< 0.01 %`. Never here: a unit left out.

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds with three figures and the unit that fits: `850 µs`, `1.25 ms`, `3.10 s`.
pub(crate) fn duration(micros: u64) -> String {
    match micros {
        0..=999 => format!("{micros} µs"),
        1_000..=999_499 => format!("{} ms", three_figures(micros as f64 / 1e3)),
        _ => format!("{} s", three_figures(micros as f64 / 1e6)),
    }
}

fn three_figures(number: f64) -> String {
    if number < 9.995 {
        format!("{number:.2}")
    } else if number < 99.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

/// Seconds as a clock shows them: `0:07`, `12:30`, `1:00:05`.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// Whole seconds of a time on an axis: `34 s`, `2 min 5 s`.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, rest) = (seconds / 60, seconds % 60);
    if minutes > 0 { format!("{minutes} min {rest} s") } else { format!("{rest} s") }
}

/// A part of a whole in percent; `–` if there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    if part == 0 {
        "0 %".to_owned()
    } else if part == whole {
        "100 %".to_owned()
    } else if percent < 0.01 {
        "< 0.01 %".to_owned()
    } else if percent < 10.0 {
        format!("{percent:.2} %")
    } else if percent < 99.95 {
        format!("{percent:.1} %")
    } else {
        // 99.99 % of a million leaves a hundred: it is not 100 %.
        "> 99.9 %".to_owned()
    }
}

/// `1 ballot`, `2,000 ballots`.
pub(crate) fn many(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", thousands(number))
}

/// Text that is safe between tags and in an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let read = [0, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(read, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_duration_has_the_unit_that_fits() {
        let read = [7, 999, 1_250, 42_000, 999_400, 999_500, 61_000_000].map(duration);
        assert_eq!(read, ["7 µs", "999 µs", "1.25 ms", "42.0 ms", "999 ms", "1.00 s", "61.0 s"]);
    }

    #[test]
    fn a_clock_has_hours_only_after_one() {
        assert_eq!([7, 750, 3605].map(clock), ["0:07", "12:30", "1:00:05"]);
    }

    #[test]
    fn a_small_share_is_not_nothing_and_a_large_one_not_all() {
        let of = |part| share(part, 1_000_000);
        assert_eq!(of(0), "0 %");
        assert_eq!(of(1), "< 0.01 %");
        assert_eq!(of(25_000), "2.50 %");
        assert_eq!(of(999_999), "> 99.9 %");
        assert_eq!(of(1_000_000), "100 %");
        assert_eq!(share(0, 0), "–");
    }

    #[test]
    fn markup_in_a_name_is_text() {
        assert_eq!(escaped("<a b='c'>&"), "&lt;a b=&#39;c&#39;&gt;&amp;");
    }
}

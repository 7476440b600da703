//! How large a bench is: large when figures are wanted, small when it only has to work, and as the
//! environment says in any case.

use std::env;
use std::str::FromStr;

/// Whether figures are wanted: `cargo bench` says `--bench`, `cargo test` does not, and `--test`
/// asks a bench only to show that it works.
#[must_use]
pub fn is_measured() -> bool {
    env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| argument == "--test")
}

/// Whether this bench is to run at all: a test command may name other tests, or want a list of
/// them, which a bench without a harness is not on.
#[must_use]
pub fn is_named(bench: &str) -> bool {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let mut names = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    let is_named = names.peek().is_none() || names.any(|name| bench.contains(&**name));
    is_named && !arguments.iter().any(|argument| argument == "--list")
}

/// The numbers in the variable `name`, separated by commas; else `measured` or `tried`.
///
/// # Panics
/// If the variable has anything else in it: a bench of another size than asked for misleads.
#[must_use]
pub fn list<T: FromStr + Copy>(name: &str, measured: &[T], tried: &[T]) -> Vec<T> {
    let Ok(text) = env::var(name) else {
        return if is_measured() { measured } else { tried }.to_vec();
    };
    let read = text.split(',').map(|one| one.trim().parse().ok()).collect::<Option<_>>();
    read.unwrap_or_else(|| unreadable(name, &text))
}

/// The number in the variable `name`; else `measured` or `tried`.
///
/// # Panics
/// As [`list`].
#[must_use]
pub fn number<T: FromStr + Copy>(name: &str, measured: T, tried: T) -> T {
    let read = list(name, &[measured], &[tried]);
    read.first().copied().unwrap_or_else(|| unreadable(name, ""))
}

#[expect(clippy::panic, reason = "there is nobody else to tell")]
fn unreadable(name: &str, text: &str) -> ! {
    panic!("{name}={text:?}: give numbers, separated by commas")
}

//! The tally's totals per day and choice, compared with the log's, or with what was told.
//!
//! Everything is compared as it grew from the tally before the load. Totals say how many, not
//! whose: a voter is named only where the log has more than one ballot of theirs. Never here: a
//! guess.

use std::collections::BTreeMap;

use super::Evidence;
use super::found::{Found, Kind};
use super::log::{Counts, Days};
use crate::notes::Cell;
use crate::target::{Tally, TallyDay};

/// Choices whose votes do not fit that are told.
const CHOICES_TOLD_MAX: usize = 12;

/// How much each day of the tally grew; negative where it fell, which it never may.
fn growth(of: Evidence<'_>) -> BTreeMap<String, [i128; 3]> {
    let mut days = BTreeMap::new();
    for (sign, tally) in [(-1, of.before), (1, of.after)] {
        for day in &tally.days {
            let sums: &mut [i128; 3] = days.entry(day.day.clone()).or_default();
            for (sum, count) in sums.iter_mut().zip([day.ballots, day.duplicates, day.late]) {
                *sum += sign * i128::from(count);
            }
        }
    }
    days
}

fn votes(tally: &Tally, day: &str, choice: usize) -> i128 {
    let of = |day: &TallyDay| day.votes.get(choice).copied().unwrap_or(0);
    tally.days.iter().find(|known| known.day == day).map_or(0, of).into()
}

/// How much the votes of each choice grew on a day.
fn votes_grown(of: Evidence<'_>, day: &str) -> Vec<i128> {
    let choices = of.shared.population.choice_count() as usize;
    let grown = |choice| votes(of.after, day, choice) - votes(of.before, day, choice);
    (0..choices).map(grown).collect()
}

/// Compares the tally with what the log makes of the same stretch.
pub(super) fn compare_with_log(of: Evidence<'_>, log: &Days, found: &mut Found) {
    let ballot_max = i128::from(of.shared.population.choices_max()).max(1);
    let by_name: BTreeMap<String, &Counts> =
        log.iter().map(|(day, counts)| (day.to_string(), counts)).collect();
    let nothing = Counts::default();
    let grown = growth(of);
    for day in by_name.keys().filter(|day| !grown.contains_key(*day)) {
        found.add(Kind::Lost, by_name[day].ballots, || format!("the tally has no day {day}"));
    }
    for (day, [ballots, duplicates, late]) in grown {
        let counts = by_name.get(&day).copied().unwrap_or(&nothing);
        let expected = |choice: usize| i128::from(counts.votes.get(choice).copied().unwrap_or(0));
        let apart: Vec<i128> = (0..)
            .zip(votes_grown(of, &day))
            .map(|(choice, grown): (usize, i128)| grown - expected(choice))
            .collect();
        let over: i128 = apart.iter().filter(|apart| **apart > 0).sum();
        let under: i128 = apart.iter().filter(|apart| **apart < 0).sum();
        // Votes that do not fit show ballots even where those lost and doubled cancel out.
        let ballots_apart = ballots - i128::from(counts.ballots);
        let double = ballots_apart.max((over + ballot_max - 1) / ballot_max).max(0);
        let lost = (-ballots_apart).max((-under + ballot_max - 1) / ballot_max).max(0);
        let told = || {
            let votes = votes_apart(&apart);
            format!(
                "{day}: the tally grew by {ballots} ballots, the log by {}{votes}",
                counts.ballots
            )
        };
        if double > 0 {
            let double = u64::try_from(double).unwrap_or(u64::MAX);
            let repeated = repeated(of, &day);
            let count = repeated.clone().count() as u64;
            let (whose, are_all) = (whose(count, double), count == double);
            found.add(Kind::Double, double, || format!("{}; {whose}", told()));
            // Among more than were counted twice, a name would be a guess.
            for (voter, ..) in repeated.filter(|_| are_all) {
                found.add(Kind::Double, 0, || {
                    let who = of.shared.population.voter(voter);
                    format!("{who:?} (number {voter}) on {day} has more than one ballot in the log")
                });
            }
        }
        if lost > 0 {
            found.add(Kind::Lost, u64::try_from(lost).unwrap_or(u64::MAX), || {
                format!("{}; the log has them, and cannot show whose the tally is without", told())
            });
        }
        let others = [(duplicates, counts.duplicates, "duplicates"), (late, counts.late, "late")];
        for (grown, expected, what) in others {
            if grown != i128::from(expected) {
                found.add(Kind::Differs, 1, || {
                    format!("{day}: the tally grew by {grown} {what}, the log by {expected}")
                });
            }
        }
    }
}

/// The choices whose votes do not fit, for a sentence.
fn votes_apart(apart: &[i128]) -> String {
    let all = || (1..).zip(apart).filter(|(_, apart)| **apart != 0);
    let mut told: Vec<String> = all()
        .take(CHOICES_TOLD_MAX)
        .map(|(choice, by)| format!("choice {choice} {by:+}"))
        .collect();
    let beyond = all().count() - told.len();
    if beyond > 0 {
        told.push(format!("and {beyond} more choices"));
    }
    if told.is_empty() { String::new() } else { format!(", in votes: {}", told.join(", ")) }
}

/// Those of whom the log has more than one ballot of a day: only theirs can be counted twice from
/// the log.
fn repeated<'a>(
    of: Evidence<'a>,
    day: &str,
) -> impl Iterator<Item = (u64, usize, Cell)> + Clone + use<'a> {
    let number = of.shared.days.named(day);
    of.shared.notes.known().filter(move |(_, day, cell)| {
        Some(*day) == number && cell.has(Cell::COUNTED) && cell.has(Cell::AGAIN)
    })
}

/// What that says of the ballots that were counted twice.
fn whose(repeated: u64, double: u64) -> String {
    match repeated {
        0 => {
            "the log has one ballot of each voter, so the tally alone is wrong, and nothing shows \
              whose it has twice"
                .to_owned()
        }
        _ if repeated == double => {
            "the log has more than one ballot of as many voters: these are they".to_owned()
        }
        _ => format!(
            "the log has more than one ballot of {repeated} voters, and which of theirs it is \
             cannot be shown; a plan without retries and repeats names them"
        ),
    }
}

/// The least and the most that a day can have grown by, by what was told.
#[derive(Default)]
struct Bounds {
    ballots: (i128, i128),
    votes: Vec<(i128, i128)>,
}

/// Compares the tally with what was told, within what is in doubt. Answers how many of those in
/// doubt are counted, as far as totals can show it.
pub(super) fn compare_within_doubt(of: Evidence<'_>, found: &mut Found) -> u64 {
    let shared = of.shared;
    let mut days: BTreeMap<usize, Bounds> = BTreeMap::new();
    for (voter, day, cell) in shared.notes.known() {
        let certain = cell.has(Cell::ACKNOWLEDGED);
        let mut seen = vec![0_u8; shared.population.choice_count() as usize];
        let mut variations = 0;
        for variation in cell.variations() {
            variations += 1;
            for choice in shared.population.choices(voter, variation).iter() {
                seen[choice as usize - 1] += 1;
            }
        }
        if variations == 0 {
            continue;
        }
        let bounds = days.entry(day).or_default();
        bounds.votes.resize(seen.len(), (0, 0));
        bounds.ballots.0 += i128::from(certain);
        bounds.ballots.1 += 1;
        for ((least, most), count) in bounds.votes.iter_mut().zip(seen) {
            *least += i128::from(certain && count == variations);
            *most += i128::from(count > 0);
        }
    }
    let mut in_doubt_counted = 0;
    for (day, [ballots, _, late]) in growth(of) {
        let none = Bounds::default();
        let bounds = shared.days.named(&day).and_then(|day| days.get(&day)).unwrap_or(&none);
        check_bounds(&day, (ballots, late), bounds, &votes_grown(of, &day), found);
        in_doubt_counted += (ballots - bounds.ballots.0).max(0);
    }
    u64::try_from(in_doubt_counted).unwrap_or(0)
}

fn check_bounds(
    day: &str,
    (ballots, late): (i128, i128),
    bounds: &Bounds,
    votes: &[i128],
    found: &mut Found,
) {
    // What came behind the day's close may have been acknowledged, and does not count.
    let (least, most) = (bounds.ballots.0 - late, bounds.ballots.1);
    if ballots < least {
        let lost = u64::try_from(least - ballots).unwrap_or(u64::MAX);
        found.add(Kind::Lost, lost, || {
            format!("{day}: {least} voters were told 202, the tally grew by {ballots} ballots")
        });
    } else if ballots > most {
        let double = u64::try_from(ballots - most).unwrap_or(u64::MAX);
        found.add(Kind::Double, double, || {
            format!("{day}: {most} voters at most voted, the tally grew by {ballots} ballots")
        });
    }
    for (number, (grown, (least, most))) in (1..).zip(votes.iter().zip(&bounds.votes)) {
        if *grown < least - late || grown > most {
            found.add(Kind::Differs, 1, || {
                let least = least - late;
                format!("{day}: choice {number} grew by {grown} votes, not {least} to {most}")
            });
        }
    }
}

//! The fate of one write, drawn when it is called: when it lands, how often, what its caller hears.
//!
//! `Refused` never goes with a landing, and an acknowledgement always follows the landing whose
//! place it gives. Never here: state, waiting.

use super::{Faults, Random};

/// What the caller of a write hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Acknowledged, with the place of the first landing.
    First,
    /// Acknowledged, with the place of the last landing so far.
    Last,
    Refused,
    InDoubt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Land,
    Answer(Answer),
}

/// What becomes of a write that is answered `answer_ms` after the call: steps in order of time,
/// each so many milliseconds after the call. A late landing comes `late_ms` after the answer.
pub(super) fn draw(
    random: &mut Random,
    faults: Faults,
    answer_ms: u64,
    late_ms: u64,
) -> Vec<(u64, Step)> {
    let land_ms = random.below(answer_ms + 1);
    let mut rest = random.below(1_000);
    let mut is = |per_mille: u32| {
        let hit = rest < u64::from(per_mille);
        rest = if hit { u64::MAX } else { rest - u64::from(per_mille) };
        hit
    };
    let answer = |answer| (answer_ms, Step::Answer(answer));
    if is(faults.refused) {
        vec![answer(Answer::Refused)]
    } else if is(faults.in_doubt_landed) {
        vec![(land_ms, Step::Land), answer(Answer::InDoubt)]
    } else if is(faults.in_doubt_lost) {
        vec![answer(Answer::InDoubt)]
    } else if is(faults.in_doubt_late) {
        vec![answer(Answer::InDoubt), (answer_ms + late_ms, Step::Land)]
    } else if is(faults.duplicated) {
        let again_ms = land_ms + random.below(2 * answer_ms + 1);
        let mut steps = vec![(land_ms, Step::Land), (again_ms, Step::Land)];
        let heard = if random.chance(500) {
            answer(Answer::First)
        } else {
            (answer_ms.max(again_ms), Step::Answer(Answer::Last))
        };
        // Behind what happens in the same millisecond: only what has landed is acknowledged.
        steps.insert(steps.partition_point(|(after_ms, _)| *after_ms <= heard.0), heard);
        steps
    } else {
        vec![(land_ms, Step::Land), answer(Answer::First)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_in_order_and_no_acknowledgement_comes_before_its_landing() {
        let mut random = Random::new(1);
        let mut fates = Vec::new();
        for _ in 0..10_000 {
            let steps = draw(&mut random, Faults::STORM, 5, 100);
            assert!(steps.is_sorted_by_key(|(after_ms, _)| *after_ms), "{steps:?}");
            let what: Vec<_> = steps.iter().map(|(_, step)| *step).collect();
            if !fates.contains(&what) {
                fates.push(what);
            }
        }
        let answered = |answer| Step::Answer(answer);
        let mut possible = vec![
            vec![answered(Answer::Refused)],
            vec![answered(Answer::InDoubt)],
            vec![Step::Land, answered(Answer::InDoubt)],
            vec![answered(Answer::InDoubt), Step::Land],
            vec![Step::Land, answered(Answer::First)],
            vec![Step::Land, answered(Answer::First), Step::Land],
            vec![Step::Land, Step::Land, answered(Answer::First)],
            vec![Step::Land, Step::Land, answered(Answer::Last)],
        ];
        possible.retain(|fate| !fates.contains(fate));
        assert_eq!((fates.len(), possible), (8, Vec::new()));
    }
}

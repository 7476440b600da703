//! Plans of one's own: what a file means, and how each mistake in one is told.

use loadtest::plan::{Around, Plan, Retry};
use loadtest::schedule::{Arrivals, Curve, Phase};

#[test]
fn a_whole_plan_is_read_as_it_is_written() {
    let text = "name = \"mine\"\narrivals = \"even\"\nvoters = 1_000\nzipf = 0.5\n\
                around = \"midnight\"\nlead_seconds = 5\nrandom_voters = true\n\
                [[phases]]\nseconds = 2.5\nrate = 100\n\
                [[phases]]\nseconds = 2\nrate = 100\nto = 4e3\ncurve = \"exponential\"\n\
                [shares]\nretries = 0.1\nnew_connections = 1.0\n\
                [retry]\nattempts = 3\nfirst_ms = 10\nmax_ms = 20\n";
    let plan = Plan::parse(text, "plan.toml").unwrap();
    let second = Phase { seconds: 2.0, from: 100.0, to: 4_000.0, curve: Curve::Exponential };
    assert_eq!(plan.name, "mine");
    assert_eq!(plan.phases, [Phase::constant(2.5, 100.0), second]);
    assert_eq!((plan.arrivals, plan.voters), (Arrivals::Even, Some(1_000)));
    assert_eq!(plan.around, Some((Around::Midnight, 5.0)));
    assert!(plan.random_voters);
    assert_eq!(plan.retry, Retry { attempts: 3, first_ms: 10, max_ms: 20 });
    assert!((plan.shares.retries - 0.1).abs() < 1e-9);
    assert!(plan.shares.invalid.abs() < 1e-9);
}

#[test]
fn a_plan_of_one_phase_is_enough() {
    let plan = Plan::parse("[[phases]]\nseconds = 1\nrate = 5\n", "a.toml").unwrap();
    assert_eq!((plan.name.as_str(), plan.arrivals), ("a.toml", Arrivals::Poisson));
    assert!((plan.requests() - 5.0).abs() < 1e-9);
}

#[test]
fn the_plan_of_an_overload_has_its_shape_at_any_rate() {
    let plan = Plan::parse(include_str!("../plans/overload.toml"), "overload.toml").unwrap();
    let plan = plan.with_peak(3_000.0);
    let rates: Vec<f64> = plan.phases.iter().map(|phase| phase.from.round()).collect();
    assert_eq!(rates, [500.0, 1_000.0, 3_000.0, 500.0]);
    assert_eq!(plan.retry.attempts, 1);
}

#[test]
fn every_mistake_is_told_with_its_line_its_field_and_what_to_give() {
    let phase = "[[phases]]\nseconds = 1\nrate = 5\n";
    let cases = [
        ("", "line 1: phases: is missing"),
        ("phases = 3", "line 1: phases: is missing"),
        ("phases = [3]", "line 1: phases[1].: give one table"),
        ("[[phases]]\nseconds = 1", "line 1: phases[1].rate: is missing; give a number"),
        ("[[phases]]\nrate = 1\nseconds = 0", "line 3: phases[1].seconds: give a number from"),
        ("[[phases]]\nseconds = 1\nrate = -1", "line 3: phases[1].rate: give a number from 0"),
        ("[[phases]]\nseconds = 1\nrate = nan", "line 3: phases[1].rate: give a number"),
        (
            "[[phases]]\nseconds = 1\nrate = 0\nto = 5\ncurve = \"exponential\"",
            "line 5: phases[1].",
        ),
        ("[[phases]]\nseconds = 1\nrate = 1\ncurve = \"cubic\"", "give \"linear\" or \"expon"),
        ("[[phases]]\nseconds = 1\nrate = 1\npace = 2", "line 4: phases[1].pace: is not a field"),
        (&format!("rate = 5\n{phase}"), "line 1: rate: is not a field; remove it, or give one"),
        (&format!("voters = 0\n{phase}"), "line 1: voters: give a whole number from 1 to 1000"),
        (&format!("voters = 1.5\n{phase}"), "line 1: voters: give a whole number"),
        (&format!("name = 5\n{phase}"), "line 1: name: give a text in quotes"),
        (&format!("random_voters = 1\n{phase}"), "line 1: random_voters: give true or false"),
        (&format!("arrivals = \"odd\"\n{phase}"), "give \"poisson\" or \"even\""),
        (&format!("lead_seconds = 5\n{phase}"), "line 1: lead_seconds: has no meaning"),
        (&format!("{phase}[shares]\nretries = 2"), "line 5: shares.retries: give a number from"),
        (&format!("{phase}[shares]\nretries = 0.6\nforged = 0.5"), "shares: come to more than 1"),
        (&format!("{phase}[retry]\nattempts = 0"), "line 5: retry.attempts: give a whole number"),
        (&format!("{phase}[retries]\nattempts = 1"), "line 4: retries: is not a field"),
        ("[[phases]\n", "line 1: TOML: "),
    ];
    for (text, expected) in cases {
        let told = Plan::parse(text, "p").unwrap_err().to_string();
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let text = "zipf = 11\n[[phases]]\nseconds = 0\nrate = \"fast\"\n[retry]\nattempts = 0\n";
    let told = Plan::parse(text, "p").unwrap_err();
    let lines: Vec<usize> = told.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 4, 6]);
}

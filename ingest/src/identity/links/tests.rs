//! What a link is good for, and for how long.

use std::sync::Barrier;

use proptest::prelude::*;

use super::*;

const NOW_MS: i64 = 1_702_872_000_000;
const LIFE_MS: i64 = 300_000;
const LINKED: Linked = Linked { voter: VoterId { high: 1, low: 2 }, follower: true, fresh: false };

fn keys(campaign: &str) -> TokenKeys {
    TokenKeys::new(campaign, &[(1, [1; 32])]).unwrap()
}

fn minted() -> String {
    mint(&keys("c"), LINKED, NOW_MS).unwrap()
}

#[test]
fn a_link_signs_in_its_voter_once() {
    let links = Links::default();
    for (follower, fresh) in [(false, false), (false, true), (true, false), (true, true)] {
        let linked = Linked { follower, fresh, ..LINKED };
        let text = mint(&keys("c"), linked, NOW_MS).unwrap();
        assert_eq!(text.len(), 67);
        assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Ok(linked));
        assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Err(LinkError::Used));
    }
    assert_ne!(minted(), minted(), "each is a link of its own");
}

#[test]
fn a_link_may_be_looked_at_as_long_as_it_could_be_used_and_is_none_the_worse_for_it() {
    let (links, text, other) = (Links::default(), minted(), minted());
    for _ in 0..2 {
        assert_eq!(links.look(&keys("c"), &text, NOW_MS), Ok(LINKED.voter));
    }
    assert_eq!(links.look(&keys("d"), &text, NOW_MS), Err(LinkError::Forged));
    assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Ok(LINKED));
    assert_eq!(links.look(&keys("c"), &text, NOW_MS), Err(LinkError::Used));
    assert_eq!(links.look(&keys("c"), &other, NOW_MS + LIFE_MS), Err(LinkError::Expired));
}

#[test]
fn a_link_lives_for_five_minutes_and_stays_dead_though_the_clock_is_put_back() {
    let (links, first, second) = (Links::default(), minted(), minted());
    let at = |text: &str, now_ms| links.redeem(&keys("c"), text, now_ms);
    assert_eq!(at(&first, NOW_MS + LIFE_MS - 1), Ok(LINKED));
    assert_eq!(at(&second, NOW_MS + LIFE_MS), Err(LinkError::Expired));
    assert_eq!(at(&first, NOW_MS), Err(LinkError::Expired), "forgotten, not unused");
    assert_eq!(at(&second, NOW_MS), Err(LinkError::Expired));
}

#[test]
fn a_link_of_another_campaign_or_purpose_signs_nobody_in() {
    let (links, text) = (Links::default(), minted());
    assert_eq!(links.redeem(&keys("d"), &text, NOW_MS), Err(LinkError::Forged));
    let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    let seal = keys("c").seal("login", &bytes[..SEALED]);
    bytes[SEALED..].copy_from_slice(&seal);
    let other = URL_SAFE_NO_PAD.encode(&bytes);
    assert_eq!(links.redeem(&keys("c"), &other, NOW_MS), Err(LinkError::Forged));
    let token =
        ballot::Token { voter: LINKED.voter, follower: true, fresh: true, expires_at_s: !0 };
    let token = keys("c").mint(&token);
    assert_eq!(links.redeem(&keys("c"), &token, NOW_MS), Err(LinkError::Malformed));
    assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Ok(LINKED), "nothing used it up");
}

#[test]
fn a_link_that_was_cut_or_grew_is_none() {
    let (links, text) = (Links::default(), minted());
    for other in (0..text.len()).map(|end| text[..end].to_owned()).chain([
        format!("{text}A"),
        format!("{text}="),
        format!(" {text}"),
        format!("{}\n", &text[..66]),
    ]) {
        assert_eq!(links.redeem(&keys("c"), &other, NOW_MS), Err(LinkError::Malformed), "{other}");
    }
}

#[test]
fn a_link_of_before_a_rotation_is_used_once_as_well() {
    let both = TokenKeys::new("c", &[(2, [2; 32]), (1, [1; 32])]).unwrap();
    let (links, text) = (Links::default(), minted());
    assert_eq!(links.redeem(&both, &text, NOW_MS), Ok(LINKED));
    assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Err(LinkError::Used));
}

#[test]
fn of_many_who_open_a_link_at_once_one_is_signed_in() {
    let (links, text, start) = (Links::default(), minted(), Barrier::new(8));
    let open = || {
        start.wait();
        links.redeem(&keys("c"), &text, NOW_MS)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        opening.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(LINKED)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(LinkError::Used)).count(), 7);
}

#[test]
fn when_no_more_can_be_remembered_links_are_refused_until_some_expire() {
    let mut used = Used::default();
    let link = |expires_at_s, id| (expires_at_s, [id; SEAL]);
    assert_eq!(used.use_up(link(10, 1), 5, 2), Ok(()));
    assert_eq!(used.use_up(link(11, 2), 5, 2), Ok(()));
    assert_eq!(used.use_up(link(12, 3), 5, 2), Err(LinkError::Full));
    assert_eq!(used.use_up(link(11, 2), 9, 2), Err(LinkError::Used));
    assert_eq!(used.use_up(link(12, 3), 10, 2), Ok(()));
    assert_eq!(used.links.len(), 2);
}

proptest! {
    #[test]
    fn no_text_panics_and_a_changed_character_is_never_believed(
        noise in ".{0,80}",
        at in 0..LINK_CHARS,
        by in "[A-Za-z0-9_\\-+/=é]",
    ) {
        let (links, text) = (Links::default(), minted());
        prop_assert!(links.redeem(&keys("c"), &noise, NOW_MS).is_err());
        let changed = format!("{}{by}{}", &text[..at], &text[at + 1..]);
        prop_assume!(changed != text);
        prop_assert!(links.redeem(&keys("c"), &changed, NOW_MS).is_err());
        prop_assert_eq!(links.redeem(&keys("c"), &text, NOW_MS), Ok(LINKED));
    }
}

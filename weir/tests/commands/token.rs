//! `weir token`: identities from arguments or standard input, tokens on standard output.

use ballot::{PseudonymKey, TokenKeys};

use crate::kit::{DAY_MS, Scratch, campaign, now_ms, weir, weir_with_input};

const KEYS: &str = "\
pseudonym_key = \"0101010101010101010101010101010101010101010101010101010101010101\"
[[token_keys]]
id = 2
secret = \"0202020202020202020202020202020202020202020202020202020202020202\"
";

#[test]
fn tokens_come_one_a_line_and_say_who_votes_and_until_when() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let keys = scratch.file("k.toml", KEYS);
    let args = ["token", "--keys", &keys, "--campaign", &file];
    let ids: String = (0..20_000).map(|id| format!("openid-{id}\n")).collect();
    let ran = weir_with_input(&args, &ids);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let tokens: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(tokens.len(), 20_000);

    let token_keys = TokenKeys::new("test", &[(2, [2; 32])]).unwrap();
    let check = |token: &str| token_keys.check(token.as_bytes(), now_ms()).unwrap();
    let token = check(tokens[7]);
    assert_eq!(token.voter, PseudonymKey::new(&[1; 32]).voter(b"openid-7"));
    assert!(token.follower);
    let closes_at_ms = (now_ms() / DAY_MS + 2) * DAY_MS;
    let expires_at_s = u64::try_from((closes_at_ms + DAY_MS) / 1_000).unwrap();
    assert_eq!(token.expires_at_s, expires_at_s, "one day after the end");

    let more = ["--not-follower", "--expires-in", "1", "openid-7", "openid-8"];
    let ran = weir(&[args.as_slice(), &more].concat());
    let tokens: Vec<_> = ran.stdout.lines().map(check).collect();
    assert_eq!((tokens.len(), tokens[0].voter), (2, token.voter));
    assert!(!tokens[0].follower && tokens[0].expires_at_s < expires_at_s);
}

#[test]
fn an_empty_identity_is_refused_by_its_line() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let keys = scratch.file("k.toml", KEYS);
    let args = ["token", "--keys", &keys, "--campaign", &file];
    let ran = weir_with_input(&args, "a\nb\n\nc\n");
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(64), 2));
    assert!(ran.stderr.contains("line 3: the identity is empty"), "{ran:?}");
    let ran = weir(&[args.as_slice(), &[""]].concat());
    assert_eq!(ran.code, Some(64));
    assert!(ran.stderr.contains("identity 1: the identity is empty"), "{ran:?}");
}

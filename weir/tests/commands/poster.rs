//! `weir poster`: a sheet on standard output, and what is wrong with its flags by name.

use crate::kit::{Scratch, campaign, weir};

const URL: &str = "https://vote.example.org";

#[test]
fn a_poster_leads_to_its_campaign_and_names_its_channel() {
    let scratch = Scratch::new();
    let listed = format!("channels = [\"poster\", \"metro-2\"]\n{}", campaign(-1, 2));
    let file = scratch.file("c.toml", listed);
    let args = ["poster", "--campaign", &file, "--public-url", &format!("{URL}/")];
    let ran = weir(&args);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.starts_with("<svg ") && ran.stdout.ends_with("</svg>\n"), "{ran:?}");
    let label = |target: &str| format!("aria-label=\"二维码：{URL}/campaigns/test{target}\"");
    assert!(ran.stdout.contains(&label("")), "{ran:?}");

    let ran = weir(&[args.as_slice(), &["--channel", "metro-2"]].concat());
    assert!(ran.stdout.contains(&label("?c=metro-2")), "{ran:?}");
    assert!(ran.stdout.contains("海报：metro-2"), "{ran:?}");
    let ran = weir(&[args.as_slice(), &["--lang", "en"]].concat());
    assert!(ran.stdout.contains("Scan to vote") && ran.stdout.contains("lang=\"en\""), "{ran:?}");

    let ran = weir(&[args.as_slice(), &["--channel", "bus"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:?}");
    let told = "--channel bus: test has no such channel; give one of poster, metro-2";
    assert!(ran.stderr.contains(told), "{ran:?}");
}

#[test]
fn the_built_in_campaign_has_a_poster_and_wrong_flags_are_told_by_name() {
    let ran = weir(&["poster", "--public-url", URL]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("2023年12月18日至12月24日"), "{ran:?}");
    for (flags, told) in [
        ([].as_slice(), "--public-url <URL>"),
        (&["--public-url", "vote.example.org"], "does not begin with https:// or http://"),
        (&["--public-url", "https://vote.example.org/a?b"], "'--public-url <URL>'"),
        (&["--public-url", URL, "--lang", "fr"], "'--lang <LANG>'"),
        (&["--public-url", URL, "--channel", "x"], "--channel x: hubei-2023 has no "),
        (&["--public-url", URL, "--campaign", "none.toml"], "none.toml: cannot be read"),
    ] {
        let ran = weir(&[&["poster"], flags].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{flags:?} {ran:?}");
        assert!(ran.stderr.contains(told), "{flags:?} {ran:?}");
    }
}

//! Texts and token keys that are replaced while a campaign is served.

use ballot::{Campaign, PseudonymKey, Token, TokenKeys};
use hyper::Method;

use super::kit::{Running, Setup, TOKEN_KEY, campaign_text};

fn tokens(keys: &[(u8, [u8; 32])]) -> Option<TokenKeys> {
    Some(TokenKeys::new("c", keys).unwrap())
}

#[tokio::test]
async fn a_poster_has_a_tag_of_its_own_until_its_texts_are_others() {
    let site =
        ingest::Site { public_url: Some("https://vote.example".into()), ..Default::default() };
    let edge = Running::start(Setup { site, ..Setup::default() }).await;
    const POSTER: &str = "/campaigns/c/poster.svg?lang=en";
    let first = edge.get(POSTER).await;
    assert_eq!((first.status.as_u16(), first.header("content-language")), (200, "en"));
    assert_eq!(first.header("vary"), "Accept-Language, Accept-Encoding");
    assert!(first.header("content-security-policy").contains("style-src 'sha256-"));
    assert_ne!(edge.get("/campaigns/c/poster.svg").await.header("etag"), first.header("etag"));
    let zipped = edge.send(Method::GET, POSTER, &[("accept-encoding", "gzip")], "").await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert!(zipped.body.len() < first.body.len() / 2, "{}", zipped.body.len());
    let known = [("if-none-match", first.header("etag"))];
    assert_eq!(edge.send(Method::GET, POSTER, &known, "").await.status, 304);

    let text = campaign_text().replacen("title = \"", "title = \"Better: ", 1);
    assert!(edge.edge.renew(&Campaign::parse(&text).unwrap(), tokens(&[TOKEN_KEY])));
    let renewed = edge.send(Method::GET, POSTER, &known, "").await;
    assert_eq!(renewed.status, 200);
    assert!(String::from_utf8(renewed.body.to_vec()).unwrap().contains("Better: "));
}

#[tokio::test]
async fn new_texts_and_token_keys_hold_from_the_next_request_on() {
    const NEW: (u8, [u8; 32]) = (9, [9; 32]);
    let edge = Running::start(Setup::default()).await;
    let voter = PseudonymKey::new(&[7; 32]).voter(b"bob");
    let token = Token { voter, follower: true, fresh: false, expires_at_s: 4_000_000_000 };
    let bob = tokens(&[NEW]).unwrap().mint(&token);
    let ballot = r#"{"choices":[1]}"#;
    assert_eq!(edge.cast_with(&bob, ballot).await.status, 401);

    let text = campaign_text().replacen("title = \"", "title = \"Better: ", 1);
    let campaign = Campaign::parse(&text).unwrap();
    assert!(edge.edge.renew(&campaign, tokens(&[NEW, TOKEN_KEY])));
    let shown = edge.get("/v1/campaigns/c").await.json();
    assert_eq!(shown["title"], campaign.title.as_str());
    assert!(shown["now"].is_string() && shown["closes_at"].is_string(), "{shown}");
    assert_eq!(edge.cast_with(&bob, ballot).await.status, 202);
    assert_eq!(edge.cast("ann", ballot).await.status, 202, "the old key is still there");

    assert!(edge.edge.renew(&campaign, tokens(&[NEW])));
    assert_eq!(edge.cast("ann", ballot).await.status, 401);
    assert_eq!(edge.cast_with(&bob, ballot).await.status, 202, "the same ballot again");
    let other = Campaign::parse(&text.replacen("\"c\"", "\"other\"", 1)).unwrap();
    assert!(!edge.edge.renew(&other, None), "it is not served here");
}

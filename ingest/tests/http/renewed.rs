//! Texts and token keys that are replaced while a campaign is served.

use ballot::{Campaign, PseudonymKey, Token, TokenKeys};

use super::kit::{Running, Setup, TOKEN_KEY, campaign_text};

fn tokens(keys: &[(u8, [u8; 32])]) -> Option<TokenKeys> {
    Some(TokenKeys::new("c", keys).unwrap())
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

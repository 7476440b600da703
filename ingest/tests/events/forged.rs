//! What does not come from WeChat, or cannot be read, has no effect.

use ballot::Mode;
use imitation::{Kind, signature};

use super::kit::within;
use super::world::{Choice, NOON_S, SERVICE_TOKEN, TOKEN, World, event, text};

const CAMPAIGNS: [Choice; 1] = [("a", Mode::Service, TOKEN)];

#[tokio::test]
async fn the_address_is_verified_by_an_echo_of_what_was_signed_and_nothing_else() {
    let world = World::start(&CAMPAIGNS).await;
    assert_eq!(world.wechat.verify_events_url(Kind::Subscription).await, Ok(true));
    let echo = |echo: &str| format!("{}&echostr={echo}", World::signed(TOKEN, "1"));
    let answer = world.get(&echo("%3Cscript%3E")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (200, b"<script>".as_slice()));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    for (query, status) in [
        (echo("another"), 401),
        (echo("1").replace("nonce=1", "nonce=2"), 401),
        (World::signed(TOKEN, "2"), 400),
        (World::signed(TOKEN, "2") + "&echostr=1&echostr=2", 400),
        (World::signed(TOKEN, "2") + "&echostr=" + &"1".repeat(257), 400),
        (World::signed(TOKEN, "2") + "&echostr=1&nonce=2", 400),
        (World::signed(SERVICE_TOKEN, "2") + "&echostr=1", 401),
        ("echostr=1".to_owned(), 400),
        (String::new(), 400),
    ] {
        assert_eq!(world.get(&query).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn an_event_that_is_forged_old_or_replayed_has_no_effect() {
    let world = World::start(&CAMPAIGNS).await;
    let good = World::signed(TOKEN, "1");
    let at = |timestamp: i64| {
        let signature = signature(TOKEN, &timestamp.to_string(), "1");
        format!("signature={signature}&timestamp={timestamp}&nonce=1")
    };
    let subscribe = event("o1", NOON_S, "subscribe");
    let mut forged = 0;
    for query in [
        World::signed(SERVICE_TOKEN, "1"),
        World::signed("", "1"),
        good.replace("nonce=1", "nonce=2"),
        good.replace("signature=", "signature=0"),
        at(NOON_S - 301),
        at(NOON_S + 301),
        at(0),
    ] {
        let answer = world.post(&query, subscribe.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "unauthenticated".to_owned()));
        forged += 1;
        assert_eq!(world.count("other", "forged"), forged);
    }
    assert!(!world.follows("a", "o1").await);
    assert_eq!(world.post(&at(NOON_S - 300), subscribe).await.status, 200);
    assert!(world.follows("a", "o1").await);
    // Overheard, and sent with another body.
    let replayed = world.post(&at(NOON_S - 300), event("o1", NOON_S, "unsubscribe")).await;
    assert_eq!(replayed.status, 401);
    assert!(world.follows("a", "o1").await);
    assert_eq!(world.count("subscribe", "handled"), 1);
    assert_eq!(world.count("unsubscribe", "handled"), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_effect_or_repetition_of_what_it_said() {
    let world = World::start(&CAMPAIGNS).await;
    let entity = "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>";
    for (nonce, body) in [
        String::new(),
        "{\"secret\":1}".to_owned(),
        format!("{entity}{}", text("o1", NOON_S, "secret]]>&x;<![CDATA[")),
        event("secret-é", NOON_S, "subscribe"),
        event("o1", -1, "subscribe"),
        "<xml><Encrypt>secret</Encrypt></xml>".to_owned(),
        event("o1", NOON_S, "]]></Event><Event>unsubscribe</Event><X><![CDATA["),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = world.tell(&nonce.to_string(), body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "malformed_request".to_owned()));
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "{answer:?}");
    }
    assert_eq!(world.count("other", "malformed"), 7);
    let long = world.tell("8", " ".repeat(16 * 1_024 + 1)).await;
    assert_eq!((long.status.as_u16(), long.code()), (413, "too_large".to_owned()));
    let full = text("o1", NOON_S, &"x".repeat(15_000));
    assert_eq!(world.tell("9", full).await.status, 200);
    assert!(!world.follows("a", "o1").await);
}

#[tokio::test]
async fn a_body_is_not_waited_for_before_the_signature_holds() {
    let world = World::start(&CAMPAIGNS).await;
    let mut raw = world.raw().await;
    raw.send("POST /wechat/events?signature=1&timestamp=1&nonce=1 HTTP/1.1\r\nhost: t\r\n").await;
    raw.send("content-length: 100\r\n\r\n").await;
    raw.hears("401 Unauthorized").await;
}

#[tokio::test]
async fn where_no_campaign_has_an_account_there_is_no_such_address_and_no_token_is_no_token() {
    let subscribe = event("o1", NOON_S, "subscribe");
    let world = World::start(&[("a", Mode::Demo, TOKEN), ("b", Mode::Service, "")]).await;
    for token in ["", TOKEN] {
        let answer = world.post(&World::signed(token, "1"), subscribe.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, "unknown_route".to_owned()));
    }
    let world = World::start(&[("a", Mode::Service, TOKEN), ("b", Mode::Service, "")]).await;
    assert_eq!(world.post(&World::signed("", "1"), subscribe).await.status, 401);
}

#[tokio::test]
async fn events_whose_body_does_not_come_keep_out_none_whose_body_does() {
    let world = World::start(&CAMPAIGNS).await;
    let query = World::signed(TOKEN, "1");
    let head =
        format!("POST /wechat/events?{query} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\n<");
    let mut slow = Vec::new();
    for _ in 0..257 {
        let mut raw = world.raw().await;
        raw.send(head.clone()).await;
        slow.push(raw);
    }
    // Whichever comes last.
    let hears = slow.iter_mut().map(|raw| Box::pin(raw.hears("\"code\":\"overloaded\"")));
    let (heard, ..) = within(futures_util::future::select_all(hears)).await;
    assert!(heard.starts_with("HTTP/1.1 503 "), "{heard}");
    assert_eq!(world.count("other", "dropped"), 1);
    let answer = world.tell("2", event("o1", NOON_S, "subscribe")).await;
    assert_eq!(answer.status, 200);
}

//! Events, and what comes back.

use std::time::Duration;

use imitation::{Delivered, Event, Kind, Undelivered, signature};
use tokio::net::TcpListener;

use crate::http::{Told, take};
use crate::kit::Site;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";

async fn listening(site: &Site) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/wechat/events", listener.local_addr().unwrap());
    site.wechat.set_events_url(Some(&url));
    listener
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn passive(to: &str, from: &str, text: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName>{from}</FromUserName>\
         <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{text}]]></Content></xml>"
    )
}

fn query(request: &Told, name: &str) -> String {
    let line = request.first.split(' ').nth(1).unwrap();
    let pairs = form_urlencoded::parse(line.split_once('?').unwrap().1.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).unwrap().1.into_owned()
}

fn element(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let found = document.descendants().find(|node| node.has_tag_name(name));
    found.and_then(|node| node.text()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_follows_is_told_of_by_a_signed_event() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    let li = site.wechat.person("li");
    let (sent, request) =
        tokio::join!(li.send(Kind::Subscription, Event::Subscribe), take(&edge, Some(OK)));
    assert_eq!(sent, Ok(Delivered { attempts: 1, body: String::new(), text: None }));
    assert!(li.follows(Kind::Subscription) && !li.follows(Kind::Service));
    let (timestamp, nonce) = (query(&request, "timestamp"), query(&request, "nonce"));
    let expected = signature("events-subscription", &timestamp, &nonce);
    assert_eq!(query(&request, "signature"), expected);
    assert_eq!(timestamp, "1702828790");
    let told = |name| element(&request.body, name);
    assert_eq!(told("FromUserName"), li.openid(Kind::Subscription));
    assert_eq!((told("MsgType"), told("Event")), ("event".to_owned(), "subscribe".to_owned()));
    assert_eq!(told("CreateTime"), "1702828790");
}

#[tokio::test]
async fn a_scan_is_a_subscription_for_who_did_not_follow_and_a_scan_for_who_did() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    let told = |event: Event| {
        let message = li.act(Kind::Service, &event);
        let xml = message.xml();
        (element(xml, "Event"), element(xml, "EventKey"), li.follows(Kind::Service))
    };
    let of = |event: &str, key: &str, follows| (event.to_owned(), key.to_owned(), follows);
    assert_eq!(told(Event::Scan("a".to_owned())), of("subscribe", "qrscene_a", true));
    assert_eq!(told(Event::Scan("a".to_owned())), of("SCAN", "a", true));
    assert_eq!(told(Event::Unsubscribe), of("unsubscribe", "", false));
}

#[tokio::test]
async fn the_reply_to_a_message_is_what_its_sender_reads() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    let li = site.wechat.person("li");
    li.set_follows(Kind::Subscription, true);
    let openid = li.openid(Kind::Subscription);
    let body = passive(&openid, "gh_ba9876543210", "去投票 http://x/");
    let reply = answer(&body);
    let text = Event::Text("点赞".to_owned());
    let (sent, request) =
        tokio::join!(li.send(Kind::Subscription, text), take(&edge, Some(&reply)));
    let text = Some("去投票 http://x/".to_owned());
    assert_eq!(sent, Ok(Delivered { attempts: 1, body, text }));
    assert_eq!(element(&request.body, "Content"), "点赞");
    assert_eq!(element(&request.body, "ToUserName"), "gh_ba9876543210");
    assert!(element(&request.body, "MsgId").parse::<u64>().is_ok());
}

#[tokio::test]
async fn a_reply_to_somebody_else_is_out_of_order() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    let li = site.wechat.person("li");
    for body in ["<xml/>", "ok", &passive("somebody", "gh_0123456789ab", "x")] {
        let reply = answer(body);
        let (sent, _) =
            tokio::join!(li.send(Kind::Service, Event::Subscribe), take(&edge, Some(&reply)));
        assert_eq!(sent, Err(Undelivered::BadReply(body.to_owned())));
    }
}

#[tokio::test]
async fn an_event_is_sent_again_the_same_until_there_is_a_200_in_time() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    site.wechat.set_event_deadline(Duration::from_millis(300));
    let li = site.wechat.person("li");
    let edge = async {
        let mut requests = Vec::new();
        for answer in [Some(BROKEN), None, Some(OK)] {
            requests.push(take(&edge, answer).await);
        }
        requests
    };
    let (sent, requests) = tokio::join!(li.send(Kind::Service, Event::Subscribe), edge);
    assert_eq!(sent.unwrap().attempts, 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    assert_ne!(query(&requests[0], "nonce"), query(&requests[1], "nonce"));
}

#[tokio::test]
async fn after_three_more_attempts_an_event_is_lost() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    let li = site.wechat.person("li");
    let refusing = async {
        for _ in 0..4 {
            take(&edge, Some(BROKEN)).await;
        }
    };
    let (sent, ()) = tokio::join!(li.send(Kind::Service, Event::Subscribe), refusing);
    assert!(matches!(sent, Err(Undelivered::Unanswered(_))), "{sent:?}");
    assert!(li.follows(Kind::Service), "it is true all the same");
}

#[tokio::test]
async fn nothing_is_sent_to_anything_but_loopback() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    assert_eq!(li.send(Kind::Service, Event::Subscribe).await, Err(Undelivered::NoUrl));
    for url in ["http://192.0.2.1/", "http://wechat.example/", "https://127.0.0.1/", "events"] {
        site.wechat.set_events_url(Some(url));
        let sent = li.send(Kind::Service, Event::Unsubscribe).await;
        assert_eq!(sent, Err(Undelivered::NotLoopback(url.to_owned())));
    }
    let message = Event::Text("x".to_owned());
    assert_eq!(li.send(Kind::Service, message).await, Err(Undelivered::NotAFollower));
}

#[tokio::test]
async fn the_address_of_events_is_verified_by_an_echo() {
    let site = Site::new().await;
    let edge = listening(&site).await;
    let wrong = answer("something else");
    let verified = site.wechat.verify_events_url(Kind::Service);
    let (verified, request) = tokio::join!(verified, take(&edge, Some(&wrong)));
    assert_eq!(verified, Ok(false));
    assert!(request.first.starts_with("GET /wechat/events?signature="));
    assert!(!query(&request, "echostr").is_empty());
}

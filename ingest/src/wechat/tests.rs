//! The client against a server on loopback that answers as WeChat's documents say, or worse.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use prometheus::{Registry, TextEncoder};

use super::testing::{Asked, Hand, NOON_MS, Reply, Server, says};
use super::*;

const SECRET: &str = "s3cr3t-of-the-account";

struct World {
    server: Server,
    wechat: WeChat,
    clock: Arc<Hand>,
    registry: Registry,
}

async fn world(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> World {
    world_with(Limits::default(), answer).await
}

async fn world_with(
    limits: Limits,
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> World {
    let server = Server::start(answer).await;
    let (clock, registry) = (Hand::at(NOON_MS), Registry::new());
    let account = Account { api: server.url.clone(), ..Account::new("wx1", SECRET) };
    let metrics = Metrics::new(&registry).unwrap();
    let shared: Arc<dyn Clock> = Arc::<Hand>::clone(&clock);
    let wechat = WeChat::with_limits(account, shared, metrics, limits).unwrap();
    World { server, wechat, clock, registry }
}

impl World {
    fn metric(&self, name_and_labels: &str) -> String {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name_and_labels));
        line.unwrap_or_else(|| panic!("no {name_and_labels} in {text}")).trim().to_owned()
    }

    fn counted(&self, call: &str, outcome: &str) -> String {
        self.metric(&format!("{WECHAT_REQUESTS}{{call=\"{call}\",outcome=\"{outcome}\"}}"))
    }

    fn token_requests(&self) -> usize {
        self.server.asked("stable_token").len()
    }
}

fn error(errcode: i64) -> Reply {
    says(format!("{{\"errcode\":{errcode},\"errmsg\":\"of {SECRET}\"}}"))
}

fn token(number: usize) -> Reply {
    says(format!("{{\"access_token\":\"app-token-{number}\",\"expires_in\":7200}}"))
}

fn follows(asked: &Asked) -> Reply {
    let openid = asked.of("openid");
    says(format!(
        "{{\"subscribe\":1,\"openid\":\"{openid}\",\"subscribe_time\":1700000000,\"unionid\":\"u\"}}"
    ))
}

/// Hands out tokens 1, 2, 3, … and takes those from `good` on.
fn numbered(good: usize) -> impl Fn(&Asked) -> Reply {
    let handed_out = AtomicUsize::new(0);
    move |asked| {
        if asked.path.ends_with("stable_token") {
            return token(handed_out.fetch_add(1, Ordering::SeqCst) + 1);
        }
        let number: usize = asked.of("access_token").trim_start_matches("app-token-").parse().unwrap();
        if number >= good { follows(asked) } else { error(40_001) }
    }
}

#[tokio::test]
async fn the_way_to_the_login_page_has_wechats_order_and_an_encoded_redirect() {
    let world = world(|_| Reply::Silent).await;
    assert_eq!(
        world.wechat.authorize_url("https://vote.example/auth?a=b c+d&e=极", "aZ09"),
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
         &redirect_uri=https%3A%2F%2Fvote.example%2Fauth%3Fa%3Db%20c%2Bd%26e%3D%E6%9E%81\
         &response_type=code&scope=snsapi_base&state=aZ09#wechat_redirect"
    );
}

#[tokio::test]
async fn a_code_is_exchanged_for_whom_it_stands_for() {
    let world = world(|asked| match asked.of("code") {
        "plain" => says(r#"{"access_token":"x","expires_in":7200,"openid":"oA-_1","scope":"s"}"#),
        "union" => says(r#"{"openid":"oA","unionid":"uA","is_snapshotuser":0,"errcode":0}"#),
        "snapshot" => says(r#"{"openid":"oA","is_snapshotuser":1}"#),
        _ => error(40_029),
    })
    .await;
    let exchanged = world.wechat.exchange("plain").await.unwrap();
    let plain = Exchanged { openid: "oA-_1".to_owned(), unionid: None, snapshot: false };
    assert_eq!(exchanged, plain);
    assert_eq!(world.wechat.exchange("union").await.unwrap().unionid.as_deref(), Some("uA"));
    assert!(world.wechat.exchange("snapshot").await.unwrap().snapshot);
    assert_eq!(world.wechat.exchange("a&code=plain").await, Err(Error::CodeSpent));
    let asked = world.server.asked("/sns/oauth2/access_token");
    assert_eq!((asked[0].of("appid"), asked[0].of("secret")), ("wx1", SECRET));
    assert_eq!(asked[0].of("grant_type"), "authorization_code");
    assert_eq!(asked[3].of("code"), "a&code=plain");
    assert_eq!((world.counted("exchange", "ok"), world.counted("exchange", "code_spent")),
        ("3".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn a_code_that_met_a_busy_wechat_or_a_broken_answer_is_never_sent_again() {
    let world = world(|asked| match asked.of("code") {
        "busy" => error(-1),
        "cut" => Reply::BreaksOff("{\"openid\":"),
        "gateway" => Reply::Says(502, "<html>".to_owned()),
        "moved" => Reply::Says(404, "{}".to_owned()),
        "garbage" => says("\u{0}<xml>"),
        "shape" => says(r#"{"openid":7}"#),
        "foreign" => says(r#"{"openid":"../../x"}"#),
        _ => says(format!(r#"{{"openid":"o","pad":"{}"}}"#, "x".repeat(70_000))),
    })
    .await;
    let expected = [
        ("busy", Error::Busy),
        ("cut", Error::Unreachable),
        ("gateway", Error::Unreachable),
        ("moved", Error::Nonsense),
        ("garbage", Error::Nonsense),
        ("shape", Error::Nonsense),
        ("foreign", Error::Nonsense),
        ("long", Error::Nonsense),
    ];
    for (code, error) in expected {
        assert_eq!(world.wechat.exchange(code).await, Err(error), "{code}");
    }
    assert_eq!(world.server.asked("access_token").len(), expected.len());
    assert_eq!(world.counted("exchange", "nonsense"), "5");
    assert_eq!(world.wechat.exchange("").await, Err(Error::CodeSpent));
    assert_eq!(world.wechat.exchange(&"x".repeat(513)).await, Err(Error::CodeSpent));
    assert_eq!(world.server.asked("access_token").len(), expected.len());
}

#[tokio::test]
async fn a_silent_wechat_is_given_up_on_and_too_many_calls_at_once_are_refused_at_once() {
    let deadline = Duration::from_millis(50);
    let limits = Limits { deadline, token_deadline: deadline, calls_max: 2 };
    let world = world_with(limits, |_| Reply::Silent).await;
    let wechat = &world.wechat;
    let (first, second, third) =
        tokio::join!(wechat.exchange("1"), wechat.follower("oA"), wechat.exchange("3"));
    assert_eq!(first, Err(Error::Unreachable));
    assert_eq!(second, Err(Error::Unreachable));
    assert_eq!(third, Err(Error::Busy));
    assert_eq!(world.counted("exchange", "busy"), "1");
    assert_eq!(world.counted("exchange", "unreachable"), "1");
    assert_eq!(wechat.exchange("4").await, Err(Error::Unreachable), "the room is there again");
}

#[tokio::test]
async fn nobody_listens_is_unreachable() {
    let world = world(|_| Reply::Silent).await;
    drop(world.server);
    assert_eq!(world.wechat.exchange("code").await, Err(Error::Unreachable));
}

#[tokio::test]
async fn a_hundred_callers_make_one_token_request_and_take_a_failure_together() {
    let works = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&works);
    let good = numbered(1);
    let world = world(move |asked| {
        if switch.load(Ordering::SeqCst) { good(asked) } else { error(-1) }
    })
    .await;
    let ask_all = || join_all((0..100).map(|_| world.wechat.follower("oA")));
    assert!(ask_all().await.iter().all(|answer| *answer == Err(Error::Busy)));
    assert_eq!(world.token_requests(), 1);
    works.store(true, Ordering::SeqCst);
    world.clock.forward(1_000);
    let since_s = Some(1_700_000_000);
    let follower = Follower { follows: true, since_s, unionid: Some("u".to_owned()) };
    assert!(ask_all().await.iter().all(|answer| *answer == Ok(follower.clone())));
    assert_eq!(world.token_requests(), 2);
    let asked = &world.server.asked("stable_token")[1];
    let document: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(document["appid"], "wx1");
    assert_eq!(document["secret"], SECRET);
    assert_eq!(document["grant_type"], "client_credential");
    assert_eq!(document["force_refresh"], false);
    assert_eq!(world.server.asked("user/info")[0].of("lang"), "zh_CN");
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_early() {
    let world = world(numbered(1)).await;
    world.wechat.follower("oA").await.unwrap();
    world.clock.forward((7_200 - 300) * 1_000 - 1);
    world.wechat.follower("oA").await.unwrap();
    assert_eq!(world.token_requests(), 1);
    world.clock.forward(1);
    world.wechat.follower("oA").await.unwrap();
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.server.asked("user/info")[2].of("access_token"), "app-token-2");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_by_all_and_each_asks_once_more() {
    let world = world(numbered(2)).await;
    let answers = join_all((0..100).map(|_| world.wechat.follower("oA"))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.token_requests(), 2);
    assert!(!world.server.asked("stable_token").iter().any(Asked::is_forced));
    assert_eq!(world.server.asked("user/info").len(), 200);
    assert_eq!(world.counted("user_info", "token"), "100");
}

#[tokio::test]
async fn a_token_that_comes_back_refused_is_forced_out_and_not_again_within_thirty_seconds() {
    let forced = AtomicUsize::new(0);
    let world = world(move |asked| {
        if asked.is_forced() {
            forced.fetch_add(1, Ordering::SeqCst);
        }
        let number = forced.load(Ordering::SeqCst);
        match asked.of("access_token") {
            "" => token(number),
            // Each token is taken once it has been asked for with "oA", never with "oB".
            "app-token-1" if asked.of("openid") == "oA" => follows(asked),
            _ => error(42_001),
        }
    })
    .await;
    world.wechat.follower("oA").await.unwrap();
    let forced: Vec<_> =
        world.server.asked("stable_token").iter().map(Asked::is_forced).collect();
    assert_eq!(forced, [false, false, true]);
    assert_eq!(world.wechat.follower("oB").await, Err(Error::Busy));
    assert_eq!(world.token_requests(), 4, "plain, and it was the refused one");
    world.clock.forward(30_000);
    let still_refused = world.wechat.follower("oB").await;
    assert_eq!(still_refused, Err(Error::Configuration { errcode: 42_001 }));
    assert!(world.server.asked("stable_token").last().unwrap().is_forced());
}

#[tokio::test]
async fn a_used_up_quota_is_not_asked_again_until_its_pause_is_over() {
    let world = world(|asked| match (asked.path.as_str(), asked.of("openid")) {
        ("/cgi-bin/stable_token", _) => token(1),
        ("/cgi-bin/user/info", "oDay") => error(45_009),
        ("/cgi-bin/user/info", _) => follows(asked),
        _ => error(45_011),
    })
    .await;
    let wechat = &world.wechat;
    for _ in 0..3 {
        assert_eq!(wechat.exchange("code").await, Err(Error::Quota));
        assert_eq!(wechat.follower("oDay").await, Err(Error::Quota));
    }
    assert_eq!(world.server.asked("access_token").len(), 1);
    assert_eq!(world.server.asked("user/info").len(), 1);
    assert_eq!(world.counted("exchange", "quota"), "3");
    assert_eq!(world.metric(WECHAT_BACKING_OFF), "1");
    world.clock.forward(60_000);
    assert_eq!(wechat.exchange("code").await, Err(Error::Quota));
    assert_eq!(world.server.asked("access_token").len(), 2);
    assert_eq!(wechat.follower("oA").await, Err(Error::Quota), "of another openid too");
    world.clock.forward(9 * 60_000);
    wechat.follower("oA").await.unwrap();
    wechat.follower("oA").await.unwrap();
    assert_eq!(world.metric(WECHAT_BACKING_OFF), "0");
}

#[tokio::test]
async fn an_openid_that_is_foreign_or_an_answer_about_another_is_refused() {
    let world = world(|asked| match asked.of("openid") {
        "" => token(1),
        "oForeign" => error(40_003),
        "oMust" => error(43_004),
        "oNot" => says(r#"{"subscribe":0,"openid":"oNot"}"#),
        _ => says(r#"{"subscribe":1,"openid":"oNot"}"#),
    })
    .await;
    let wechat = &world.wechat;
    assert_eq!(wechat.follower("oForeign").await, Err(Error::ForeignOpenid));
    assert_eq!(wechat.follower("oMust").await, Err(Error::MustFollow));
    assert_eq!(wechat.follower("oOther").await, Err(Error::Nonsense));
    assert_eq!(wechat.follower("o&openid=x").await, Err(Error::ForeignOpenid));
    let not = Follower { follows: false, since_s: None, unionid: None };
    assert_eq!(wechat.follower("oNot").await, Ok(not));
}

#[tokio::test]
async fn nothing_secret_is_in_debug_or_an_error() {
    let world = world(numbered(1)).await;
    let follower = world.wechat.follower("oA").await.unwrap();
    let exchanged =
        Exchanged { openid: "oA".to_owned(), unionid: Some("uA".to_owned()), snapshot: false };
    let inner = &world.wechat.inner;
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {follower:?} {exchanged:?}",
        world.wechat, inner.account, inner.api, inner.tokens, world.server.url,
        Error::Configuration { errcode: 1 }
    );
    for secret in [SECRET, "oA", "uA", "\"u\"", "app-token"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn the_secret_goes_over_tls_or_stays_on_this_machine() {
    let private = |url| base(url).map(|(_, is_private)| is_private);
    for url in ["https://api.example", "http://127.0.0.1:1/", "http://[::1]:80", "http://localhost"]
    {
        assert_eq!(private(url), Some(true), "{url}");
    }
    assert_eq!(private("http://192.0.2.1"), Some(false));
    assert_eq!(private("http://localhost.example"), Some(false));
    for url in ["", "api.example", "ftp://x", "https://a@b", "https://x?y", "https://x#y", "/x"] {
        assert_eq!(private(url), None, "{url}");
    }
    assert_eq!(base("https://x/y/").unwrap().0, "https://x/y");
}

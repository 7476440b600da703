//! The client against a server on loopback that answers as WeChat's documents say, or worse.

mod tokens;

use std::time::Duration;

use prometheus::{Registry, TextEncoder};

use super::testing::{Asked, Hand, Heard, NOON_MS, Reply, Server, says};
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
    let rest = r#""subscribe":1,"subscribe_time":1700000000,"unionid":"u""#;
    says(format!("{{\"openid\":\"{openid}\",{rest}}}"))
}

#[tokio::test]
async fn the_way_to_the_login_page_has_wechats_order_and_an_encoded_redirect() {
    let world = world(|_| Reply::Silent).await;
    for (scope, name) in [(Scope::Openid, "snsapi_base"), (Scope::Unionid, "snsapi_userinfo")] {
        let redirect_uri = "https://vote.example/auth?a=b c+d&e=极";
        assert_eq!(
            world.wechat.authorize_url(redirect_uri, "aZ09", scope),
            format!(
                "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
                 &redirect_uri=https%3A%2F%2Fvote.example%2Fauth%3Fa%3Db%20c%2Bd%26e%3D%E6%9E%81\
                 &response_type=code&scope={name}&state=aZ09#wechat_redirect"
            )
        );
    }
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
    assert_eq!(
        (world.counted("exchange", "ok"), world.counted("exchange", "code_spent")),
        ("3".to_owned(), "1".to_owned())
    );
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
    let world = world(tokens::numbered(1)).await;
    let follower = world.wechat.follower("oA").await.unwrap();
    let exchanged =
        Exchanged { openid: "oA".to_owned(), unionid: Some("uA".to_owned()), snapshot: false };
    let inner = &world.wechat.inner;
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {follower:?} {exchanged:?}",
        world.wechat,
        inner.account,
        inner.api,
        inner.tokens,
        world.server.url,
        Error::Configuration { errcode: 1 }
    );
    for secret in [SECRET, "oA", "uA", "\"u\"", "app-token"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn nothing_secret_is_in_any_log_line_of_ours_or_of_the_crates_below() {
    let heard = Heard::default();
    let _listening = tracing::subscriber::set_default(heard.clone());
    let world = world(|asked| match (asked.of("code"), asked.of("openid")) {
        ("code-1", _) => error(40_125),
        ("code-2", _) => Reply::BreaksOff("{\"openid\":\"oTheirs\""),
        ("code-3", _) => says(r#"{"openid":"oTheirs","is_snapshotuser":"oTheirs"}"#),
        ("code-4", _) => error(45_009),
        (_, "oMine") => error(48_001),
        _ => token(1),
    })
    .await;
    for code in ["code-1", "code-2", "code-3", "code-4"] {
        world.wechat.exchange(code).await.unwrap_err();
    }
    world.wechat.follower("oMine").await.unwrap_err();
    drop(world.server);
    let text = heard.text();
    for said in ["errcode 40125", "broke off", "not the answer", "errcode 45009", "errcode 48001"] {
        assert!(text.contains(said), "{said} not in {text}");
    }
    for secret in [SECRET, "code-", "oTheirs", "oMine", "app-token"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

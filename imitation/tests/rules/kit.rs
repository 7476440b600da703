//! An imitation on a port of its own, a clock to turn, and WeChat's calls as sentences.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use imitation::{Account, Imitation, Kind, Options, Person};
use journal::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::http::{Told, ask};

/// 23:59 in Shanghai, and ten seconds before the minute ends.
const START_MS: i64 = 1_702_828_790_000;
pub(crate) const DOMAIN: &str = "vote.example:8080";
pub(crate) const BACK: &str = "http%3A%2F%2Fvote.example%3A8080%2Fauth%2Fwechat%2Fcallback";

#[derive(Debug)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An imitation that is served.
pub(crate) struct Site {
    pub(crate) wechat: Imitation,
    pub(crate) at: SocketAddr,
    clock: Arc<Turned>,
    _stop: DropGuard,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(Turned(AtomicI64::new(START_MS)));
        let account = |name: &str| Account {
            app_id: format!("wx-{name}"),
            app_secret: format!("secret-{name}"),
            event_token: format!("events-{name}"),
        };
        let wechat = Imitation::new(Options {
            clock: clock.clone(),
            service: account("service"),
            subscription: Some(account("subscription")),
            redirect_domain: DOMAIN.to_owned(),
            events_url: None,
            seed: 7,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        drop(tokio::spawn(wechat.clone().serve(listener, stop.clone())));
        Self { wechat, at, clock, _stop: stop.drop_guard() }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// The authorize page, as a person's browser opens it.
    pub(crate) async fn authorize(&self, person: Option<&Person>, query: &str) -> Told {
        let cookie = person.map_or_else(String::new, |it| format!("Cookie: {}\r\n", it.cookie()));
        ask(self.at, &format!("GET /connect/oauth2/authorize?{query}"), &cookie, "").await
    }

    /// A new code of a person's.
    pub(crate) async fn code(&self, person: &Person) -> String {
        let answer = self.authorize(Some(person), &link("s", "snsapi_base")).await;
        let back = answer.header("location").unwrap();
        back.split_once("?code=").unwrap().1.split_once('&').unwrap().0.to_owned()
    }

    pub(crate) async fn exchange_by(&self, app: &str, secret: &str, code: &str) -> Value {
        let query =
            format!("appid={app}&secret={secret}&code={code}&grant_type=authorization_code");
        json(&ask(self.at, &format!("GET /sns/oauth2/access_token?{query}"), "", "").await)
    }

    pub(crate) async fn exchange(&self, code: &str) -> Value {
        self.exchange_by("wx-service", "secret-service", code).await
    }

    pub(crate) async fn stable_token(&self, kind: Kind, force: bool) -> Value {
        let (app, secret) = (format!("wx-{}", kind.name()), format!("secret-{}", kind.name()));
        let body = json!({ "grant_type": "client_credential", "appid": app, "secret": secret,
                           "force_refresh": force });
        json(&ask(self.at, "POST /cgi-bin/stable_token", "", &body.to_string()).await)
    }

    /// The app token that a server would use now.
    pub(crate) async fn token(&self, kind: Kind) -> String {
        text(&self.stable_token(kind, false).await, "access_token")
    }

    pub(crate) async fn user_info(&self, token: &str, openid: &str) -> Value {
        let query = format!("access_token={token}&openid={openid}&lang=zh_CN");
        json(&ask(self.at, &format!("GET /cgi-bin/user/info?{query}"), "", "").await)
    }
}

pub(crate) fn link(state: &str, scope: &str) -> String {
    format!("appid=wx-service&redirect_uri={BACK}&response_type=code&scope={scope}&state={state}")
}

pub(crate) fn json(told: &Told) -> Value {
    assert_eq!(told.status(), "200", "WeChat tells errors under the status 200");
    serde_json::from_str(&told.body).unwrap_or_else(|_| panic!("no JSON: {told:?}"))
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// The errcode; 0 if it is none.
pub(crate) fn errcode(value: &Value) -> i64 {
    value["errcode"].as_i64().unwrap_or(0)
}

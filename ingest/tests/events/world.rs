//! An edge with several campaigns, whose accounts an imitation of WeChat has.

use std::net::SocketAddr;
use std::sync::Arc;

use aggregator::{found, view};
use ballot::{Campaign, Mode, PseudonymKey, Rules, TokenKeys};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use imitation::{Account, Imitation, Options, signature};
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::wechat::follows::{Follows, Known};
use ingest::wechat::{self, WeChat};
use ingest::{BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, Events, Links};
use ingest::{SignIn, Site, Voting, WeChatSignIn};
use journal::simulated::{Cluster, Options as Simulation, Simulated};
use journal::{Clock, ClockCheck, Journal};
use prometheus::{Registry, TextEncoder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, Raw, send};
use super::kit::{NOON_MS, TestClock, campaign_text};

pub(crate) const PUBLIC_URL: &str = "https://vote.example";
/// Of the imitation's subscription account.
pub(crate) const TOKEN: &str = "subscriptiontoken";
/// Of its service account.
pub(crate) const SERVICE_TOKEN: &str = "servicetoken";
/// 2023-12-18 12:00 in Shanghai, in seconds.
pub(crate) const NOON_S: i64 = NOON_MS / 1_000;

/// A campaign: its id, how its voters are known, and the token of its account.
pub(crate) type Choice = (&'static str, Mode, &'static str);

pub(crate) struct World {
    pub(crate) edge: SocketAddr,
    pub(crate) wechat: Imitation,
    pub(crate) clock: Arc<TestClock>,
    registry: Registry,
    sign_ins: Vec<(&'static str, SignIn)>,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start(campaigns: &[Choice]) -> Self {
        let clock = TestClock::at(NOON_MS);
        let (registry, shutdown) = (Registry::new(), Shutdown::new());
        let wechat = Imitation::new(Options {
            clock: clock.clone(),
            service: account("service"),
            subscription: Some(account("subscription")),
            redirect_domain: "vote.example".to_owned(),
            events_url: None,
            seed: 7,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        // This and all other tasks end with the test's runtime.
        drop(tokio::spawn(wechat.clone().serve(listener, CancellationToken::new())));
        let folder = TempDir::new().unwrap();
        let (mut given, mut sign_ins) = (Vec::new(), Vec::new());
        for choice in campaigns {
            let sign_in = sign_in(*choice, at, &clock, &folder);
            drop(tokio::spawn(sign_in.learn_subscribers(choice.0, clock.clone())));
            given.push(campaign(choice.0, sign_in.clone()).await);
            sign_ins.push((choice.0, sign_in));
        }
        let site = Site { public_url: Some(PUBLIC_URL.to_owned()), ..Site::default() };
        let options = EdgeOptions {
            limits: Limits::default(),
            clock: clock.clone(),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
            site,
        };
        let handler = Edge::new(given, options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let edge = listener.local_addr().unwrap();
        let counters = Arc::new(Counters::default());
        drop(tokio::spawn(serve(listener, handler, Limits::default(), shutdown, counters)));
        wechat.set_events_url(Some(&format!("http://{edge}/wechat/events")));
        Self { edge, wechat, clock, registry, sign_ins, _folder: folder }
    }

    /// A query that is signed with a token now.
    pub(crate) fn signed(token: &str, nonce: &str) -> String {
        let timestamp = NOON_S.to_string();
        let signature = signature(token, &timestamp, nonce);
        format!("signature={signature}&timestamp={timestamp}&nonce={nonce}&openid=o1")
    }

    pub(crate) async fn get(&self, query: &str) -> Answer {
        self.send(Method::GET, &format!("/wechat/events?{query}"), "").await
    }

    pub(crate) async fn post(&self, query: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, &format!("/wechat/events?{query}"), body).await
    }

    /// Posts a message under the token of the subscription account, each time signed anew.
    pub(crate) async fn tell(&self, nonce: &str, body: impl Into<Bytes>) -> Answer {
        self.post(&Self::signed(TOKEN, nonce), body).await
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.edge).await
    }

    /// Signs in by a link, and answers the status and the problem's code.
    pub(crate) async fn sign_in(&self, campaign: &str, link: &str) -> (u16, String) {
        let path = format!("/v1/campaigns/{campaign}/session");
        let body = format!("{{\"link\":\"{link}\"}}");
        let answer = self.send(Method::POST, &path, body).await;
        let code = if answer.status == 204 { String::new() } else { answer.code() };
        (answer.status.as_u16(), code)
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "test");
        let request = request.header("content-type", "application/json");
        send(self.edge, request.body(Full::new(body.into())).unwrap()).await
    }

    /// How many events of a kind ended so.
    pub(crate) fn count(&self, event: &str, outcome: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let name = format!("weir_wechat_events_total{{event=\"{event}\",outcome=\"{outcome}\"}} ");
        let count = text.lines().find_map(|line| line.strip_prefix(&name));
        count.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    }

    /// What a campaign knows of the voter of an identity.
    pub(crate) async fn known(&self, campaign: &str, identity: &str) -> Option<Known> {
        let (_, sign_in) = self.sign_ins.iter().find(|(id, _)| *id == campaign).unwrap();
        let voter = sign_in.pseudonyms.as_ref().unwrap().voter(identity.as_bytes());
        let follows = &sign_in.wechat.as_ref().unwrap().follows;
        follows.known(voter, self.clock.now_ms()).await.unwrap()
    }

    pub(crate) async fn follows(&self, campaign: &str, identity: &str) -> bool {
        self.known(campaign, identity).await.is_some_and(|known| known.follows)
    }
}

/// An event of a user as WeChat sends it.
pub(crate) fn event(from: &str, at_s: i64, event: &str) -> String {
    message(from, at_s, "event", &format!("<Event><![CDATA[{event}]]></Event>"))
}

/// A text of a user as WeChat sends it.
pub(crate) fn text(from: &str, at_s: i64, text: &str) -> String {
    message(from, at_s, "text", &format!("<Content><![CDATA[{text}]]></Content>"))
}

fn message(from: &str, at_s: i64, kind: &str, more: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>\n\
         <FromUserName><![CDATA[{from}]]></FromUserName>\n\
         <CreateTime>{at_s}</CreateTime>\n<MsgType><![CDATA[{kind}]]></MsgType>\n{more}</xml>"
    )
}

fn account(name: &str) -> Account {
    Account {
        app_id: format!("wx-{name}"),
        app_secret: format!("secret-of-{name}"),
        event_token: format!("{name}token"),
    }
}

fn sign_in(
    (id, mode, event_token): Choice,
    at: SocketAddr,
    clock: &Arc<TestClock>,
    folder: &TempDir,
) -> SignIn {
    let retention = std::time::Duration::from_secs(86_400);
    let follows = match mode {
        Mode::Unionid => {
            let path = folder.path().join(format!("{id}.redb"));
            Follows::open(&path, retention, NOON_MS).unwrap()
        }
        Mode::Service | Mode::Link | Mode::Token | Mode::Demo => Follows::in_memory(),
    };
    let wechat = WeChatSignIn {
        service: None,
        subscription: (mode == Mode::Unionid).then(|| client("subscription", at, clock)),
        event_token: event_token.to_owned(),
        account: "极目新闻".to_owned(),
        verify: None,
        keyword: (mode == Mode::Link).then(|| format!("点赞{id}")),
        follows,
        links: Links::default(),
        events: Events::default(),
    };
    let mut key = [7; 32];
    key[0] = id.as_bytes()[0];
    let pseudonyms = Some(PseudonymKey::new(&key));
    SignIn { mode, pseudonyms, wechat: Some(Arc::new(wechat)), ..SignIn::default() }
}

fn client(name: &str, at: SocketAddr, clock: &Arc<TestClock>) -> WeChat {
    let Account { app_id, app_secret, .. } = account(name);
    let (api, authorize) = (format!("http://{at}"), format!("http://{at}"));
    let account = wechat::Account { app_id, app_secret, api, authorize };
    WeChat::new(account, clock.clone(), wechat::Metrics::new(&Registry::new()).unwrap()).unwrap()
}

async fn campaign(id: &str, sign_in: SignIn) -> EdgeCampaign<Simulated> {
    let cluster = Cluster::new(1, 2, Simulation::default());
    let journal = cluster.process("edge");
    let text = campaign_text().replace("id = \"c\"", &format!("id = \"{id}\""));
    let campaign = Campaign::parse(&text).unwrap();
    let rules = Rules::new(&campaign, journal.identity(), 2, [0; 16]);
    found(&journal, &rules, NOON_MS).await.unwrap();
    let (results, following) = view(journal.clone());
    drop(tokio::spawn(following));
    // Its sender may go: the rules stay.
    let (_, newest) = watch::channel(Arc::new(rules));
    let batcher = Arc::new(Batcher::new(journal.clone(), newest, BatchLimits::default()));
    let tokens = TokenKeys::new(id, &[(1, [1; 32])]).unwrap();
    let clock_check = Arc::new(ClockCheck::new(2_000));
    let voting = Some(Voting { batcher, tokens, sign_in });
    EdgeCampaign { campaign, journal, view: results, clock_check, voting }
}

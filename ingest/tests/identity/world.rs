//! A running edge whose voters sign in by an imitation of WeChat, which runs beside it.

use std::net::SocketAddr;
use std::sync::Arc;

use ballot::{Mode, PseudonymKey, VoterId};
use imitation::{Account, Imitation, Kind, Options};
use ingest::wechat::follows::Follows;
use ingest::wechat::{self, WeChat};
use ingest::{Events, Links, SignIn, Site, WeChatSignIn};
use journal::Clock;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::browser::Browser;
use super::kit::{NOON_MS, Running, Setup, TestClock, campaign_text};

/// The origin that voters see. Browsers of these tests know where it really is.
pub(crate) const PUBLIC_URL: &str = "https://vote.example";

/// The cookie of its voters: `PUBLIC_URL` is https.
pub(crate) const COOKIE: &str = "__Host-weir-c";

/// An edge and its WeChat.
pub(crate) struct World {
    pub(crate) edge: Running,
    pub(crate) wechat: Imitation,
    pub(crate) wechat_address: SocketAddr,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) sign_in: Arc<WeChatSignIn>,
    _stop: DropGuard,
}

/// What differs between worlds.
pub(crate) struct Choice {
    pub(crate) mode: Mode,
    pub(crate) followers_only: bool,
    pub(crate) public_url: Option<&'static str>,
    /// Whether this machine is believed about where requests come from.
    pub(crate) proxied: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            mode: Mode::Service,
            followers_only: true,
            public_url: Some(PUBLIC_URL),
            proxied: false,
        }
    }
}

fn account(name: &str) -> Account {
    Account {
        app_id: format!("wx-{name}"),
        app_secret: format!("secret-of-{name}"),
        event_token: "event-token".to_owned(),
    }
}

impl World {
    pub(crate) async fn start(choice: Choice) -> Self {
        let clock = TestClock::at(NOON_MS);
        let stop = CancellationToken::new();
        let wechat = Imitation::new(Options {
            clock: Arc::<TestClock>::clone(&clock),
            service: account("service"),
            subscription: Some(account("subscription")),
            redirect_domain: "vote.example".to_owned(),
            events_url: None,
            seed: 7,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wechat_address = listener.local_addr().unwrap();
        // Ends with its guard.
        drop(tokio::spawn(wechat.clone().serve(listener, stop.clone())));
        let by_wechat = Arc::new(WeChatSignIn {
            service: Some(client(&account("service"), wechat_address, &clock)),
            subscription: None,
            event_token: "event-token".to_owned(),
            account: "极目新闻".to_owned(),
            verify: Some("aB3xYz".to_owned()),
            keyword: Some("点赞".to_owned()),
            follows: Follows::in_memory(),
            links: Links::default(),
            events: Events::default(),
        });
        let sign_in = SignIn {
            mode: choice.mode,
            pseudonyms: Some(PseudonymKey::new(&[7; 32])),
            wechat: Some(Arc::clone(&by_wechat)),
            ..SignIn::default()
        };
        let campaign = campaign_text().replace(
            "followers_only = true",
            &format!("followers_only = {}", choice.followers_only),
        );
        let public_url = choice.public_url.map(str::to_owned);
        let proxies = choice.proxied.then(|| "127.0.0.1/32".parse().unwrap());
        let trusted_proxies = proxies.into_iter().collect();
        let site = Site { public_url, trusted_proxies, ..Site::default() };
        let setup = Setup { sign_in, site, campaign, clock: clock.clone(), ..Setup::default() };
        let edge = Running::start(setup).await;
        wechat.set_events_url(Some(&format!("http://{}/wechat/events", edge.address)));
        Self { edge, wechat, wechat_address, clock, sign_in: by_wechat, _stop: stop.drop_guard() }
    }

    /// The phone of a person, who follows the service account or not.
    pub(crate) fn phone(&self, name: &str, follows: bool) -> Browser<'_> {
        let person = self.wechat.person(name);
        person.set_follows(Kind::Service, follows);
        Browser::new(self, person)
    }

    /// Whom the campaign knows an identity as.
    pub(crate) fn voter(&self, identity: &str) -> VoterId {
        PseudonymKey::new(&[7; 32]).voter(identity.as_bytes())
    }

    /// The sign-ins counted so.
    pub(crate) fn sign_ins(&self, outcome: &str) -> u64 {
        sign_ins(&self.edge.registry, outcome)
    }
}

/// The sign-ins counted so.
pub(crate) fn sign_ins(registry: &Registry, outcome: &str) -> u64 {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let name = format!("weir_sign_ins_total{{campaign=\"c\",outcome=\"{outcome}\"}} ");
    let count = text.lines().find_map(|line| line.strip_prefix(&name));
    count.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

fn client(account: &Account, address: SocketAddr, clock: &Arc<TestClock>) -> WeChat {
    let account = wechat::Account {
        app_id: account.app_id.clone(),
        app_secret: account.app_secret.clone(),
        api: format!("http://{address}"),
        authorize: format!("http://{address}"),
    };
    let metrics = wechat::Metrics::new(&Registry::new()).unwrap();
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    WeChat::new(account, clock, metrics).unwrap()
}

//! What voters and strangers do over HTTP: ballots from networks of their own, sign-ins by way of
//! WeChat, events.
//!
//! Invariant: whatever is answered is an answer; only one that does not come is an error.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use ureq::http::Response;
use ureq::{Agent, Body};

use crate::Error;
use crate::files::built;
use crate::watch::now_s;

/// The people of one campaign.
#[derive(Debug)]
pub(super) struct People {
    /// Of the public listener: host and port.
    api: String,
    campaign: String,
    tokens: Vec<String>,
    next: AtomicUsize,
    agent: Agent,
}

impl People {
    /// Nobody has a token yet.
    pub(super) fn new(api: &str, campaign: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.max_redirects(0).max_redirects_will_error(false).build();
        Self {
            api: api.to_owned(),
            campaign: campaign.to_owned(),
            tokens: Vec::new(),
            next: AtomicUsize::new(0),
            agent: Agent::new_with_config(config),
        }
    }

    /// Gives so many people tokens.
    pub(super) fn register(&mut self, file: &str, data: &str, people: usize) -> Result<(), Error> {
        let mut command = Command::new(built("weir")?);
        command.args(["token", "--campaign", file, "--data", data]);
        command.args((0..people).map(|number| format!("voter-{number}")));
        let tokens = String::from_utf8(command.output()?.stdout)?;
        self.tokens = tokens.lines().map(str::to_owned).collect();
        if self.tokens.len() == people { Ok(()) } else { Err("weir token made none".into()) }
    }

    /// A number that is used once.
    pub(super) fn number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A ballot of somebody who has not voted, from this address.
    pub(super) fn votes(&self, from: &str) -> Result<u16, Error> {
        self.casts(self.number(), from, "{\"choices\":[17]}")
    }

    /// An address in a network that nobody else is in.
    pub(super) fn home(&self) -> String {
        let number = self.number();
        format!("11.{}.{}.1", number / 256 % 256, number % 256)
    }

    /// What somebody sends as a ballot.
    pub(super) fn casts(&self, who: usize, from: &str, ballot: &str) -> Result<u16, Error> {
        let token = self.tokens.get(who).ok_or("there are no more voters")?;
        let url = format!("http://{}/v1/campaigns/{}/ballots", self.api, self.campaign);
        let post = self.agent.post(&url).header("authorization", format!("Bearer {token}"));
        let post = post.header("x-forwarded-for", from).content_type("application/json");
        Ok(post.send(ballot)?.status().as_u16())
    }

    /// Somebody new signs in by way of WeChat, from this address; answers what the page is told.
    pub(super) fn signs_in(&self, from: &str) -> Result<String, Error> {
        let url = format!("http://{}/auth/wechat/login?campaign={}", self.api, self.campaign);
        let login = self.agent.get(&url).header("x-forwarded-for", from).call()?;
        let at_wechat = self.agent.get(location(&login)?).call()?;
        let back = self.agent.get(location(&at_wechat)?).header("cookie", cookies(&login));
        let told = location(&back.header("x-forwarded-for", from).call()?)?;
        Ok(told.rsplit("#login=").next().unwrap_or_default().to_owned())
    }

    /// An event that somebody sends who does not know the token.
    pub(super) fn forges(&self) -> Result<u16, Error> {
        let (signature, now_s, nonce) = ("0".repeat(40), now_s().floor(), self.number());
        let query = format!("signature={signature}&timestamp={now_s}&nonce={nonce}");
        let url = format!("http://{}/wechat/events?{query}", self.api);
        let post = self.agent.post(&url).content_type("text/xml");
        Ok(post.send("<xml></xml>")?.status().as_u16())
    }
}

/// Where an answer sends its browser.
fn location(answer: &Response<Body>) -> Result<String, Error> {
    let header = answer.headers().get("location").ok_or_else(|| answer.status().to_string())?;
    Ok(header.to_str()?.replace("#wechat_redirect", ""))
}

fn cookies(answer: &Response<Body>) -> String {
    let all = answer.headers().get_all("set-cookie").into_iter();
    let pairs = all.filter_map(|value| value.to_str().ok()?.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

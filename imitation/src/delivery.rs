//! The delivery of events: signed, posted, sent again when there is no 200 in time, and what the
//! account's server says to it.
//!
//! Invariant: nothing is ever sent to anything but a loopback address. An event is sent four times
//! at most.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::event::{Message, original_id, signature};
use crate::imitation::Imitation;
use crate::options::Kind;

/// WeChat's: once, and again three times.
const ATTEMPTS_MAX: u32 = 4;
/// No message that WeChat shows is as long.
const REPLY_BYTES_MAX: usize = 65_536;

/// An event has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The attempt that was answered, from 1 to 4.
    pub attempts: u32,
    /// The answer's body.
    pub body: String,
    /// What the person reads, if the answer was a message of text.
    pub text: Option<String>,
}

/// Why an event has not arrived, or what has come back cannot be shown.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Undelivered {
    /// It is not set.
    #[error("there is no address to send events to")]
    NoUrl,
    /// It is not one that the imitation may send anything to.
    #[error("{0} is not an http address of this machine's loopback")]
    NotLoopback(String),
    /// Only followers can send messages.
    #[error("who does not follow the account cannot send it messages")]
    NotAFollower,
    /// Every attempt failed.
    #[error("sent {ATTEMPTS_MAX} times, without a 200 in time; the last time: {0}")]
    Unanswered(String),
    /// WeChat would tell the person that the account is out of order.
    #[error("the answer is neither empty nor a text for this person: {0}")]
    BadReply(String),
}

impl Imitation {
    /// Sends an event, again if need be, and returns the answer.
    ///
    /// # Errors
    /// If nobody takes it, or the answer is none that WeChat could show.
    pub async fn deliver(&self, message: &Message) -> Result<Delivered, Undelivered> {
        let (target, deadline) = self.target()?;
        let mut last = String::new();
        for attempts in 1..=ATTEMPTS_MAX {
            let query = self.signed(message.kind, &format!("&openid={}", message.openid));
            let request = target.request(Method::POST, &query, message.xml());
            match timeout(deadline, target.send(request)).await {
                Ok(Ok(body)) => return read(message, attempts, body),
                Ok(Err(error)) => last = error,
                Err(_) => last = format!("nothing within {} ms", deadline.as_millis()),
            }
        }
        Err(Undelivered::Unanswered(last))
    }

    /// Does what WeChat does once when an account's owner sets the address of events: has it echo
    /// something. Answers whether it did.
    ///
    /// # Errors
    /// If it did not answer with 200.
    pub async fn verify_events_url(&self, kind: Kind) -> Result<bool, Undelivered> {
        let (target, deadline) = self.target()?;
        let echo = self.state().dice.letters(20);
        let query = self.signed(kind, &format!("&echostr={echo}"));
        let sent = timeout(deadline, target.send(target.request(Method::GET, &query, ""))).await;
        let sent = sent.unwrap_or_else(|_| Err("nothing in time".to_owned()));
        sent.map(|body| body == echo).map_err(Undelivered::Unanswered)
    }

    fn target(&self) -> Result<(Target, Duration), Undelivered> {
        let state = self.state();
        let url = state.events_url.as_deref().ok_or(Undelivered::NoUrl)?;
        let target = Target::new(url).ok_or_else(|| Undelivered::NotLoopback(url.to_owned()))?;
        Ok((target, state.event_deadline))
    }

    fn signed(&self, kind: Kind, more: &str) -> String {
        let timestamp = (self.now_ms() / 1_000).to_string();
        let nonce = self.state().dice.digits();
        let event_token = self.account(kind).map_or("", |account| account.event_token.as_str());
        let signature = signature(event_token, &timestamp, &nonce);
        format!("signature={signature}&timestamp={timestamp}&nonce={nonce}{more}")
    }
}

/// Where events are posted.
#[derive(Debug)]
struct Target {
    address: SocketAddr,
    authority: String,
    path: String,
}

impl Target {
    fn new(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok().filter(|uri: &Uri| uri.scheme_str() == Some("http"))?;
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        let is_local = host.eq_ignore_ascii_case("localhost");
        let ip = if is_local { Ipv4Addr::LOCALHOST.into() } else { host.parse::<IpAddr>().ok()? };
        let address = SocketAddr::new(ip, uri.port_u16().unwrap_or(80));
        let authority = uri.authority()?.to_string();
        ip.is_loopback().then(|| Self { address, authority, path: uri.path().to_owned() })
    }

    fn request(&self, method: Method, query: &str, body: &str) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(body.to_owned()));
        *request.method_mut() = method;
        // All of it is made of what is good in a URI.
        *request.uri_mut() = format!("{}?{query}", self.path).parse().unwrap_or_default();
        if let Ok(host) = self.authority.parse() {
            request.headers_mut().insert(HOST, host);
        }
        let xml = hyper::header::HeaderValue::from_static("text/xml");
        request.headers_mut().insert(CONTENT_TYPE, xml);
        request
    }

    /// The body of a 200, or why there is none.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<String, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
        // Ends with this future, so that a late server finds the connection closed.
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(response.status().to_string());
        }
        let body = Limited::new(response.into_body(), REPLY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        String::from_utf8(body.into()).map_err(|error| error.to_string())
    }
}

/// Reads the answer to an event as WeChat does.
fn read(message: &Message, attempts: u32, body: String) -> Result<Delivered, Undelivered> {
    if body.is_empty() || body == "success" {
        return Ok(Delivered { attempts, body, text: None });
    }
    let Some(text) = shown(message, &body) else { return Err(Undelivered::BadReply(body)) };
    Ok(Delivered { attempts, body, text: Some(text) })
}

/// The text of a message that answers another.
fn shown(message: &Message, xml: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let root = document.root_element();
    let inner = |name| {
        let node = root.children().find(|node| node.has_tag_name(name))?;
        Some(node.children().filter_map(|it| it.text()).collect::<String>())
    };
    let is_answer = root.has_tag_name("xml")
        && inner("ToUserName")? == message.openid
        && inner("FromUserName")? == original_id(message.kind)
        && inner("CreateTime")?.parse::<u64>().is_ok()
        && inner("MsgType")? == "text";
    inner("Content").filter(|_| is_answer)
}

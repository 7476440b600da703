//! A voter's browser: it keeps cookies as browsers do, and goes where it is sent.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http_body_util::Full;
use hyper::{Method, Request};
use imitation::Person;

use super::client::{Answer, send};
use super::world::World;

/// How the cookies begin that sign-ins on their way have.
const LOGIN: &str = "__Host-weir-login.";

/// The browser of one person.
pub(crate) struct Browser<'a> {
    world: &'a World,
    pub(crate) person: Person,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World, person: Person) -> Self {
        Self { world, person, cookies: Mutex::default() }
    }

    /// Another browser of the same person.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.world, self.person.clone())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The names of the cookies of sign-ins on their way.
    pub(crate) fn begun(&self) -> Vec<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.keys().filter(|name| name.starts_with(LOGIN)).cloned().collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let cookies =
            self.cookies.lock().unwrap().iter().fold(String::new(), |all, (name, value)| {
                let joint = if all.is_empty() { "" } else { "; " };
                all + joint + name + "=" + value
            });
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let answer = self.world.edge.send(method, path, &headers, body.to_owned()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.set_cookie(name, value);
        }
        answer
    }

    /// Begins to sign in, and answers the address at which WeChat sends the browser back.
    pub(crate) async fn set_out(&self) -> String {
        let sent = self.get("/auth/wechat/login?campaign=c").await;
        assert_eq!(sent.status, 302, "{sent:?}");
        self.at_wechat(sent.header("location")).await
    }

    /// Goes to WeChat's page, and answers the path at which it is sent back.
    pub(crate) async fn at_wechat(&self, url: &str) -> String {
        let host = format!("http://{}", self.world.wechat_address);
        let path = url.strip_prefix(&host).unwrap().split('#').next().unwrap();
        let request = Request::get(path).header("host", "wechat");
        let request = request.header("cookie", self.person.cookie());
        let answer = send(self.world.wechat_address, request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let (_, back) = answer.header("location").split_once("://vote.example").unwrap();
        back.to_owned()
    }

    /// Comes back from WeChat, is sent there again if need be, and answers the word for the page.
    pub(crate) async fn come_back(&self, path: &str) -> String {
        let mut answer = self.get(path).await;
        while answer.header("location").starts_with("http") {
            let path = self.at_wechat(answer.header("location")).await;
            answer = self.get(&path).await;
        }
        outcome(&answer)
    }

    /// Signs in, and answers the word for the page.
    pub(crate) async fn sign_in(&self) -> String {
        let path = self.set_out().await;
        self.come_back(&path).await
    }

    /// Casts a ballot with the cookie, and answers the status.
    pub(crate) async fn cast(&self) -> u16 {
        let answer = self.post("/v1/campaigns/c/ballots", "{\"choices\":[1]}").await;
        answer.status.as_u16()
    }
}

/// The word for the page.
pub(crate) fn outcome(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let word = answer.header("location").strip_prefix("/campaigns/c#login=");
    word.unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

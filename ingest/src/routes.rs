//! The addresses of the public listener, and which methods each takes.
//!
//! Never here: an allocation, or a look at anything but the path.

use hyper::Method;

/// An address that exists, with what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/v1/campaigns/{id}/ballots`
    Ballots(&'a str),
    /// `/v1/campaigns/{id}`
    Campaign(&'a str),
    /// `/v1/campaigns/{id}/tally`
    Tally(&'a str),
    /// `/v1/campaigns/{id}/tally/stream`
    TallyStream(&'a str),
    /// `/v1/receipts/{campaign}/{receipt}`
    Receipt(&'a str, &'a str),
    /// `/v1/campaigns/{id}/frontiers`
    Frontiers(&'a str),
    /// `/v1/campaigns/{id}/me`
    Me(&'a str),
    /// `/v1/campaigns/{id}/session`
    Session(&'a str),
    /// `/campaigns/{id}`
    Page(&'a str),
    /// `/campaigns/{id}/board`
    Board(&'a str),
    /// `/campaigns/{id}/poster.svg`
    Poster(&'a str),
    /// `/`
    Home,
    /// `/assets/{name}`
    Asset(&'a str),
    /// `/auth/wechat/login`
    Login,
    /// `/auth/wechat/callback`
    Callback,
    /// `/wechat/events`
    Events,
    /// `/MP_verify_{name}.txt`
    Verify(&'a str),
    /// `/openapi.json`
    OpenApi,
}

impl<'a> Route<'a> {
    /// The address of a path.
    pub(crate) fn find(path: &'a str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/v1/") {
            return Self::api(rest);
        }
        if let Some(rest) = path.strip_prefix("/campaigns/") {
            return Self::page(rest);
        }
        if let Some(name) = path.strip_prefix("/assets/") {
            return Some(Self::Asset(name));
        }
        if let Some(name) = path.strip_prefix("/MP_verify_") {
            return name.strip_suffix(".txt").map(Self::Verify);
        }
        match path {
            "/" => Some(Self::Home),
            "/auth/wechat/login" => Some(Self::Login),
            "/auth/wechat/callback" => Some(Self::Callback),
            "/wechat/events" => Some(Self::Events),
            "/openapi.json" => Some(Self::OpenApi),
            _ => None,
        }
    }

    fn api(rest: &'a str) -> Option<Self> {
        let mut parts = rest.split('/');
        let [first, id, third, fourth, fifth] = std::array::from_fn(|_| parts.next());
        let id = id.filter(|id| !id.is_empty())?;
        match (first?, third, fourth, fifth) {
            ("campaigns", None, None, None) => Some(Self::Campaign(id)),
            ("campaigns", Some("ballots"), None, None) => Some(Self::Ballots(id)),
            ("campaigns", Some("tally"), None, None) => Some(Self::Tally(id)),
            ("campaigns", Some("tally"), Some("stream"), None) => Some(Self::TallyStream(id)),
            ("campaigns", Some("frontiers"), None, None) => Some(Self::Frontiers(id)),
            ("campaigns", Some("me"), None, None) => Some(Self::Me(id)),
            ("campaigns", Some("session"), None, None) => Some(Self::Session(id)),
            ("receipts", Some(receipt), None, None) => Some(Self::Receipt(id, receipt)),
            _ => None,
        }
    }

    fn page(rest: &'a str) -> Option<Self> {
        let (id, page) = rest.split_once('/').map_or((rest, None), |(id, page)| (id, Some(page)));
        let id = Some(id).filter(|id| !id.is_empty())?;
        match page {
            None => Some(Self::Page(id)),
            Some("board") => Some(Self::Board(id)),
            Some("poster.svg") => Some(Self::Poster(id)),
            Some(_) => None,
        }
    }

    /// The campaign it names.
    pub(crate) const fn campaign(self) -> Option<&'a str> {
        match self {
            Self::Ballots(id)
            | Self::Campaign(id)
            | Self::Tally(id)
            | Self::TallyStream(id)
            | Self::Receipt(id, _)
            | Self::Frontiers(id)
            | Self::Me(id)
            | Self::Session(id)
            | Self::Page(id)
            | Self::Board(id)
            | Self::Poster(id) => Some(id),
            Self::Home
            | Self::Asset(_)
            | Self::Login
            | Self::Callback
            | Self::Events
            | Self::Verify(_)
            | Self::OpenApi => None,
        }
    }

    /// The methods it takes, as in `Allow`.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Ballots(_) | Self::Session(_) => "POST",
            Self::Events => "GET, POST",
            // A login and a callback change something: nobody is to look ahead by HEAD.
            Self::Login | Self::Callback => "GET",
            Self::Campaign(_)
            | Self::Tally(_)
            | Self::TallyStream(_)
            | Self::Receipt(..)
            | Self::Frontiers(_)
            | Self::Me(_)
            | Self::Page(_)
            | Self::Board(_)
            | Self::Poster(_)
            | Self::Home
            | Self::Asset(_)
            | Self::Verify(_)
            | Self::OpenApi => "GET, HEAD",
        }
    }

    /// Whether it takes this method.
    pub(crate) fn takes(self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// Whether a body belongs to a request to it, which is waited for.
    pub(crate) const fn has_body(self) -> bool {
        matches!(self, Self::Ballots(_) | Self::Session(_) | Self::Events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_exactly_or_not_at_all() {
        for (path, expected) in [
            ("/v1/campaigns/c", Some(Route::Campaign("c"))),
            ("/v1/campaigns/c/ballots", Some(Route::Ballots("c"))),
            ("/v1/campaigns/c/tally", Some(Route::Tally("c"))),
            ("/v1/campaigns/c/tally/stream", Some(Route::TallyStream("c"))),
            ("/v1/receipts/c/1-2-3", Some(Route::Receipt("c", "1-2-3"))),
            ("/v1/campaigns/c/frontiers", Some(Route::Frontiers("c"))),
            ("/v1/campaigns/c/me", Some(Route::Me("c"))),
            ("/v1/campaigns/c/session", Some(Route::Session("c"))),
            ("/openapi.json", Some(Route::OpenApi)),
            ("/", Some(Route::Home)),
            ("/campaigns/c", Some(Route::Page("c"))),
            ("/campaigns/c/board", Some(Route::Board("c"))),
            ("/campaigns/c/poster.svg", Some(Route::Poster("c"))),
            ("/assets/page.js", Some(Route::Asset("page.js"))),
            ("/assets/../page.js", Some(Route::Asset("../page.js"))),
            ("/auth/wechat/login", Some(Route::Login)),
            ("/auth/wechat/callback", Some(Route::Callback)),
            ("/wechat/events", Some(Route::Events)),
            ("/MP_verify_aB1.txt", Some(Route::Verify("aB1"))),
            ("/MP_verify_aB1", None),
            ("/mp_verify_aB1.txt", None),
            ("/campaigns/", None),
            ("/campaigns/c/", None),
            ("/campaigns//board", None),
            ("/campaigns/c/board/", None),
            ("/campaigns/c/poster", None),
            ("/auth/wechat/login/", None),
            ("/auth", None),
            ("/assets", None),
            ("/v1/openapi.json", None),
            ("/v1/campaigns", None),
            ("/v1/campaigns/", None),
            ("/v1/campaigns/c/", None),
            ("/v1/campaigns/c/ballots/", None),
            ("/v1/campaigns/c/tally/stream/x", None),
            ("/v1/campaigns/c/tally/stream/x/y", None),
            ("/v1/receipts/c", None),
            ("/V1/campaigns/c", None),
            ("//v1/campaigns/c", None),
            ("//", None),
            ("", None),
        ] {
            assert_eq!(Route::find(path), expected, "{path}");
        }
    }

    #[test]
    fn a_route_takes_exactly_the_methods_that_it_allows() {
        for (route, expected) in [
            (Route::Ballots("c"), vec![Method::POST]),
            (Route::Events, vec![Method::GET, Method::POST]),
            (Route::Callback, vec![Method::GET]),
            (Route::Page("c"), vec![Method::GET, Method::HEAD]),
        ] {
            let all = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::OPTIONS];
            let taken: Vec<_> = all.into_iter().filter(|method| route.takes(method)).collect();
            assert_eq!(taken, expected, "{route:?}");
        }
    }
}

//! The addresses of the public listener, and which methods each takes.
//!
//! Never here: an allocation, or a look at anything but the path. Pages, board, poster and
//! identity come as further variants.

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
    /// `/openapi.json`
    OpenApi,
}

impl<'a> Route<'a> {
    /// The address of a path.
    pub(crate) fn find(path: &'a str) -> Option<Self> {
        let Some(rest) = path.strip_prefix("/v1/") else {
            return (path == "/openapi.json").then_some(Self::OpenApi);
        };
        let mut parts = rest.split('/');
        let [first, id, third, fourth, fifth] = std::array::from_fn(|_| parts.next());
        let id = id.filter(|id| !id.is_empty())?;
        match (first?, third, fourth, fifth) {
            ("campaigns", None, None, None) => Some(Self::Campaign(id)),
            ("campaigns", Some("ballots"), None, None) => Some(Self::Ballots(id)),
            ("campaigns", Some("tally"), None, None) => Some(Self::Tally(id)),
            ("campaigns", Some("tally"), Some("stream"), None) => Some(Self::TallyStream(id)),
            ("receipts", Some(receipt), None, None) => Some(Self::Receipt(id, receipt)),
            _ => None,
        }
    }

    /// The campaign it names.
    pub(crate) const fn campaign(self) -> Option<&'a str> {
        match self {
            Self::Ballots(id)
            | Self::Campaign(id)
            | Self::Tally(id)
            | Self::TallyStream(id)
            | Self::Receipt(id, _) => Some(id),
            Self::OpenApi => None,
        }
    }

    /// The methods it takes, as in `Allow`.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Ballots(_) => "POST",
            Self::Campaign(_)
            | Self::Tally(_)
            | Self::TallyStream(_)
            | Self::Receipt(..)
            | Self::OpenApi => "GET, HEAD",
        }
    }

    /// Whether it takes this method.
    pub(crate) fn takes(self, method: &Method) -> bool {
        match self {
            Self::Ballots(_) => method == Method::POST,
            Self::Campaign(_)
            | Self::Tally(_)
            | Self::TallyStream(_)
            | Self::Receipt(..)
            | Self::OpenApi => method == Method::GET || method == Method::HEAD,
        }
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
            ("/openapi.json", Some(Route::OpenApi)),
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
            ("/", None),
        ] {
            assert_eq!(Route::find(path), expected, "{path}");
        }
    }
}

//! A request's refusal as the problem document of RFC 9457, or to a browser as a page, with its
//! headers.
//!
//! The sentence is in the reader's language and, beside it, in both. Never here: an identity, or
//! more of what was sent than a few words.

use std::borrow::Cow;

use hyper::Response;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LANGUAGE, CONTENT_TYPE};
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use serde::Serialize;

use crate::challenge::Task;
use crate::language::Language;
use crate::pages;
use crate::problem::{Problem, Retry};
use crate::server::Body;

type Text = Cow<'static, str>;

/// A request's refusal: the problem, and what it is in this case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
    sentences: [Text; 2],
    allow: Option<&'static str>,
    challenge: Option<Box<Task>>,
}

impl Problem {
    /// This problem, with sentences that say more than the usual ones.
    pub(crate) fn because(self, en: impl Into<Text>, zh: impl Into<Text>) -> Refusal {
        let sentences = [en.into(), zh.into()];
        Refusal { problem: self, sentences, allow: None, challenge: None }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let [en, zh] = problem.facts().sentences;
        problem.because(en, zh)
    }
}

/// The document of RFC 9457, with members of our own behind `detail`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    retry: Retry,
    detail_en: &'a str,
    detail_zh: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<&'a Task>,
}

impl Refusal {
    /// The refusal of a method where only these are allowed.
    pub(crate) fn method(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Problem::MethodNotAllowed.into() }
    }

    /// This refusal, with what the voter is asked to do.
    pub(crate) fn with(self, task: Task) -> Self {
        Self { challenge: Some(Box::new(task)), ..self }
    }

    /// The answer to such a request of the public listener.
    pub(crate) fn answer(&self, parts: &Parts) -> Response<Body> {
        let sentences = self.sentences.each_ref().map(AsRef::as_ref);
        let page = pages::refused(self.problem.facts().status, sentences, parts);
        page.map_or_else(|| self.response(&parts.headers), |page| self.with_headers(page))
    }

    /// The answer to a program's request with these headers.
    pub(crate) fn response(&self, headers: &HeaderMap) -> Response<Body> {
        self.with_headers(self.document(Language::of(headers)))
    }

    fn with_headers(&self, mut response: Response<Body>) -> Response<Body> {
        let facts = self.problem.facts();
        *response.status_mut() = facts.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = facts.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.problem == Problem::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.problem, Problem::RequestTimeout | Problem::RequestBroken) {
            // What comes after half a request is not to be taken for the next one.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn document(&self, language: Language) -> Response<Body> {
        let facts = self.problem.facts();
        let [en, zh] = &self.sentences;
        let document = Document {
            // Resolves to the example of this very problem; RFC 9457 asks for a full path.
            kind: format!("/openapi.json#/components/examples/{}", facts.code),
            title: facts.status.canonical_reason().unwrap_or_default(),
            status: facts.status.as_u16(),
            detail: match language {
                Language::English => en,
                Language::Chinese => zh,
            },
            code: facts.code,
            retry: facts.retry,
            detail_en: en,
            detail_zh: zh,
            challenge: self.challenge.as_deref(),
        };
        let json = serde_json::to_vec(&document).expect("strings and a number are always JSON");
        let mut response = Response::new(Body::fixed(json));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        response
    }
}

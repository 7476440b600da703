//! A refusal as somebody sees it who has opened an address in a browser: a sentence, and the way to
//! where the campaigns are.
//!
//! Invariant: programs get the document of RFC 9457 as ever; only who asks for HTML outside the
//! addresses of programs gets this. Made when it is asked for, and not compressed, so that it costs
//! no more than the document. Never here: anything of what was asked for but language and channel.

use askama::Template;
use hyper::header::{ACCEPT, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};

use super::assets::File;
use super::headers::secure;
use super::{kept, language};
use crate::language::Language;
use crate::server::Body;

/// Where programs ask, WeChat's among them.
const OF_PROGRAMS: [&str; 3] = ["/v1/", "/wechat/", "/openapi.json"];

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    language: Language,
    base_css: String,
    page_css: String,
    icon: String,
    status: u16,
    title: &'static str,
    sentence: &'a str,
    way: &'static str,
    kept: String,
}

/// The page that says these sentences, in English or in Chinese, to a browser that asks for one.
pub(crate) fn refused(
    status: StatusCode,
    [en, zh]: [&str; 2],
    parts: &Parts,
) -> Option<Response<Body>> {
    let path = parts.uri.path();
    if OF_PROGRAMS.iter().any(|start| path.starts_with(start)) || !takes_html(&parts.headers) {
        return None;
    }
    let language = language(parts);
    let is_missing = status == StatusCode::NOT_FOUND;
    let (title, sentence, way) = match language {
        Language::Chinese if is_missing => ("没有这个页面", zh, "去投票首页"),
        Language::Chinese => ("暂时打不开", zh, "去投票首页"),
        Language::English if is_missing => ("There is no such page", en, "To the vote"),
        Language::English => ("This page cannot be shown", en, "To the vote"),
    };
    let page = Refused {
        language,
        base_css: File::BaseCss.href(),
        page_css: File::PageCss.href(),
        icon: File::Icon.href(),
        status: status.as_u16(),
        title,
        sentence,
        way,
        kept: kept(parts),
    };
    let html = page.render().expect("a template of texts always renders");
    let mut response = Response::new(Body::fixed(html));
    let headers = response.headers_mut();
    secure(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    Some(response)
}

/// Whether it is HTML that is asked for, by name: whoever takes anything takes the document.
fn takes_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        is_html && weight.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn page(path: &str, accept: &str) -> Option<Response<Body>> {
        let request = Request::builder().uri(path).header(ACCEPT, accept).body(()).unwrap();
        refused(StatusCode::NOT_FOUND, ["No.", "无"], &request.into_parts().0)
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_does_not() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for path in ["/nothing", "/campaigns/d", "/auth/wechat/login", "/v1", "*"] {
            assert!(page(path, browser).is_some(), "{path}");
        }
        for path in ["/v1/campaigns/d", "/v1/x", "/wechat/events", "/openapi.json"] {
            assert!(page(path, browser).is_none(), "{path}");
        }
        for (accept, expected) in [
            ("TEXT/HTML;q=0.1", true),
            ("application/json, text/html ; charset=utf-8", true),
            ("*/*", false),
            ("text/*", false),
            ("text/html;q=0.0, */*", false),
            ("text/html-x", false),
            ("", false),
        ] {
            assert_eq!(page("/nothing", accept).is_some(), expected, "{accept}");
        }
    }
}

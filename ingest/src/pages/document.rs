//! Bytes that are served as they are: made, compressed and tagged once, then only cloned.
//!
//! Invariant: the compressed bytes are the plain ones, and each of the two has a strong entity tag
//! of its own. Never here: work per request beyond a look at three headers.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};
use hyper::{Response, StatusCode};

use super::headers::{secure, secure_file};
use crate::etag::has;
use crate::language::Language;
use crate::server::Body;

/// Ten seconds: long enough to carry a burst in a cache, short enough for a corrected text.
const PAGE_CACHE: &str = "public, max-age=10";
/// A minute: whoever prints a poster looks at it once.
const POSTER_CACHE: &str = "public, max-age=60";
/// A year, the most that RFC 9111's readers promise. The name changes with the content.
const FILE_CACHE: &str = "public, max-age=31536000, immutable";
/// Characters of the content's hash in an entity tag: 64 bits.
const TAG_CHARS: usize = 16;

/// Bytes to serve, with their headers.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    plain: Form,
    gzip: Form,
}

#[derive(Debug, Clone)]
struct Form {
    bytes: Bytes,
    etag: String,
    headers: HeaderMap,
}

impl Document {
    /// A page in a language.
    pub(crate) fn page(html: String, language: Language) -> Self {
        let mut headers = HeaderMap::new();
        secure(&mut headers);
        let fixed = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_LANGUAGE, language.tag()),
            (CACHE_CONTROL, PAGE_CACHE),
            (VARY, "Accept-Language, Accept-Encoding"),
        ];
        headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        Self::new(html.into(), headers)
    }

    /// A poster in a language, which may have what its own policy says.
    pub(crate) fn poster(svg: String, language: Language, policy: &HeaderValue) -> Self {
        let mut headers = HeaderMap::new();
        secure_file(&mut headers);
        let fixed = [
            (CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
            (CONTENT_LANGUAGE, language.tag()),
            (CACHE_CONTROL, POSTER_CACHE),
            (VARY, "Accept-Language, Accept-Encoding"),
        ];
        headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        Self::new(svg.into(), headers)
    }

    /// A static file, under a name that no other content ever has.
    pub(crate) fn file(bytes: Bytes, content_type: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        secure_file(&mut headers);
        let fixed =
            [(CONTENT_TYPE, content_type), (CACHE_CONTROL, FILE_CACHE), (VARY, "Accept-Encoding")];
        headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        Self::new(bytes, headers)
    }

    fn new(plain: Bytes, headers: HeaderMap) -> Self {
        let hash = blake3::hash(&plain).to_hex();
        let hash = &hash[..TAG_CHARS];
        let gzip = Form::new(compressed(&plain), format!("\"{hash}-gz\""), &headers, true);
        Self { plain: Form::new(plain, format!("\"{hash}\""), &headers, false), gzip }
    }

    /// Answers with them, or with 304 to a client that has them.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let form = if takes_gzip(asked) { &self.gzip } else { &self.plain };
        let mut response = Response::new(Body::empty());
        response.headers_mut().clone_from(&form.headers);
        if has(asked, &[&self.plain.etag, &self.gzip.etag]) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_ENCODING);
        } else {
            *response.body_mut() = Body::fixed(form.bytes.clone());
        }
        response
    }

    /// The bytes as they are.
    #[cfg(test)]
    pub(crate) const fn plain(&self) -> &Bytes {
        &self.plain.bytes
    }

    /// The bytes as most browsers get them.
    #[cfg(test)]
    pub(crate) const fn gzip(&self) -> &Bytes {
        &self.gzip.bytes
    }
}

impl Form {
    fn new(bytes: Bytes, etag: String, headers: &HeaderMap, compressed: bool) -> Self {
        let mut headers = headers.clone();
        let tag = HeaderValue::from_str(&etag).expect("a quoted hexadecimal number");
        headers.insert(ETAG, tag);
        if compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self { bytes, etag, headers }
    }
}

fn compressed(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("writing to memory never fails").into()
}

/// Whether the client takes gzip: named, or under a star, and not with the weight nought.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut star = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for coding in value.to_str().unwrap_or_default().split(',') {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            let wanted = weight.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
            if name.eq_ignore_ascii_case("gzip") {
                return wanted;
            }
            star |= name == "*" && wanted;
        }
    }
    star
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use hyper::header::IF_NONE_MATCH;

    use super::*;

    fn asked(pairs: &[(hyper::header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_compressed_bytes_are_the_plain_ones() {
        let document = Document::page("社区".repeat(5_000), Language::Chinese);
        let mut read = String::new();
        flate2::read::GzDecoder::new(&document.gzip()[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read.as_bytes(), &document.plain()[..]);
        assert!(document.gzip().len() < 200);
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it_only() {
        for (header, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, *", false),
            ("*;q=0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&asked(&[(ACCEPT_ENCODING, header)])), expected, "{header}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_poster_is_a_page_in_all_but_its_policy() {
        let policy = HeaderValue::from_static("default-src 'none'");
        let poster = Document::poster("<svg/>".to_owned(), Language::Chinese, &policy);
        let page = Document::page("<svg/>".to_owned(), Language::Chinese);
        let [poster, page] = [poster, page].map(|of| of.answer(&HeaderMap::new()));
        for same in [VARY, ETAG, CONTENT_LANGUAGE] {
            assert_eq!(poster.headers()[&same], page.headers()[&same], "{same}");
        }
        assert_eq!(poster.headers()[CONTENT_SECURITY_POLICY], policy);
    }

    #[test]
    fn a_client_that_has_either_form_is_told_so_and_nothing_else() {
        let document = Document::page("<p>1".to_owned(), Language::Chinese);
        let first = document.answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let zipped = document.answer(&asked(&[(ACCEPT_ENCODING, "gzip")]));
        assert_ne!(first.headers()[ETAG], zipped.headers()[ETAG]);
        for tag in [&first.headers()[ETAG], &zipped.headers()[ETAG]] {
            for tag in [tag.to_str().unwrap().to_owned(), format!("W/{}", tag.to_str().unwrap())] {
                let again = document.answer(&asked(&[(IF_NONE_MATCH, &tag)]));
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
                assert_eq!(hyper::body::Body::size_hint(again.body()).exact(), Some(0));
                assert!(again.headers().contains_key(VARY) && again.headers().contains_key(ETAG));
            }
        }
        let other = document.answer(&asked(&[(IF_NONE_MATCH, "\"b\"")]));
        assert_eq!(other.status(), StatusCode::OK);
    }
}

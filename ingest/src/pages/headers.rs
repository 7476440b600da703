//! The headers that every page and every static file carries: what a browser may do with it.
//!
//! Invariant: no answer of HTML leaves without them. Nothing inline, nothing from another origin,
//! no frame around us; so a text that slipped through the escaping could still run nothing. Never
//! here: a header that depends on the request, or HSTS, which only the TLS listener may promise.

use hyper::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY};
use hyper::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};

/// Strict: our own scripts and styles, by address only.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Adds them to an answer of HTML.
pub(crate) fn secure(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    secure_file(headers);
}

/// Adds to an answer of a file what holds for it too.
pub(crate) fn secure_file(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

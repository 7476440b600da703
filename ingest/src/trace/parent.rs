//! The header `traceparent` of W3C Trace Context, as far as it says which span called.
//!
//! Invariant: what is not exactly as the recommendation says is no header at all.

use hyper::header::HeaderMap;

/// The caller's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: u128,
    pub(super) span: u64,
    /// Whether the caller is traced.
    pub(super) sampled: bool,
}

impl Parent {
    /// Who called, if the headers say so, once.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").into_iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        Self::parse(value.to_str().ok()?)
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let [version, trace, span, flags] = [2, 32, 16, 2].map(|len| hex(parts.next(), len));
        let (version, flags) = (version?, flags?);
        // Version 0 ends here; a later one may go on. 255 is none.
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let (trace, span) = (trace?, u64::try_from(span?).ok()?);
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

/// So many lower-case hexadecimal digits.
fn hex(part: Option<&str>, len: usize) -> Option<u128> {
    let part = part.filter(|part| part.len() == len)?;
    let digits = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(part, 16).ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_as_recommended_is_none() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let good = Parent::parse(&format!("00-{trace}-{span}-01")).unwrap();
        assert!(good.sampled && good.span == 0x00f0_67aa_0ba9_02b7);
        assert!(!Parent::parse(&format!("00-{trace}-{span}-02")).unwrap().sampled);
        assert!(Parent::parse(&format!("01-{trace}-{span}-03-more")).unwrap().sampled);
        for bad in [
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-+0f067aa0ba902b7-01"),
            String::new(),
        ] {
            assert_eq!(Parent::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.append("traceparent", value.parse().unwrap());
        assert!(Parent::of(&headers).is_some());
        headers.append("traceparent", value.parse().unwrap());
        assert_eq!(Parent::of(&headers), None);
    }
}

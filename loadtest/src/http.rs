//! HTTP/1.1 as far as a load needs it: a request written into a buffer, an answer found in one.
//!
//! Our own, because it is cheap: hyper's client costs several times the writing and parsing here,
//! and what the load burns on a machine it shares with the server is missing there. It knows whole
//! answers with a `Content-Length` and refuses others. Never here: a socket.

/// Where a server listens, as its requests name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `host:port`, for the header and for connecting.
    pub host: String,
    /// The path that all of the campaign's begin with.
    pub path: String,
}

impl Origin {
    /// Writes a ballot: the token, and a body that `body` adds to the request.
    pub fn ballot(&self, into: &mut Vec<u8>, token: &[u8], body: &[u8]) {
        let mut digits = [0; 20];
        let parts: [&[u8]; 9] = [
            b"POST ",
            self.path.as_bytes(),
            b"/ballots HTTP/1.1\r\nHost: ",
            self.host.as_bytes(),
            b"\r\nAuthorization: Bearer ",
            token,
            b"\r\nContent-Type: application/json\r\nContent-Length: ",
            decimal(body.len() as u64, &mut digits),
            b"\r\n\r\n",
        ];
        parts.iter().for_each(|part| into.extend_from_slice(part));
        into.extend_from_slice(body);
    }

    /// A request for something; with a token, as that voter.
    #[must_use]
    pub fn question(&self, path: &str, token: Option<&str>) -> Vec<u8> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if let Some(token) = token {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        request += "\r\n";
        request.into_bytes()
    }
}

/// The decimal digits of a number, in a place for them.
pub fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// The head of an answer, and where its body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Bytes before the body.
    pub length: usize,
    /// Bytes of the body.
    pub body_length: usize,
    /// Whether the server closes the connection behind it.
    pub closes: bool,
    /// Seconds of `Retry-After`.
    pub retry_after_s: Option<u32>,
}

/// What came is not an answer that this reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnAnswer;

/// A longer head is none of Weir's.
const HEAD_MAX: usize = 16 * 1024;

/// The head at the start of these bytes; `None` if they do not hold all of it yet.
///
/// # Errors
/// [`NotAnAnswer`] for what cannot become one, or is sent in chunks.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, NotAnAnswer> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        let fits = bytes.len() < HEAD_MAX && b"HTTP/1.".iter().zip(bytes).all(|(a, b)| a == b);
        return if fits { Ok(None) } else { Err(NotAnAnswer) };
    };
    let mut lines = bytes[..end].split(|byte| *byte == b'\n');
    let status = lines.next().and_then(status).ok_or(NotAnAnswer)?;
    let mut head =
        Head { status, length: end + 4, body_length: 0, closes: false, retry_after_s: None };
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(NotAnAnswer)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            head.body_length = number(value).ok_or(NotAnAnswer)?;
        } else if name.eq_ignore_ascii_case(b"connection") {
            head.closes = value.eq_ignore_ascii_case(b"close");
        } else if name.eq_ignore_ascii_case(b"retry-after") {
            // It may also be a date, which Weir never sends.
            head.retry_after_s = number(value);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(NotAnAnswer);
        }
    }
    Ok(Some(head))
}

fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    number(rest.get(2..5)?).filter(|status| (100..1_000).contains(status))
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if plain { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

/// The text behind `"name":"` in a flat JSON object, for the few that the hot path reads.
#[must_use]
pub fn text_field<'a>(json: &'a [u8], name: &str) -> Option<&'a str> {
    let name = name.as_bytes();
    let quoted = |at: usize| {
        let rest = json[at..].strip_prefix(b"\"")?.strip_prefix(name)?;
        rest.strip_prefix(b"\":\"").or_else(|| rest.strip_prefix(b"\": \""))
    };
    let value = (0..json.len()).find_map(quoted)?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&value[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: a/b\r\n\
        content-length: 5\r\nRetry-After: 2\r\nConnection: close\r\n\r\nhello";

    #[test]
    fn an_answer_is_found_wherever_its_reads_were_split() {
        let whole = Head {
            status: 503,
            length: ANSWER.len() - 5,
            body_length: 5,
            closes: true,
            retry_after_s: Some(2),
        };
        for end in 0..=ANSWER.len() {
            let expected = (end >= whole.length).then_some(whole);
            assert_eq!(head(&ANSWER[..end]), Ok(expected), "{end}");
        }
    }

    #[test]
    fn an_answer_without_a_body_has_none() {
        let read = head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!((read.status, read.body_length, read.closes), (204, 0, false));
    }

    #[test]
    fn what_is_no_answer_is_refused_as_soon_as_it_shows() {
        let cases: [&[u8]; 6] = [
            b"SSH-2.0",
            b"HTTP/2 200",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ];
        for case in cases {
            assert_eq!(head(case), Err(NotAnAnswer), "{}", String::from_utf8_lossy(case));
        }
        let long = [b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'a'; HEAD_MAX]].concat();
        assert_eq!(head(&long), Err(NotAnAnswer));
    }

    #[test]
    fn a_ballot_has_its_length_and_a_field_is_found_by_its_name() {
        let origin = Origin { host: "[::1]:80".to_owned(), path: "/v1/campaigns/c".to_owned() };
        let mut request = Vec::new();
        origin.ballot(&mut request, b"T", b"{\"choices\":[1]}");
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("POST /v1/campaigns/c/ballots HTTP/1.1\r\nHost: [::1]:80\r\n"));
        assert!(text.ends_with("Content-Length: 15\r\n\r\n{\"choices\":[1]}"));
        let json = br#"{"receipt":"1-2-3","day":"2023-12-18"}"#;
        assert_eq!(text_field(json, "receipt"), Some("1-2-3"));
        assert_eq!(text_field(json, "day"), Some("2023-12-18"));
        assert_eq!(text_field(json, "da"), None);
        assert_eq!(decimal(0, &mut [0; 20]), b"0");
        assert_eq!(decimal(u64::MAX, &mut [0; 20]), u64::MAX.to_string().as_bytes());
    }
}

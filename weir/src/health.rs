//! `weir health`: asks a running weir how it is, for images that have neither shell nor curl.
//!
//! One request, one answer, a deadline for each step. Never here: a healthy answer that a process
//! did not give itself.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::args::HealthArgs;
use crate::exit::Failure;
use crate::process::origin;
use crate::say;

/// For connecting, and for each step of the answer; containers are asked again within seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than all complaints of many campaigns.
const ANSWER_MAX: u64 = 65_536;

pub(crate) fn run(args: &HealthArgs) -> Result<(), Failure> {
    let path = if args.ready { "/readyz" } else { "/livez" };
    let url = format!("{}{path}", origin(args.ops));
    let answer = ask(args, path).map_err(|error| {
        Failure::unhealthy(format!("{url} does not answer: {error}; see the process's own log"))
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).filter(|_| head.starts_with("HTTP/1.1 "));
    match status {
        Some("200") => {
            say(&format!("{url} says 200"));
            Ok(())
        }
        Some(status) => Err(Failure::unhealthy(format!("{url} says {status}: {}", body.trim()))),
        None => Err(Failure::unhealthy(format!(
            "{url} does not answer as Weir does; give its --ops-listen with --ops"
        ))),
    }
}

fn ask(args: &HealthArgs, path: &str) -> io::Result<String> {
    let url = origin(args.ops);
    let host = url.trim_start_matches("http://");
    let address = host.parse().unwrap_or(args.ops);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use crate::exit::Code;

    /// What comes of a server that answers so.
    fn asked(answer: &'static str) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ops = listener.local_addr().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let length = stream.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                stream.write_all(answer.as_bytes()).unwrap();
            });
            run(&HealthArgs { ops, ready: true })
        })
    }

    #[test]
    fn only_200_is_healthy_and_anything_else_is_told() {
        asked("HTTP/1.1 200 OK\r\n\r\n{}").unwrap();
        let failure = asked("HTTP/1.1 503 Service Unavailable\r\n\r\nno journal").unwrap_err();
        assert_eq!(failure.code, Code::Unhealthy);
        assert!(failure.sentence.ends_with("/readyz says 503: no journal"), "{failure}");
        let failure = asked("SSH-2.0-OpenSSH\r\n").unwrap_err();
        assert!(failure.sentence.contains("does not answer as Weir does"), "{failure}");
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let nobody: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failure = run(&HealthArgs { ops: nobody, ready: false }).unwrap_err();
        assert_eq!(failure.code, Code::Unhealthy);
        assert!(failure.sentence.contains("/livez does not answer"), "{failure}");
    }
}

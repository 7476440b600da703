//! A real Prometheus that a test starts, and `promtool`: from the PATH if they are new enough, else
//! from Debian's package.
//!
//! The server listens on a loopback port only and ends with its holder, or with the test process,
//! however that ends. What a test asks of [`Prometheus`] fails the test with a sentence.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::debian::unpacked;
use crate::error::must;
use crate::jars::{clear, tail};
use crate::tools::search_path;
use crate::{Error, Process, find, free_port, target, wait_for};

/// The oldest version that the rules are written for: that of Debian 12.
const OLDEST: (u32, u32) = (2, 42);

/// An empty one takes half a second here.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// Its own limit for a query is two minutes; none of ours takes a second.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
const SAYS_VERSION_WITHIN: Duration = Duration::from_secs(20);

/// Where `promtool` is.
///
/// # Errors
///
/// It can be had neither from the PATH nor from Debian: a sentence that says what to install.
pub fn promtool() -> Result<PathBuf, Error> {
    program("promtool", &search_path())
}

/// The same for one of Prometheus's programs, looked for in `path`.
fn program(name: &str, path: &OsStr) -> Result<PathBuf, Error> {
    let cache = target().join("debian");
    let fetched =
        || unpacked(&cache, "prometheus", path).map(|root| root.join("usr/bin").join(name));
    let on_path = find(name, path).ok().filter(|program| is_new_enough(program));
    on_path.map_or_else(fetched, Ok).map_err(|error| {
        let (major, minor) = OLDEST;
        Error::new(format!(
            "{name} {major}.{minor} or newer is not on the PATH; install Prometheus (Debian: \
             prometheus). {error}"
        ))
    })
}

fn is_new_enough(program: &Path) -> bool {
    let folder = target().join("debian");
    let log = folder.join(format!("version-{}", std::process::id()));
    let said = fs::create_dir_all(&folder).is_ok().then(|| {
        let command = [program.as_os_str(), OsStr::new("--version")];
        drop(Process::spawn(&command, &log).and_then(|mut it| it.wait(SAYS_VERSION_WITHIN)));
        fs::read_to_string(&log).unwrap_or_default()
    });
    drop(fs::remove_file(&log));
    said.and_then(|said| version(&said)).is_some_and(|version| version >= OLDEST)
}

/// Of `promtool, version 2.42.0+ds (…)`.
fn version(said: &str) -> Option<(u32, u32)> {
    let (_, from) = said.split_once("version ")?;
    let mut numbers = from.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A Prometheus that runs.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    port: u16,
    dir: PathBuf,
}

impl Prometheus {
    /// Starts one with this configuration and waits until it is ready. Its files are in `dir`,
    /// which is made; what an earlier one left there is removed. Relative `rule_files` are looked
    /// for in `dir`.
    ///
    /// # Panics
    ///
    /// It cannot be had, or does not become ready: the test fails with the reason.
    #[must_use]
    #[track_caller]
    pub fn start(config_yaml: &str, dir: &Path) -> Self {
        must(Self::try_start(config_yaml, dir))
    }

    fn try_start(config_yaml: &str, dir: &Path) -> Result<Self, Error> {
        let server = program("prometheus", &search_path())?;
        fs::create_dir_all(dir).map_err(Error::io("making", dir))?;
        let (config, data, log) = (dir.join("prometheus.yml"), dir.join("data"), dir.join("log"));
        fs::write(&config, config_yaml).map_err(Error::io("writing", &config))?;
        // Somebody else may take the port first.
        for _ in 0..5 {
            clear(&data)?;
            drop(fs::remove_file(&log));
            let port = free_port();
            let flag = |name: &str, value: &OsStr| {
                let mut flag = OsString::from(name);
                flag.push(value);
                flag
            };
            let command = [
                server.clone().into_os_string(),
                flag("--config.file=", config.as_os_str()),
                flag("--storage.tsdb.path=", data.as_os_str()),
                OsString::from(format!("--web.listen-address=127.0.0.1:{port}")),
            ];
            let process = Process::spawn(&command, &log)?;
            let mut started = Self { process, port, dir: dir.to_owned() };
            let state = wait_for(READY_WITHIN, || {
                let ready = started.get("/-/ready").is_ok();
                (ready || started.process.ended().is_some()).then_some(ready)
            });
            if state == Some(true) {
                return Ok(started);
            }
            if !fs::read_to_string(&log).unwrap_or_default().contains("address already in use") {
                return Err(Error::new(format!("Prometheus is not ready. {}", tail(&log))));
            }
        }
        Err(Error::new("Prometheus found five ports taken"))
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The series that an expression gives now: objects with `metric` and `value`.
    ///
    /// # Panics
    ///
    /// The expression is refused, or the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn query(&self, expr: &str) -> Value {
        let mut data = self.api(&format!("query?query={}", encoded(expr)));
        data["result"].take()
    }

    /// The series of a time, in seconds of Unix time, each `step` seconds: objects with `metric`
    /// and `values`.
    ///
    /// # Panics
    ///
    /// The expression is refused, or the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn query_range(&self, expr: &str, (start, end): (f64, f64), step: f64) -> Value {
        let expr = encoded(expr);
        let mut data =
            self.api(&format!("query_range?query={expr}&start={start}&end={end}&step={step}"));
        data["result"].take()
    }

    /// The `data` of an answer of its API, by what follows `/api/v1/`: `alerts`, `rules`.
    ///
    /// # Panics
    ///
    /// It is refused, or the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn api(&self, path_and_query: &str) -> Value {
        let body = must(self.get(&format!("/api/v1/{path_and_query}")));
        let answer = serde_json::from_str::<Value>(&body);
        let answer =
            answer.map_err(|error| Error::new(format!("Prometheus answered {error}: {body}")));
        must(answer)["data"].take()
    }

    /// The body of an answer with status 200. HTTP/1.0, so that it is neither chunked nor kept.
    fn get(&self, target: &str) -> Result<String, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let exchange = || {
            let mut stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN)?;
            stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
            write!(stream, "GET {target} HTTP/1.0\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = exchange().map_err(|error| Error::new(format!("Prometheus: {error}")))?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.0 200 ") => Ok(body.to_owned()),
            Some(_) | None => Err(Error::new(format!("Prometheus, asked for {target}: {answer}"))),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Before its files. What cannot be killed is not this test's failure.
        drop(self.process.kill());
        if thread::panicking() {
            eprintln!("Prometheus's files are in {}", self.dir.display());
        } else {
            drop(clear(&self.dir.join("data")));
        }
    }
}

/// Text in a query: all but letters and digits by their codes.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_an_older_one_is_not_enough() {
        let said = "promtool, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)";
        assert_eq!(version(said), Some((2, 42)));
        assert!(version("prometheus, version 2.33.5 (…)").unwrap() < OLDEST);
        assert!(version("prometheus, version 3.1.0 (…)").unwrap() > OLDEST);
        assert_eq!(version("no such thing"), None);
    }

    #[test]
    fn an_expression_reaches_the_server_as_it_is() {
        assert_eq!(encoded("up{job=\"a b\"}"), "up%7Bjob%3D%22a%20b%22%7D");
    }
}

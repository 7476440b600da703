//! This machine in the place of containers: free loopback ports for the services' own, scratch
//! directories for volumes, the built binary for the image's.
//!
//! Arguments, environments and health checks are those of `docker-compose.yml`, word for word but
//! for addresses and paths. Never here: an argument that the file does not give.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use deploy::compose::{Service, document, services};
use testkit::{Process, free_port};

use crate::kit::{Scratch, eventually};

/// A drain of 5 s, 30 s for what is in flight, and an idle machine's share of both.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Here<'a> {
    services: BTreeMap<String, Service>,
    ports: RefCell<BTreeMap<(String, u16), u16>>,
    scratch: &'a Scratch,
}

impl<'a> Here<'a> {
    pub(crate) fn new(scratch: &'a Scratch) -> Self {
        Self { services: services(&document()), ports: RefCell::default(), scratch }
    }

    pub(crate) fn service(&self, name: &str) -> &Service {
        &self.services[name]
    }

    /// A path that goes with the test.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = PathBuf::from(self.scratch.path(name));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The port of this machine that stands for a service's.
    pub(crate) fn port(&self, service: &str, port: u16) -> u16 {
        let mut ports = self.ports.borrow_mut();
        // Nobody may listen on a drawn one yet: it could be drawn again.
        let drawn =
            std::iter::repeat_with(free_port).find(|port| !ports.values().any(|p| p == port));
        *ports.entry((service.to_owned(), port)).or_insert(drawn.unwrap())
    }

    /// A text of a service, with addresses and paths of this machine.
    pub(crate) fn translate(&self, service: &str, text: &str) -> String {
        let mut translated = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let inside = translated.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
            let found = if inside { None } else { self.replaced(service, rest) };
            match found {
                Some((length, replacement)) => {
                    translated.push_str(&replacement);
                    rest = &rest[length..];
                }
                None => {
                    translated.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        translated
    }

    /// What a text begins with that is of a container, its length, and what it is here.
    fn replaced(&self, service: &str, text: &str) -> Option<(usize, String)> {
        let mode = self.service(service).value["network_mode"].as_str().unwrap_or_default();
        let own = mode.strip_prefix("service:").unwrap_or(service);
        let own_hosts = ["0.0.0.0:", "127.0.0.1:", "/dev/tcp/127.0.0.1/"].map(str::to_owned);
        let own_hosts = own_hosts.into_iter().map(|host| (host, own));
        let others = self.services.keys().map(|name| (format!("{name}:"), name.as_str()));
        for (host, owner) in own_hosts.chain(others) {
            let Some(rest) = text.strip_prefix(&host) else { continue };
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let Ok(port) = rest[..digits].parse() else { continue };
            let port = self.port(owner, port);
            let is_device = host.starts_with('/');
            let here = if is_device { host.clone() } else { "127.0.0.1:".to_owned() };
            return Some((host.len() + digits, format!("{here}{port}")));
        }
        let programs = [("/usr/local/bin/weir", PathBuf::from(env!("CARGO_BIN_EXE_weir")))];
        let mounts = self.service(service).mounts().into_iter().map(|mount| {
            let here = match mount.source.strip_prefix("./") {
                Some(file) => deploy::path(file),
                None => self.folder(&format!("volumes/{}", mount.source)),
            };
            (mount.target, here)
        });
        let programs = programs.into_iter().map(|(there, here)| (there.to_owned(), here));
        programs.chain(mounts).find_map(|(there, here)| {
            text.starts_with(&there).then(|| (there.len(), here.to_str().unwrap().to_owned()))
        })
    }

    /// The words that a container of the service runs.
    pub(crate) fn command(&self, service: &str) -> Vec<String> {
        let found = self.service(service);
        let ours = found.value["image"].as_str().unwrap().starts_with("weir:");
        let mut words = Vec::new();
        if ours && found.list("entrypoint").is_empty() {
            words.push("/usr/local/bin/weir".to_owned());
        }
        words.extend(found.command());
        words.iter().map(|word| self.translate(service, word)).collect()
    }

    /// The environment of a container: the service's own, and a search path.
    pub(crate) fn environment(&self, service: &str) -> Vec<String> {
        let path = std::env::var("PATH").unwrap();
        let own = self.service(service).environment().into_iter();
        let own = own.map(|(name, value)| format!("{name}={}", self.translate(service, &value)));
        std::iter::once(format!("PATH={path}")).chain(own).collect()
    }

    /// Runs a service that ends, with more arguments, to its end, which has to be 0; what it said.
    pub(crate) fn run(&self, service: &str, more: &[&str]) -> String {
        let ran = self.output(service, &[&self.command(service), &owned(more)[..]].concat());
        let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{service}: {}: {said}", ran.status);
        said.into_owned()
    }

    pub(crate) fn output(&self, service: &str, words: &[String]) -> Output {
        let mut command = Command::new("env");
        command.arg("-i").args(self.environment(service)).args(words);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Starts a service by its command.
    pub(crate) fn start(&self, service: &str) -> Running<'_> {
        self.start_as(service, &self.command(service))
    }

    /// Starts it by what its image makes of its command.
    pub(crate) fn start_as(&self, service: &str, words: &[String]) -> Running<'_> {
        let log = self.scratch.path(&format!("{service}.log"));
        // It is not there yet, so the check has to say no.
        let asked = self.health(service);
        assert!(!asked.status.success(), "{service} is healthy before it is there: {asked:?}");
        let words = [&owned(&["env", "-i"]), &self.environment(service), words].concat();
        let process = Process::spawn(&words, Path::new(&log)).unwrap();
        Running { here: self, name: service.to_owned(), process, log }
    }

    fn health(&self, service: &str) -> Output {
        let check = self.service(service).health_check().unwrap();
        let check: Vec<_> = check.iter().map(|word| self.translate(service, word)).collect();
        self.output(service, &check)
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A service that runs; killed when it is dropped.
pub(crate) struct Running<'a> {
    here: &'a Here<'a>,
    name: String,
    process: Process,
    log: String,
}

impl Running<'_> {
    /// Waits until its own health check says that it is well.
    pub(crate) fn wait_healthy(&mut self) {
        let name = self.name.clone();
        eventually(&format!("{name} to be healthy"), || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "{name} ended ({ended:?}): {}", self.log());
            self.here.health(&name).status.success().then_some(())
        });
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end as `docker compose` would, and it has to end with this code.
    pub(crate) fn stop(mut self, signal: &str, code: i32) {
        self.signal(signal);
        self.ended(code);
    }

    pub(crate) fn signal(&mut self, signal: &str) {
        self.process.signal(signal).unwrap();
    }

    /// It has been asked to end, and has to do so with this code.
    pub(crate) fn ended(mut self, code: i32) {
        let ended = self.process.wait(ENDS_WITHIN).unwrap();
        assert_eq!(ended.code(), Some(code), "{}: {}", self.name, self.log());
    }
}

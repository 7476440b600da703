//! HAProxy in front of the edges, by the file that docker compose mounts: only addresses are other
//! ones.

use std::fs;
use std::time::Duration;

use testkit::{Process, find, free_ports, wait_for};

use crate::Error;
use crate::files::text;
use crate::weir::Weir;

/// It asks the edges every second.
const UP_WITHIN: Duration = Duration::from_secs(20);

/// A running balancer.
#[derive(Debug)]
pub(crate) struct Balancer {
    /// Host and port.
    pub(crate) address: String,
    _process: Process,
}

impl Balancer {
    /// Starts it in front of these edges, in this folder.
    pub(crate) fn start(edges: &[Weir], folder: &std::path::Path) -> Result<Self, Error> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = find("haproxy", &path)?;
        let ports = free_ports(2);
        let [api, health] = ports[..] else { return Err("no free ports".into()) };
        let address = format!("127.0.0.1:{api}");
        let given = deploy::text("deploy/compose/haproxy.cfg");
        let servers = edges.iter().map(|edge| {
            let port = edge.ops.rsplit(':').next().unwrap_or_default();
            format!("    server {} {} check port {port}", edge.name, edge.api)
        });
        let lines = given.lines().filter(|line| !line.trim_start().starts_with("server "));
        let lines = lines.map(|line| {
            let line = line.replace("bind 0.0.0.0:8080", &format!("bind {address}"));
            let line = line.replace("127.0.0.1:8404", &format!("127.0.0.1:{health}"));
            // Names of containers are not known here.
            line.replace(" resolvers containers init-addr libc,none", "")
        });
        let lines: Vec<_> = lines.chain(servers).collect();
        let file = folder.join("haproxy.cfg");
        fs::write(&file, lines.join("\n") + "\n")?;
        let command = [text(&program), "-f".to_owned(), text(&file)];
        let process = Process::spawn(&command, &folder.join("haproxy.log"))?;
        let url = format!("http://{address}/openapi.json");
        let passes_on = wait_for(UP_WITHIN, || ureq::get(&url).call().ok());
        passes_on.ok_or("the balancer passes nothing on")?;
        Ok(Self { address, _process: process })
    }
}

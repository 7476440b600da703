//! Who listens on a port of this machine, as far as this user may see.
//!
//! Read from Linux's `/proc`; where there is none, or the process is another user's, nobody knows.

use std::fs;
use std::net::SocketAddr;

/// The state "listening" in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// The process that listens on this port: its name and id.
pub(super) fn of(address: SocketAddr) -> Option<(String, u32)> {
    let inodes = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let inodes: Vec<String> = inodes
        .iter()
        .flatten()
        .flat_map(|table| listeners(table, address.port()))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let id = ids.find(|id| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        let mut targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
    })?;
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some((name.trim().to_owned(), id))
}

/// The inodes of the sockets in a table of the kernel's that listen on a port.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening = rows.filter(|row| {
        row.get(1).is_some_and(|local| local.ends_with(&port)) && row.get(3) == Some(&LISTENING)
    });
    listening.filter_map(|row| row.get(9).map(|inode| (*inode).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_is_found_and_nobody_where_nobody_does() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(of(address).unwrap().1, std::process::id());
        drop(listener);
        assert_eq!(of(address), None);
    }

    #[test]
    fn a_connection_is_no_listener() {
        let table = "  sl  local_address rem_address   st tx rx tr tm uid to inode\n\
             0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 4242 1\n\
             1: 0100007F:1F90 0100007F:8000 01 0:0 0:0 0 0 0 4243 1\n";
        assert_eq!(listeners(table, 8_080), ["4242"]);
    }
}

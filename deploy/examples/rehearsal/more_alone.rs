//! Causes in one process that needs no Kafka: its disk, its connections, its file descriptors.
//!
//! Each has a small limit here that is reached by what reaches a large one: data and connections.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Error;
use crate::files::{built, campaign, folder, text};
use crate::fired::Cause;
use crate::mount::Mount;
use crate::watch::Watch;
use crate::weir::Weir;

/// As `alerts` has it: nothing here looks at the close.
const OPEN_FOR: Duration = Duration::from_hours(6 * 24);
/// Of 64 MiB: with a journal a little more than half is left.
const FILLED: usize = 30 << 20;
/// Each look: in a quarter of an hour a sixth of the disk, in a day sixteen disks.
const MORE: usize = 12 << 10;
/// A hard limit leaves voters this minus 512.
const DESCRIPTORS: u32 = 1_024;
/// Of the 512 that may be: more than nine in ten.
const CONNECTIONS: usize = 485;
/// These connections and some thirty more are more than four in five.
const DESCRIPTORS_LEFT: u32 = 600;

fn started(folder: &Path, data: &Path, before: &[&str]) -> Result<(Weir, Watch), Error> {
    let voted = campaign(folder, "alone", OPEN_FOR)?;
    let data = text(data);
    let command = ["up", "--data", &data, "--campaign", &voted, "--partitions", "1"];
    let command = [built("weir")?].into_iter().chain(command.map(str::to_owned)).collect();
    let mut up = Weir::new("up", "weir-up", command, folder);
    up.start_by(before);
    up.start()?;
    let watch = Watch::start(&[(up.job, &up.ops)], 5, folder);
    Ok((up, watch))
}

/// Somebody else fills the disk, a little every second.
pub(crate) fn disk() -> Result<(), Error> {
    let folder = folder("more-disk")?;
    let disk = Mount::new(&folder.join("disk"))?;
    let file = disk.0.join("filler");
    fs::write(&file, vec![0; FILLED])?;
    let (mut up, watch) = started(&folder, &disk.0.join("data"), &[])?;
    let what = "the disk of `weir up`, nearly half full, fills by 12 KiB a second";
    let cause = Cause::begins(&watch, what, &["WeirDiskFillsSoon"]);
    cause.lasts_by(Duration::from_mins(20), || {
        OpenOptions::new().append(true).open(&file)?.write_all(&vec![0; MORE])?;
        Ok(())
    })?;
    fs::remove_file(&file)?;
    cause.ended(Duration::from_mins(3));
    up.stop()
}

/// Phones that stay and ask now and then, nearly as many as may be.
pub(crate) fn connections() -> Result<(), Error> {
    let folder = folder("more-connections")?;
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    let (mut up, watch) = started(&folder, &folder.join("data"), &["prlimit", &limit])?;
    let what = "485 connections where 512 may be, each with a request now and then";
    let cause = Cause::begins(&watch, what, &["WeirConnectionsShort"]);
    let mut crowd = Crowd { address: up.api.clone(), streams: Vec::new() };
    cause.lasts_by(Duration::from_mins(4), || crowd.ask())?;
    crowd.streams.clear();
    cause.ended(Duration::from_mins(3));
    // With them open, as it is connections that take descriptors.
    crowd.ask()?;
    let what = "the limit of a running `weir up` lowered to 600 descriptors, with 520 open";
    let cause = Cause::begins(&watch, what, &["WeirFileDescriptorsShort"]);
    limited(&up, DESCRIPTORS_LEFT)?;
    cause.lasts_by(Duration::from_mins(4), || crowd.ask())?;
    limited(&up, DESCRIPTORS)?;
    crowd.streams.clear();
    cause.ended(Duration::from_mins(3));
    up.stop()
}

fn limited(up: &Weir, descriptors: u32) -> Result<(), Error> {
    let pid = up.pid().ok_or("it does not run")?.to_string();
    let limit = format!("--nofile={descriptors}:{DESCRIPTORS}");
    let ended = Command::new("prlimit").args(["--pid", &pid, &limit]).status()?;
    if ended.success() { Ok(()) } else { Err(format!("prlimit ended with {ended}").into()) }
}

struct Crowd {
    address: String,
    streams: Vec<TcpStream>,
}

impl Crowd {
    /// Has every connection ask; who was sent away comes again.
    fn ask(&mut self) -> Result<(), Error> {
        const ASKED: &[u8] = b"GET /v1/campaigns/none HTTP/1.1\r\nhost: weir\r\n\r\n";
        let mut answer = [0; 4_096];
        self.streams.retain_mut(|stream| {
            // What is left of an answer stays for the next time.
            let is_open = !matches!(stream.read(&mut answer), Ok(0));
            is_open && stream.write_all(ASKED).is_ok()
        });
        while self.streams.len() < CONNECTIONS {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nonblocking(true)?;
            self.streams.push(stream);
        }
        Ok(())
    }
}

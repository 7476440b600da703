//! Who stands between an edge and the imitation of WeChat inside it, and changes what they say:
//! every connection that the edge opens is led here by strace. And another system that uses the
//! same account.
//!
//! Invariant: what is answered is the imitation's own answer, unless a mode says otherwise. Never
//! here: a connection to anything but this machine.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use crate::Error;

/// What the imitation's account is proved with; the other has the same length.
const SECRET: &str = "secret=imitated";
const OTHER_SECRET: &str = "secret=outdated";
/// Requests that are sent together.
const TOGETHER: usize = 500;

/// What is done with an edge's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They get through.
    Open,
    /// Nobody is there.
    Cut,
    /// They bring another secret than the account's.
    OtherSecret,
    /// They are answered with this errcode.
    Refused(u32),
}

/// Somebody in between.
#[derive(Debug)]
pub(super) struct Between {
    /// The port at which edges find WeChat.
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    way: Mutex<Way>,
    /// Where the imitation is, once it is known.
    imitation: OnceLock<String>,
}

impl Between {
    /// Takes connections from now on; its threads end with the process.
    pub(super) fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { way: Mutex::new(Way::Open), imitation: OnceLock::new() });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_thread);
                // One that breaks off is the edge's to notice.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Ok(Self { port, shared })
    }

    /// What leads an edge's connections here, before its command.
    pub(super) fn leads(&self) -> Vec<String> {
        // Family, port and address as they stand in memory.
        let poke = format!("inject=connect:poke_enter=@arg2=0200{:04x}7f000001", self.port);
        let quiet = ["strace", "-D", "-qq", "-f", "--seccomp-bpf", "-o", "/dev/null"];
        let all = quiet.into_iter().chain(["-e", "trace=connect", "-e", &poke]);
        all.map(str::to_owned).collect()
    }

    /// Says where the imitation is: host and port.
    pub(super) fn lead_to(&self, imitation: &str) {
        self.shared.imitation.get_or_init(|| imitation.to_owned());
    }

    /// Changes what is done with calls, also on connections that are open.
    pub(super) fn set(&self, way: Way) {
        *self.shared.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }
}

impl Shared {
    fn way(&self) -> Way {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what an edge says, request by request: they are small, and it waits for answers.
    fn serve(&self, mut edge: TcpStream) -> Result<(), Error> {
        let to = self.imitation.get().ok_or("the imitation is not there yet")?;
        let mut imitation = TcpStream::connect(to)?;
        let (mut answers, mut back) = (imitation.try_clone()?, edge.try_clone()?);
        thread::spawn(move || {
            drop(std::io::copy(&mut answers, &mut back));
            back.shutdown(Shutdown::Both)
        });
        let mut buffer = vec![0; 16_384];
        loop {
            let bytes = edge.read(&mut buffer)?;
            if bytes == 0 {
                return Ok(imitation.shutdown(Shutdown::Both)?);
            }
            let request = buffer.get(..bytes).unwrap_or_default();
            match self.way() {
                Way::Open => imitation.write_all(request)?,
                Way::Cut => return Ok(imitation.shutdown(Shutdown::Both)?),
                Way::OtherSecret => {
                    let request = String::from_utf8_lossy(request).replace(SECRET, OTHER_SECRET);
                    imitation.write_all(request.as_bytes())?;
                }
                Way::Refused(errcode) => {
                    let body = format!("{{\"errcode\":{errcode},\"errmsg\":\"on purpose\"}}");
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length";
                    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
                    edge.write_all(answer.as_bytes())?;
                }
            }
        }
    }
}

/// Another system of the same account exchanges so many codes, none of which is one.
pub(super) fn exchanges(imitation: &str, calls: usize) -> Result<(), Error> {
    let query = format!("appid=wx00000000imitated&{SECRET}&code=x&grant_type=authorization_code");
    let request = format!("GET /sns/oauth2/access_token?{query} HTTP/1.1\r\nhost: here\r\n\r\n");
    let together = request.repeat(TOGETHER);
    let mut stream = TcpStream::connect(imitation)?;
    let mut buffer = vec![0; 65_536];
    for _ in 0..calls.div_ceil(TOGETHER) {
        stream.write_all(together.as_bytes())?;
        let mut left = TOGETHER;
        // A marker that two reads share is read as the rest of the first.
        let mut rest = String::new();
        while left > 0 {
            let bytes = stream.read(&mut buffer)?;
            if bytes == 0 {
                return Err("the imitation has closed".into());
            }
            rest.push_str(&String::from_utf8_lossy(buffer.get(..bytes).unwrap_or_default()));
            left = left.saturating_sub(rest.matches("\"errcode\"").count());
            let from = rest.len().saturating_sub("\"errcode\"".len() - 1);
            rest = rest.get(from..).unwrap_or_default().to_owned();
        }
    }
    Ok(())
}

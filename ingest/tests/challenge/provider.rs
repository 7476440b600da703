//! A captcha's provider, as small as one can be: one question for each connection, heard byte by
//! byte, and answered as told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// This.
    This(&'static str),
    /// This, and that a response was used when it comes again.
    Once(&'static str),
    /// Nothing, ever.
    Nothing,
    /// Nothing, and it hangs up.
    Hangup,
    /// More than anybody should read.
    Flood,
}

pub(crate) struct Provider {
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    pub(crate) async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        // Ends with the test's runtime.
        drop(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                drop(tokio::spawn(answer(stream, says, Arc::clone(&hearing))));
            }
        }));
        Self { url, heard }
    }

    /// The requests, as they came.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, says: Says, heard: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        (body.len() == length.parse::<usize>().ok()?).then_some(text)
    };
    let request = loop {
        if let Some(request) = whole(&bytes) {
            break request;
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return;
        }
    };
    let times = {
        let mut heard = heard.lock().unwrap();
        heard.push(request);
        heard.len()
    };
    let body = match says {
        Says::This(body) => body.to_owned(),
        Says::Once(body) if times == 1 => body.to_owned(),
        Says::Once(_) => r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#.to_owned(),
        Says::Nothing => std::future::pending().await,
        Says::Hangup => return,
        Says::Flood => format!("{{\"success\":true,\"x\":\"{}\"}}", "x".repeat(20_000)),
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // Whoever asked may have gone.
    drop(stream.write_all(answer.as_bytes()).await);
}

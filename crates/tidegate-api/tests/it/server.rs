//! A running server, and requests to it byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_api::{ApiConfig, Client, Listener, Token, serve};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::stub::Stub;

pub struct Server {
    pub stub: Arc<Stub>,
    pub address: SocketAddr,
    pub dir: TempDir,
    pub token: Token,
    end: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Server {
    pub fn start(stub: Stub) -> Self {
        Self::start_with(stub, |_| {})
    }

    /// Needs a runtime with several threads: requests by [`Server::raw`] block.
    pub fn start_with(stub: Stub, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let token = tidegate_api::token::load_or_create(&dir.path().join("token")).unwrap();
        let tcp = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = tcp.address().strip_prefix("http://").unwrap().parse().unwrap();
        let unix = Listener::unix(&dir.path().join("api.sock")).unwrap();
        let mut config = ApiConfig::new(vec![tcp, unix], token.clone(), dir.path().join("spool"));
        change(&mut config);
        let stub = Arc::new(stub);
        let (end, ended) = oneshot::channel::<()>();
        let plane: Arc<Stub> = Arc::clone(&stub);
        let serving = tokio::spawn(serve(config, plane, async { drop(ended.await) }));
        Server { stub, address, dir, token, end: Some(end), serving }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("api.sock")
    }

    pub fn unix(&self) -> Client {
        Client::unix(self.socket())
    }

    pub fn http(&self) -> Client {
        Client::http(&format!("http://{}", self.address), Some(self.token.clone())).unwrap()
    }

    /// The files waiting in the spool.
    pub fn spooled(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("spool")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// A request with the right `Host` and these headers.
    pub fn ask(&self, line: &str, headers: &str) -> Answer {
        self.raw(&format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}Connection: close\r\n\r\n", self.address))
    }

    /// A request with the right `Host` and token.
    pub fn ask_with_token(&self, line: &str, body: &str) -> Answer {
        let length = body.len();
        let bearer = format!("Authorization: Bearer {}\r\nContent-Length: {length}\r\n", self.token.reveal());
        self.raw(&format!(
            "{line} HTTP/1.1\r\nHost: {}\r\n{bearer}Connection: close\r\n\r\n{body}",
            self.address
        ))
    }

    /// Bytes out, an answer in.
    pub fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_answer(&mut stream)
    }

    pub async fn stop(mut self) {
        self.end.take().unwrap().send(()).unwrap();
        let stopped = tokio::time::timeout(Duration::from_secs(10), &mut self.serving).await;
        stopped.expect("the server ends when told to").unwrap().unwrap();
    }
}

pub fn read_answer(stream: &mut impl Read) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is no matter.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Whether `found` becomes true before a deadline.
pub async fn eventually(mut found: impl FnMut() -> bool) -> bool {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !found() {
        if tokio::time::Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

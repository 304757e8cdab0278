//! A git process at work for a client: the request's body goes in, what it writes goes out as it comes. Whoever leaves, client or
//! server, ends the process and all it started. It gets no more to read first: git then ends by itself and removes what was
//! half taken, which it does not after a signal.

use std::future::Future;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use flate2::write::GzDecoder;
use http_body_util::BodyExt;
use tidegate_os::process::kill_group;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};

use super::incoming;
use crate::server::guard::only;
use crate::stream::channel_body;

/// The longest wait for the next piece of a request.
const PIECE_WITHIN: Duration = Duration::from_secs(60);
/// How long the rest of a request is read and thrown away once the process wants no more of it.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// How long a process may take to end by itself once it gets no more to read: one that waits for a run does not.
const ALONE_WITHIN: Duration = Duration::from_secs(2);
/// How long a process that was told to end may take.
const END_WITHIN: Duration = Duration::from_secs(5);
/// The most that a compressed request may hold: those are lists of commits, never a push.
const MOST_UNPACKED: u64 = 64 << 20;
/// So much is unpacked before the limit is looked at: at most a thousand times as much comes of it.
const PACKED: usize = 4 << 10;
const CHUNK: usize = 32 << 10;
/// Chunks ahead of a slow client.
const AHEAD: usize = 8;

/// What a client sends.
pub(super) struct Input {
    body: Option<Body>,
    gzip: Option<GzDecoder<Vec<u8>>>,
    unpacked: u64,
}

/// The client or the server has left.
struct Left;

impl Input {
    /// A request's body; compressed ones are unpacked on the way.
    pub(super) fn new(body: Option<Body>, headers: &HeaderMap) -> Result<Self, String> {
        let gzip = match only(headers, header::CONTENT_ENCODING) {
            None if headers.contains_key(header::CONTENT_ENCODING) => return Err("two encodings".to_owned()),
            None | Some("identity") => None,
            Some("gzip" | "x-gzip") => Some(GzDecoder::new(Vec::new())),
            Some(other) => return Err(format!("the encoding `{other}` is not understood")),
        };
        Ok(Input { body, gzip, unpacked: 0 })
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Left> {
        let Some(body) = &mut self.body else { return Ok(None) };
        loop {
            let frame = tokio::time::timeout(PIECE_WITHIN, body.frame()).await.map_err(|_| Left)?;
            let Some(frame) = frame else { return Ok(None) };
            if let Ok(data) = frame.map_err(|_| Left)?.into_data() {
                return self.unpack(data).map(Some).map_err(|_| Left);
            }
        }
    }

    fn unpack(&mut self, data: Bytes) -> io::Result<Bytes> {
        let Some(gzip) = &mut self.gzip else { return Ok(data) };
        for part in data.chunks(PACKED) {
            gzip.write_all(part)?;
            gzip.flush()?;
            if self.unpacked + gzip.get_ref().len() as u64 > MOST_UNPACKED {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        let unpacked = Bytes::from(std::mem::take(gzip.get_mut()));
        self.unpacked += unpacked.len() as u64;
        Ok(unpacked)
    }

    async fn pour(mut self, mut stdin: ChildStdin) -> Result<(), Left> {
        while let Some(piece) = self.next().await? {
            if stdin.write_all(&piece).await.is_err() {
                drop(stdin);
                return self.drain().await;
            }
        }
        Ok(())
    }

    /// So that the client gets to read why no more of it was wanted.
    async fn drain(mut self) -> Result<(), Left> {
        let rest = async {
            while self.next().await?.is_some() {}
            Ok(())
        };
        tokio::time::timeout(DRAIN_WITHIN, rest).await.map_err(|_| Left)?
    }
}

/// See the module.
pub(super) struct Serving {
    child: Child,
    group: Group,
    /// What it brought and was ended before it was taken.
    incoming: Option<PathBuf>,
}

/// A process group that is told to end when this is dropped.
struct Group(Option<u32>);

impl Group {
    fn signal(&self, signal: i32) {
        if let Some(group) = self.0 {
            // One that is gone already is no error; nothing else can be done about others.
            let _ = kill_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(TERMINATE);
    }
}

const TERMINATE: i32 = 15;
const KILL: i32 = 9;

impl Serving {
    /// Starts the process, with all it will start, in a group of its own.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let group = Group(child.id());
        Ok(Serving { child, group, incoming: None })
    }

    /// Goes on until the process has ended, and gives what it writes, behind `first`.
    pub(super) fn attend(
        mut self,
        input: Input,
        first: Bytes,
        mut ending: watch::Receiver<bool>,
    ) -> (impl Future<Output = ()> + Send, Body) {
        let (chunks, body) = channel_body::<io::Error>(AHEAD);
        let (stdin, stdout) = (self.child.stdin.take(), self.child.stdout.take());
        let going = async move {
            let (Some(stdin), Some(mut stdout)) = (stdin, stdout) else { return };
            let flow =
                async { tokio::try_join!(input.pour(stdin), output(&mut stdout, first, &chunks)).map(drop) };
            let left = tokio::select! {
                flown = flow => flown.is_err(),
                () = chunks.closed() => true,
                _ = ending.wait_for(|ending| *ending) => true,
            };
            if left {
                // An answer that just ended would be taken for a whole one.
                let _ = chunks.try_send(Err(io::ErrorKind::ConnectionAborted.into()));
                self.leave_alone(stdout).await;
            }
            self.end(left).await;
        };
        (going, Body::new(body))
    }

    /// Lets it end by itself for a while. What it writes is read: a broken pipe would be a signal.
    async fn leave_alone(&mut self, mut stdout: ChildStdout) {
        let mut nobody = tokio::io::sink();
        let alone = async { tokio::join!(tokio::io::copy(&mut stdout, &mut nobody), self.child.wait()) };
        if tokio::time::timeout(ALONE_WITHIN, alone).await.is_err() {
            self.incoming = self.child.id().and_then(incoming::of);
            self.group.signal(TERMINATE);
        }
    }

    async fn end(mut self, left: bool) {
        if tokio::time::timeout(END_WITHIN, self.child.wait()).await.is_err() {
            self.group.signal(KILL);
            let _ = self.child.wait().await;
        }
        if let Some(folder) = self.incoming.take() {
            // Whoever it started and left behind may still write there.
            self.group.signal(KILL);
            incoming::remove(&folder);
        }
        if !left {
            self.group.0 = None;
        }
    }
}

async fn output(
    stdout: &mut ChildStdout,
    first: Bytes,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Left> {
    if !first.is_empty() {
        chunks.send(Ok(first)).await.map_err(|_| Left)?;
    }
    loop {
        let mut buffer = BytesMut::with_capacity(CHUNK);
        match stdout.read_buf(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(_) => chunks.send(Ok(buffer.freeze())).await.map_err(|_| Left)?,
            Err(_) => return Err(Left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A git that goes on with what it has, and one that it started.
    const BUSY: &str = "mkdir \"$IN\"; echo x > \"$IN/pack\"; GIT_OBJECT_DIRECTORY=\"$IN\" sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done'";

    #[tokio::test]
    async fn what_a_killed_process_brought_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("tmp_objdir-incoming-x");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BUSY]).env("IN", &folder);
        let (_leave, ending) = watch::channel(false);
        let input = Input { body: None, gzip: None, unpacked: 0 };
        let (going, body) = Serving::start(command).unwrap().attend(input, Bytes::new(), ending);
        let going = tokio::spawn(going);
        let mut body = body;
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "up\n");
        assert!(folder.exists());
        drop(body);
        going.await.unwrap();
        assert!(!folder.exists());
    }
}

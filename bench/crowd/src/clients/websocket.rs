//! One WebSocket that is kept open: it says something every few seconds and hears the app's beats. Every message must be
//! the next one, and every end a Close of 1012 between two of them.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, interval_at, timeout};

use super::{Crowd, head, turn};
use crate::frames::{Frame, Kind as What, Reader, write};
use crate::ledger::{End, Kind, now};

const SAY_EVERY: Duration = Duration::from_secs(4);
/// Something must come within this, and an answer before so many more were said. Long: a machine that is busy with
/// something else is not what is looked for.
const QUIET: Duration = Duration::from_secs(60);
const UNANSWERED: u64 = 15;
/// Whoever answered a Close waits so long for the other side's end.
const PART_WITHIN: Duration = Duration::from_secs(10);

/// Stays until the run is over, on as many connections as it takes.
pub(super) async fn stay(crowd: Crowd, number: usize) {
    let (begin, again) = turn(number);
    tokio::time::sleep(begin).await;
    while !crowd.is_over() {
        let mut talk = Talk { crowd: &crowd, number, instance: String::new(), open: false };
        let how = talk.run().await.unwrap_or_else(|error| format!("cut off: {error}"));
        if crowd.is_over() {
            return;
        }
        let Talk { instance, open, .. } = talk;
        let end = End { kind: Kind::Socket, at: now(), app: crowd.app.to_owned(), instance, how };
        crowd.ledger.on_end(end, open);
        tokio::time::sleep(again).await;
    }
}

/// One connection.
struct Talk<'a> {
    crowd: &'a Crowd,
    number: usize,
    instance: String,
    open: bool,
}

/// What was said and heard so far.
#[derive(Default)]
struct Count {
    said: u64,
    heard: u64,
    beats: u64,
}

impl Talk<'_> {
    /// How it ended.
    async fn run(&mut self) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.crowd.gateway).await?;
        let host = &self.crowd.host;
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let head = head::read(&mut stream).await?;
        if head.status != 101 {
            return Ok(format!("answered {}", head.status));
        }
        self.instance = head.instance;
        let (source, sink) = stream.into_split();
        self.talk(Reader::new(source, &head.rest), sink).await
    }

    async fn talk(
        &mut self,
        mut reader: Reader<OwnedReadHalf>,
        mut sink: OwnedWriteHalf,
    ) -> io::Result<String> {
        // Each at another moment of the seconds between.
        let first = Instant::now() + SAY_EVERY.mul_f64((self.number % 97) as f64 / 97.0);
        let mut turns = interval_at(first, SAY_EVERY);
        let mut count = Count::default();
        loop {
            let frame = tokio::select! {
                _ = turns.tick() => {
                    if count.said > count.heard + UNANSWERED {
                        return Ok("not answered".into());
                    }
                    write(&mut sink, &Frame::text(&format!("say {}", count.said)), true).await?;
                    count.said += 1;
                    continue;
                }
                frame = timeout(QUIET, reader.next()) => frame,
                () = self.crowd.wait_over() => {
                    write(&mut sink, &Frame::close(1000), true).await?;
                    return Ok("1000".into());
                }
            };
            let Ok(frame) = frame else { return Ok("silent".into()) };
            match frame? {
                None => return Ok("ended without a Close".into()),
                Some(frame) if frame.kind == What::Close => return part(&frame, reader, sink).await,
                Some(frame) => {
                    if let Some(wrong) = self.on_message(&frame, &mut count) {
                        return Ok(wrong);
                    }
                }
            }
        }
    }

    /// What is wrong with a message.
    fn on_message(&mut self, frame: &Frame, count: &mut Count) -> Option<String> {
        let words = frame.words();
        match words.split_once(' ') {
            Some(("hello", name)) if name == self.instance => {}
            Some(("beat", beat)) if beat.parse() == Ok(count.beats) => count.beats += 1,
            Some(("say", said)) if said.parse() == Ok(count.heard) => count.heard += 1,
            _ => return Some(format!("out of turn: {words}")),
        }
        if !std::mem::replace(&mut self.open, true) {
            self.crowd.ledger.on_open(Kind::Socket, self.crowd.app);
        }
        self.crowd.ledger.on_messages(Kind::Socket, 1);
        None
    }
}

/// Answers a Close, after which nothing but the end may come.
async fn part(
    close: &Frame,
    mut reader: Reader<OwnedReadHalf>,
    mut sink: OwnedWriteHalf,
) -> io::Result<String> {
    write(&mut sink, &Frame::close(close.code()), true).await?;
    match timeout(PART_WITHIN, reader.next()).await {
        Ok(Ok(None)) => Ok(close.code().to_string()),
        Ok(Ok(Some(frame))) => Ok(format!("{:?} after a Close", frame.kind)),
        Ok(Err(error)) => Ok(format!("{} and then {error}", close.code())),
        Err(_) => Ok("open after a Close".into()),
    }
}

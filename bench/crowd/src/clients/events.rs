//! One event stream that is kept open as a browser does it: it comes again with the number of the last whole event. Over
//! all its connections every number must come once and in its turn.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Crowd, head, turn};
use crate::ledger::{End, Kind, now};

/// An event must come within this. Long: a machine that is busy with something else is not what is looked for.
const QUIET: Duration = Duration::from_secs(60);
const LONGEST_CHUNK: usize = 64 << 10;

/// Stays until the run is over, on as many connections as it takes.
pub(super) async fn stay(crowd: Crowd, number: usize) {
    let (begin, again) = turn(number);
    tokio::time::sleep(begin).await;
    let mut last = None;
    while !crowd.is_over() {
        let mut stream = Listening { crowd: &crowd, instance: String::new(), open: false, last: &mut last };
        let how = tokio::select! {
            how = stream.run() => how.unwrap_or_else(|error| format!("cut off: {error}")),
            () = crowd.wait_over() => return,
        };
        let Listening { instance, open, .. } = stream;
        let end = End { kind: Kind::Stream, at: now(), app: crowd.app.to_owned(), instance, how };
        crowd.ledger.on_end(end, open);
        tokio::time::sleep(again).await;
    }
}

/// One connection.
struct Listening<'a> {
    crowd: &'a Crowd,
    instance: String,
    open: bool,
    /// The number of the last whole event.
    last: &'a mut Option<u64>,
}

impl Listening<'_> {
    /// How it ended.
    async fn run(&mut self) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.crowd.gateway).await?;
        let resume = self.last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        let host = &self.crowd.host;
        let request =
            format!("GET /events HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n{resume}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let head = head::read(&mut stream).await?;
        if head.status != 200 {
            return Ok(format!("answered {}", head.status));
        }
        self.instance = head.instance;
        let (source, _sink) = stream.split();
        let mut reader = BufReader::new(head.rest.chain(source));
        let mut text = Vec::new();
        loop {
            let Ok(size) = timeout(QUIET, chunk(&mut reader, &mut text)).await else {
                return Ok("silent".into());
            };
            if size? == 0 {
                return Ok(if text.is_empty() { "ended" } else { "torn" }.into());
            }
            if let Some(wrong) = self.take_events(&mut text) {
                return Ok(wrong);
            }
        }
    }

    /// Takes whole events off the front; what is wrong with one.
    fn take_events(&mut self, text: &mut Vec<u8>) -> Option<String> {
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event).into_owned();
            let id = event.lines().find_map(|line| line.strip_prefix("id: ")?.parse::<u64>().ok());
            if id != Some(self.last.map_or(0, |last| last + 1)) {
                return Some(format!("out of turn: {event:?} after {:?}", self.last));
            }
            *self.last = id;
            if !std::mem::replace(&mut self.open, true) {
                self.crowd.ledger.on_open(Kind::Stream, self.crowd.app);
            }
            self.crowd.ledger.on_messages(Kind::Stream, 1);
        }
        None
    }
}

/// Adds a chunk to `text`; its length.
async fn chunk<R: tokio::io::AsyncBufRead + Unpin>(reader: &mut R, text: &mut Vec<u8>) -> io::Result<usize> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no last chunk"));
    }
    let size = usize::from_str_radix(line.trim_end(), 16).ok().filter(|size| *size <= LONGEST_CHUNK);
    let size = size.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no length of a chunk"))?;
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk).await?;
    text.extend_from_slice(&chunk[..size]);
    Ok(size)
}

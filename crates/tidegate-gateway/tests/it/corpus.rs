//! Every message of `tests/corpus` and its verdict, on both paths through the gateway and however its bytes come.
//!
//! Requests: `refuse S` (answered with S, the connection closes, no byte of it reaches the instance), `broken S` (as
//! refused; of its head and the good part of its body an instance may have seen something, but never its end), `page S`
//! (answered with S by the gateway; the connection goes on), `forward` (reaches the instance in the same spelling) and
//! `general` (in the same meaning: the fast path does not take it). `without A,B`: less these fields. `close`: the
//! connection ends after the answer. `fast`: judged on the fast path only; the other says it otherwise.
//!
//! Answers: `bad S` (the client gets S from the gateway), `cut` (the client's connection ends within the answer), `good S`
//! with the body that reaches the client. `ends`: the instance closes behind it. `head`: the request is HEAD. `without A,B`:
//! neither it nor what comes before it has these fields.

mod case;
mod witness;

use std::io::{Cursor, Write};
use std::sync::mpsc;
use std::time::Duration;

use case::Case;
use tidegate_core::model::{HeaderEdit, RoutePolicy};
use witness::{Book, Seen};

use crate::stage::client::{Client, Message};
use crate::stage::table::{table, with_policy};
use crate::stage::upstream::{Connection, Upstream, ok};
use crate::stage::{Stage, until};

/// Messages up to this size are sent byte by byte, others in pieces.
const SHORT: usize = 2_000;
const PIECE: usize = 997;
const BEFORE: &str = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n";
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";

/// Which way through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fast,
    General,
}

impl Way {
    /// A stage on which requests take this way where they may.
    fn stage(self, upstream: &Upstream) -> Stage {
        let stage = Stage::new();
        let endpoints = [("web-1", upstream.address)];
        let set = [("x-way".to_owned(), "general".to_owned())].into();
        let policy = RoutePolicy {
            response_headers: HeaderEdit { set, ..HeaderEdit::default() },
            ..RoutePolicy::default()
        };
        stage.apply(&match self {
            Way::Fast => table(1, &endpoints),
            Way::General => with_policy(1, &endpoints, policy),
        });
        stage
    }
}

/// How the bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    AtOnce,
    InBytes,
    /// After a request that was answered.
    Second,
    /// The same, byte by byte.
    SecondInBytes,
    /// In one piece with a request before it.
    Pipelined,
}

const CUTS: [Cut; 5] = [Cut::AtOnce, Cut::InBytes, Cut::Second, Cut::SecondInBytes, Cut::Pipelined];

/// What is wrong with a case.
type Fault = String;

fn demand<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Result<(), Fault> {
    if is == should { Ok(()) } else { Err(format!("{what} is {is:?}, not {should:?}")) }
}

fn client(stage: &Stage) -> Client {
    let client = Client::new(stage.address);
    client.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client
}

/// The answer, past those that only say that it comes.
fn answer(client: &mut Client, is_head: bool) -> Result<Message, Fault> {
    answers(client, is_head).map(|(_, last)| last)
}

/// Those that only say that it comes, and the answer.
fn answers(client: &mut Client, is_head: bool) -> Result<(Vec<Message>, Message), Fault> {
    let mut interim = Vec::new();
    loop {
        let head = client.head().ok_or("there is no answer")?;
        let last = match head.status() {
            100..=199 if head.field("content-length").is_some() => Err(format!("a length in {head:?}")),
            100..=199 => {
                interim.push(head);
                continue;
            }
            204 | 304 => Ok(head),
            _ if is_head => Ok(head),
            _ if head.field("content-length").is_some_and(|length| length.parse::<u32>().is_err()) => {
                Err(format!("the client gets a length that is none: {head:?}"))
            }
            _ => crate::stage::client::read_body(&mut client.reader, head).map_err(|error| error.to_string()),
        };
        return last.map(|last| (interim, last));
    }
}

/// The gateway may have closed before all of it was sent.
fn send(client: &mut Client, bytes: &[u8], size: usize) {
    for piece in bytes.chunks(size) {
        if client.stream.write_all(piece).is_err() {
            return;
        }
    }
}

fn send_cut(client: &mut Client, bytes: &[u8], cut: Cut) -> Result<(), Fault> {
    let piece = if bytes.len() <= SHORT { 1 } else { PIECE };
    match cut {
        Cut::AtOnce => send(client, bytes, usize::MAX),
        Cut::InBytes => send(client, bytes, piece),
        Cut::Second | Cut::SecondInBytes => {
            client.send(BEFORE);
            demand("the answer before it", answer(client, false)?.status(), 200)?;
            send(client, bytes, if cut == Cut::Second { usize::MAX } else { piece });
        }
        Cut::Pipelined => {
            send(client, &[BEFORE.as_bytes(), bytes].concat(), usize::MAX);
            demand("the answer before it", answer(client, false)?.status(), 200)?;
        }
    }
    Ok(())
}

/// The stand for requests.
struct Stand {
    way: Way,
    stage: Stage,
    book: Book,
    _upstream: Upstream,
}

impl Stand {
    fn new(way: Way) -> Stand {
        let book = Book::default();
        let upstream = book.keeper();
        Stand { way, stage: way.stage(&upstream), book, _upstream: upstream }
    }

    fn judge(&self, case: &Case, cut: Cut) -> Result<(), Fault> {
        self.book.take();
        let mut client = client(&self.stage);
        send_cut(&mut client, &case.bytes, cut)?;
        let before = usize::from(matches!(cut, Cut::Second | Cut::SecondInBytes | Cut::Pipelined));
        let refused = ["refuse", "broken", "page"].iter().find_map(|word| case.status(word));
        let Some(status) = refused else { return self.forwarded(case, &mut client, before) };
        let is_head = case.bytes.starts_with(b"HEAD ");
        let said = answer(&mut client, is_head)?;
        demand("the status", said.status(), status)?;
        demand("its mark", said.field("tidegate-gateway"), Some("bad-request"))?;
        if case.is("page") {
            client.send(BEHIND);
            demand("the answer behind it", answer(&mut client, false)?.text().as_str(), "ok")?;
        } else {
            demand("that it closes", client.is_closed(), true)?;
        }
        let others = before + usize::from(case.is("page"));
        let (seen, bytes) = self.book.take();
        demand("what reached the instance", seen.iter().filter(|seen| ours(seen)).count(), others)?;
        demand("what reached it in all", seen.len(), others)?;
        if case.is("refuse") && others == 0 {
            demand("the bytes that reached it", bytes, 0)?;
        }
        Ok(())
    }

    fn forwarded(&self, case: &Case, client: &mut Client, before: usize) -> Result<(), Fault> {
        let said = answer(client, case.bytes.starts_with(b"HEAD "))?;
        demand("the status", said.status(), 200)?;
        let way = (self.way == Way::General).then_some("general");
        demand("the way it took", said.field("x-way"), way)?;
        if case.is("close") {
            demand("that it closes", client.is_closed(), true)?;
        } else {
            client.send(BEHIND);
            demand("the answer behind it", answer(client, false)?.text().as_str(), "ok")?;
        }
        let mut seen = self.book.take().0;
        demand("what reached the instance", seen.len(), before + 1 + usize::from(!case.is("close")))?;
        let (seen, wanted) = (seen.remove(before), wanted(case));
        demand("what it means", seen.meaning(), wanted.meaning())?;
        if case.is("forward") && self.way == Way::Fast {
            // But for the one field whose spelling instances are known to differ about.
            demand("how it is spelled", seen, wanted.with_plain_encoding())?;
        }
        Ok(())
    }

    /// Nothing more reached the instance after all was judged.
    fn end(mut self) {
        self.book.take();
        self.stage.end(Duration::ZERO).unwrap();
        until("the instance's connections end", || (self.book.open() == 0).then_some(()));
        assert_eq!(self.book.take().0, []);
    }
}

fn ours(seen: &Seen) -> bool {
    seen.line.starts_with("GET /be")
}

/// What a case says must reach the instance.
fn wanted(case: &Case) -> Seen {
    let bytes = case.arrives.as_ref().unwrap_or(&case.bytes);
    let mut seen =
        Seen::read(&mut Cursor::new(bytes)).unwrap_or_else(|| panic!("{} is no message", case.name));
    let without: Vec<&str> = case.without().collect();
    seen.fields.retain(|line| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        !without.iter().any(|other| other.eq_ignore_ascii_case(name))
    });
    // The space around a value is nobody's.
    for line in &mut seen.fields {
        if let Some((name, value)) = line.split_once(':') {
            *line = format!("{name}: {}", value.trim_matches([' ', '\t']));
        }
    }
    seen
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn judge_requests(way: Way) {
    let cases = case::read("requests");
    assert!(cases.len() >= 300, "the corpus was not found");
    let stand = Stand::new(way);
    let mut faults = Vec::new();
    for case in cases.iter().filter(|case| way == Way::Fast || !case.is("fast")) {
        for cut in CUTS {
            if let Err(fault) = stand.judge(case, cut) {
                faults.push(format!("{} ({cut:?}): {fault}", case.name));
            }
        }
    }
    report(&faults);
    stand.end();
}

#[test]
fn requests_on_the_fast_path() {
    judge_requests(Way::Fast);
}

#[test]
fn requests_on_the_general_path() {
    judge_requests(Way::General);
}

/// Where an instance goes on with what it says after its answer was read.
const LATER: &[u8] = b"LATER";

/// Says case N to `/N`, and `ok` to anything else.
fn tell(cases: &[Case], connection: &mut Connection, later: &mpsc::Receiver<()>, told: &mpsc::Sender<()>) {
    while let Some(request) = connection.request() {
        let number = request.line.split(' ').nth(1).and_then(|path| path[1..].parse::<usize>().ok());
        let Some(case) = number.map(|number| &cases[number]) else {
            connection.say(ok("ok"));
            continue;
        };
        let at = case.bytes.windows(LATER.len()).position(|window| window == LATER);
        connection.say(&case.bytes[..at.unwrap_or(case.bytes.len())]);
        if let Some(at) = at {
            let _ = later.recv_timeout(Duration::from_secs(5));
            connection.say(&case.bytes[at + LATER.len()..]);
            let _ = told.send(());
        }
        if case.is("ends") {
            return;
        }
    }
}

fn judge_answer(case: &Case, number: usize, client: &mut Client, later: impl FnOnce()) -> Result<(), Fault> {
    let method = if case.is("head") { "HEAD" } else { "POST" };
    client.send(format!("{method} /{number} HTTP/1.1\r\nHost: a\r\n\r\n"));
    if case.is("cut") {
        return broken(client);
    }
    let (mut interim, said) = answers(client, case.is("head"))?;
    interim.push(said.clone());
    for name in case.without() {
        demand(name, interim.iter().find_map(|message| message.field(name)), None)?;
    }
    let status = case.status("bad").or(case.status("good"));
    demand("the status", Some(said.status()), status)?;
    if case.is("good") {
        demand("its body", Some(&said.body), case.arrives.as_ref())?;
    } else {
        demand("its mark", said.field("tidegate-gateway").is_some(), true)?;
    }
    later();
    for _ in 0..3 {
        client.send(BEHIND);
        demand("the answer behind it", answer(client, false)?.text().as_str(), "ok")?;
    }
    Ok(())
}

/// The gateway answers in the instance's place, or the connection ends before the answer does.
fn broken(client: &mut Client) -> Result<(), Fault> {
    let Some(head) = client.head() else { return Ok(()) };
    if head.field("tidegate-gateway").is_some() {
        return demand("the status", head.status(), 502);
    }
    match crate::stage::client::read_body(&mut client.reader, head) {
        Ok(whole) => Err(format!("the answer looks whole: {whole:?}")),
        Err(error) => demand("that it waits", error.kind() == std::io::ErrorKind::WouldBlock, false),
    }
}

fn judge_answers(way: Way) {
    let cases = case::read("answers");
    assert!(cases.len() >= 60, "the corpus was not found");
    let mut faults = Vec::new();
    let judged = cases.iter().enumerate().filter(|(_, case)| way == Way::Fast || !case.is("fast"));
    for (number, case) in judged {
        // A gateway each: what a case does to the endpoint's name must not touch the next.
        let ((later, wait), (tell_told, told)) = (mpsc::channel(), mpsc::channel());
        let wait = std::sync::Mutex::new((wait, tell_told));
        let known = case::read("answers");
        let upstream = Upstream::new(move |connection| {
            let (none, nobody) = (mpsc::channel().1, mpsc::channel().0);
            match wait.try_lock() {
                Ok(held) => tell(&known, connection, &held.0, &held.1),
                Err(_) => tell(&known, connection, &none, &nobody),
            }
        });
        let stage = way.stage(&upstream);
        let waits = case.bytes.windows(LATER.len()).any(|window| window == LATER);
        let verdict = judge_answer(case, number, &mut client(&stage), || {
            if waits {
                let _ = later.send(());
                let _ = told.recv_timeout(Duration::from_secs(5));
            }
        });
        if let Err(fault) = verdict {
            faults.push(format!("{}: {fault}", case.name));
        }
    }
    report(&faults);
}

#[test]
fn answers_on_the_fast_path() {
    judge_answers(Way::Fast);
}

#[test]
fn answers_on_the_general_path() {
    judge_answers(Way::General);
}

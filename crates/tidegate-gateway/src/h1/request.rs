//! A request's head: whether it is taken here, where it goes, and the head the instance gets. All of it at once, while the
//! bytes are at hand; nothing is kept of them.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use httparse::{Header, Status};

use super::account::Account;
use super::body::{Body, Framing};
use crate::admission::Entry;
use crate::assign::Note;
use crate::balance::{Failure, Tries};
use crate::count::Outcome;
use crate::flags::speaks_for_us;
use crate::front::screen::{Chunks, parse_length};
use crate::own::is_ours;
use crate::page::Page;
use crate::route::host_name;
use crate::target;
use crate::ticket::Ticket;
use crate::view::{Peer, RequestView, cookie_in};
use crate::worker::{Admitted, Worker};

/// Fields of a head, at most.
pub(super) const MOST_FIELDS: usize = 100;
const LONGEST_TARGET: usize = 8 * 1024;
const LONGEST_ID: usize = 128;

/// What becomes of a head.
#[derive(Debug)]
pub(super) enum Read {
    /// It is not for this path; nothing was done about it.
    General,
    /// It goes to an instance.
    Asked(Asked),
    /// The gateway answers it.
    Page(Page),
}

/// What the connection must know of a request.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// Its body, of which nothing was looked at.
    pub(super) body: Body,
    /// Whether there is none.
    pub(super) bodyless: bool,
    /// Whether the method is HEAD.
    pub(super) is_head: bool,
    /// Whether doing it twice is the same as once.
    pub(super) is_idempotent: bool,
    /// Whether the client closes after it.
    pub(super) close: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub(super) expects: bool,
}

/// A request with its place on an endpoint, or in line for one.
#[derive(Debug)]
pub(super) struct Asked {
    /// `None` once the place is given up.
    pub(super) entry: Option<Entry>,
    pub(super) note: Note,
    /// Where the written head goes on with [`label`].
    pub(super) labels: usize,
}

impl Asked {
    /// Gives its place up, with how that went.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if let Some(Entry::Ticket(ticket)) = self.entry.take() {
            ticket.end(outcome);
        }
    }
}

/// What one connection adds to every head, written once.
#[derive(Debug)]
pub(super) struct Added {
    peer: Peer,
    /// The client's address.
    address: Box<str>,
    /// Whole fields.
    fields: Box<str>,
}

impl Added {
    pub(super) fn new(peer: Peer) -> Self {
        let address = peer.address.ip().to_canonical().to_string();
        let scheme = if peer.secure { "https" } else { "http" };
        let fields = format!("\r\nx-real-ip: {address}\r\nx-forwarded-proto: {scheme}\r\n");
        Added { peer, address: address.into(), fields: fields.into() }
    }
}

/// Takes a whole head, finds its place and writes the head for the instance into `out`.
pub(super) fn read(
    worker: &Rc<Worker>,
    head: &[u8],
    added: &Added,
    out: &mut Vec<u8>,
    (bound, account): (&mut Bound, &mut Option<Account>),
) -> Read {
    if worker.observer.traces() {
        return Read::General; // which writes the field that names the gateway's part
    }
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let Some((request, sorted)) = parse(head, &mut fields) else { return Read::General };
    let Some(view) = View::new(&request, &sorted, added.peer) else { return Read::General };
    *bound = sorted.bound(&request);
    match worker.admit_plain(&view, account) {
        Admitted::General => Read::General,
        Admitted::Page(page) => {
            if let Some(account) = account.as_mut().filter(|_| worker.observer.is_on()) {
                write(worker, &request, &sorted, added, out);
                account.on_head(out, added.peer);
            }
            Read::Page(page)
        }
        Admitted::To(entry, note) => {
            write(worker, &request, &sorted, added, out);
            let labels = out.len();
            if let Some(account) = account {
                account.on_head(out, added.peer);
            }
            Read::Asked(Asked { entry: Some(entry), note, labels })
        }
    }
}

/// Another place for a request whose head was taken before; see [`Worker::readmit`].
pub(super) fn readmit(
    worker: &Worker,
    head: &[u8],
    failed: &Ticket,
    (tries, failure): (&mut Tries, Failure),
) -> Option<Entry> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let (request, sorted) = parse(head, &mut fields)?;
    let view = View::new(&request, &sorted, NOBODY)?;
    worker.readmit(view.host(), view.path(), failed, (tries, failure))
}

/// Host and path of a head that was taken before, to be looked up again after a wait.
pub(super) fn place(head: &[u8]) -> (String, String) {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let parsed = parse(head, &mut fields);
    let view = parsed.as_ref().and_then(|(request, sorted)| View::new(request, sorted, NOBODY));
    view.map(|view| (view.host().to_owned(), view.path().to_owned())).unwrap_or_default()
}

/// The size of the body of a head that is taken; `None` within for one in chunks.
pub(super) fn framing(head: &[u8]) -> Option<Option<u64>> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let (request, sorted) = parse(head, &mut fields)?;
    View::new(&request, &sorted, NOBODY)?;
    Some((!sorted.chunked).then(|| sorted.length.unwrap_or(0)))
}

/// For a head of which only host and path are wanted.
const NOBODY: Peer = Peer::plain(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));

/// Ends a head with what its attempt is for.
pub(super) fn label(out: &mut Vec<u8>, ticket: &Ticket) {
    out.extend_from_slice(&ticket.badge.lines);
}

/// Keeps a request whose head was written here, where its end counts against the instance.
pub(super) fn sample(ticket: &Ticket, outcome: Outcome, head: &[u8]) {
    ticket.sample(outcome, |keep| {
        Head::parse(head, NOBODY, |view| keep(view.field("x-request-id").unwrap_or_default(), view.path()));
    });
}

/// A head that was written here, read again: for the log.
pub(super) struct Head;

impl Head {
    pub(super) fn parse<T>(head: &[u8], peer: Peer, see: impl FnOnce(&dyn RequestView) -> T) -> Option<T> {
        let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS + 8];
        let mut request = httparse::Request::new(&mut []);
        httparse::ParserConfig::default()
            .parse_request_with_uninit_headers(&mut request, head, &mut fields)
            .ok()?;
        let host = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("host"))?.value;
        let sorted = Sorted { host, ..Sorted::default() };
        View::new(&request, &sorted, peer).map(|view| see(&view))
    }
}

type Request<'a> = httparse::Request<'a, 'a>;

fn parse<'a>(head: &'a [u8], fields: &'a mut [MaybeUninit<Header<'a>>]) -> Option<(Request<'a>, Sorted<'a>)> {
    let mut request = httparse::Request::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut request, head, fields);
    let whole = parsed == Ok(Status::Complete(head.len()));
    let target = request.path?;
    let origin = target.starts_with('/') && target.len() <= LONGEST_TARGET;
    let taken = whole && request.version == Some(1) && origin && target.bytes().all(target::is_plain);
    if !taken || request.method == Some("CONNECT") {
        return None;
    }
    let sorted = Sorted::of(request.headers)?;
    Some((request, sorted))
}

/// What a field is to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Passed on as it is.
    Pass,
    /// Ends here; ours takes its place or nothing does.
    Ours,
    Host,
    Length,
    Encoding,
    Connection,
    Expect,
    ForwardedFor,
    Id,
    /// As it is, unless something in it is said in the gateway's name.
    Baggage,
    /// The general path has a rule for it.
    General,
}

fn kind(name: &str) -> Kind {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match name.len() {
        2 if is("te") => Kind::General,
        4 if is("host") => Kind::Host,
        6 if is("expect") => Kind::Expect,
        7 if is("upgrade") => Kind::General,
        10 if is("connection") => Kind::Connection,
        10 if is("keep-alive") => Kind::Ours,
        12 if is("x-request-id") => Kind::Id,
        14 if is("content-length") => Kind::Length,
        14 if is("http2-settings") => Kind::Ours,
        15 if is("x-forwarded-for") => Kind::ForwardedFor,
        16 if is("proxy-connection") => Kind::Ours,
        17 if is("transfer-encoding") => Kind::Encoding,
        7 if is("baggage") => Kind::Baggage,
        9.. if is_ours(name.as_bytes()) => Kind::Ours,
        _ => Kind::Pass,
    }
}

/// The fields that decide, looked over once. `None` for what this path does not take.
#[derive(Debug, Default)]
struct Sorted<'a> {
    host: &'a [u8],
    length: Option<u64>,
    chunked: bool,
    close: bool,
    expects: bool,
    forwarded_for: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
}

impl<'a> Sorted<'a> {
    fn of(fields: &[Header<'a>]) -> Option<Self> {
        let mut sorted = Sorted::default();
        for field in fields {
            let value = field.value.trim_ascii();
            match kind(field.name) {
                Kind::Pass | Kind::Ours => {}
                Kind::Host if sorted.host.is_empty() && !value.is_empty() => sorted.host = value,
                Kind::Length if sorted.length.is_none() => sorted.length = Some(parse_length(value)?),
                Kind::Encoding if !sorted.chunked && value.eq_ignore_ascii_case(b"chunked") => {
                    sorted.chunked = true
                }
                Kind::Connection if value.eq_ignore_ascii_case(b"keep-alive") => {}
                Kind::Connection if value.eq_ignore_ascii_case(b"close") => sorted.close = true,
                Kind::Expect if !sorted.expects && value.eq_ignore_ascii_case(b"100-continue") => {
                    sorted.expects = true
                }
                Kind::ForwardedFor if sorted.forwarded_for.is_none() => sorted.forwarded_for = Some(value),
                Kind::Id if sorted.id.is_none() => sorted.id = Some(value),
                Kind::Baggage if !speaks_for_us(value) => {}
                _ => return None,
            }
        }
        let framed_twice = sorted.length.is_some() && sorted.chunked;
        (!sorted.host.is_empty() && !framed_twice).then_some(sorted)
    }

    fn bound(&self, request: &Request<'_>) -> Bound {
        let framing = match (self.chunked, self.length) {
            (true, _) => Framing::Chunked(Chunks::default()),
            (false, length) => Framing::Fixed(length.unwrap_or(0)),
        };
        let method = request.method.unwrap_or_default();
        let body = Body::new(framing);
        Bound {
            is_head: method == "HEAD",
            is_idempotent: matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE"),
            close: self.close,
            expects: self.expects && !body.over(),
            bodyless: body.over(),
            body,
        }
    }
}

/// The head as routing and arms see it.
struct View<'a> {
    method: &'a str,
    host: Cow<'a, str>,
    path: &'a str,
    query: Option<&'a str>,
    fields: &'a [Header<'a>],
    peer: Peer,
}

impl<'a> View<'a> {
    fn new(request: &'a Request<'a>, sorted: &Sorted<'a>, peer: Peer) -> Option<Self> {
        let host = host_name(std::str::from_utf8(sorted.host).ok()?).ok()?;
        let target = request.path?;
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Some(View { method: request.method?, host, path, query, fields: request.headers, peer })
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn path(&self) -> &str {
        self.path
    }

    fn query(&self) -> Option<&str> {
        self.query
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    fn peer(&self) -> Peer {
        self.peer
    }

    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case("cookie"));
        fields.find_map(|field| cookie_in(field.value, name))
    }
}

fn write(worker: &Worker, request: &Request<'_>, sorted: &Sorted<'_>, added: &Added, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(request.method.unwrap_or_default().as_bytes());
    out.push(b' ');
    out.extend_from_slice(request.path.unwrap_or_default().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for field in &*request.headers {
        match kind(field.name) {
            Kind::Pass | Kind::Baggage | Kind::Host | Kind::Length => {
                write_field(out, field.name, field.value)
            }
            Kind::Encoding => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            Kind::Ours | Kind::Connection | Kind::Expect | Kind::ForwardedFor | Kind::Id | Kind::General => {}
        }
    }
    write_ours(worker, sorted, added, out);
}

fn write_ours(worker: &Worker, sorted: &Sorted<'_>, added: &Added, out: &mut Vec<u8>) {
    out.extend_from_slice(b"x-forwarded-for: ");
    if let Some(chain) = sorted.forwarded_for.filter(|chain| !chain.is_empty()) {
        out.extend_from_slice(chain);
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(added.address.as_bytes());
    out.extend_from_slice(added.fields.as_bytes());
    write_field(out, "x-forwarded-host", sorted.host);
    out.extend_from_slice(b"x-request-id: ");
    let fine = |id: &&[u8]| (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    match sorted.id.filter(fine) {
        Some(id) => out.extend_from_slice(id),
        None => worker.write_request_id(out),
    }
    out.extend_from_slice(b"\r\n");
}

/// One field line.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

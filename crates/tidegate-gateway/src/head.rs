//! Heads: which fields go through, which end here, and which the gateway adds. Pure.

use std::time::Duration;

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri, request};

use crate::badge::Badge;
use crate::flags;
use crate::own::is_ours;
use crate::page::{MARK, Page};
use crate::route::host_name;
use crate::view::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ARM: HeaderName = HeaderName::from_static("tidegate-arm");
const REVISION: HeaderName = HeaderName::from_static("tidegate-revision");
const LANE: HeaderName = HeaderName::from_static(crate::assign::LANE);
const MIRROR: HeaderName = HeaderName::from_static("tidegate-mirror");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// `Trailer` is not among them (RFC 9110, 6.6.2): the other side must know which trailers to expect.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HTTP2_SETTINGS,
];

/// The host a request is for: that of an absolute target, else of the Host field.
pub(crate) fn host_of(parts: &request::Parts) -> Result<String, Page> {
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let field = || parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = authority.or_else(field).ok_or(Page::BAD_HOST)?;
    host_name(host).map(|name| name.into_owned()).map_err(|_| Page::BAD_HOST)
}

/// Whether sending a request twice is the same as sending it once (RFC 9110, 9.2.2).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent()
}

/// Turns a client's head into the one an endpoint gets. `id` makes a request id. Returns the protocol the client wants
/// to change to, if any; the head then asks the endpoint for it.
pub(crate) fn prepare(
    parts: &mut request::Parts,
    peer: Peer,
    id: impl FnOnce() -> HeaderValue,
) -> Option<HeaderValue> {
    // RFC 9110, 7.8: one of HTTP/1.0 is not heard.
    let upgrade = upgrade_of(&parts.headers).filter(|_| parts.version == http::Version::HTTP_11);
    let trailers = wants_trailers(&parts.headers);
    to_origin_form(parts);
    remove_hop_by_hop(&mut parts.headers);
    // The gateway answers it itself, once the endpoint's connection takes the body.
    parts.headers.remove(header::EXPECT);
    remove_ours(&mut parts.headers);
    add_forwarded(&mut parts.headers, peer);
    keep_or_make_id(&mut parts.headers, id);
    if trailers {
        parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = &upgrade {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, protocol.clone());
    }
    parts.version = http::Version::HTTP_11;
    upgrade
}

/// Says which arm an attempt is for, or an answer is from.
pub(crate) fn label(headers: &mut HeaderMap, badge: &Badge) {
    headers.insert(ARM, badge.arm.clone());
    headers.insert(REVISION, badge.revision.clone());
}

/// The same for an attempt, with the side of a train it is on: for the requests that the endpoint makes on account of it.
pub(crate) fn label_request(headers: &mut HeaderMap, badge: &Badge) {
    label(headers, badge);
    match &badge.lane {
        Some(lane) => drop(headers.insert(LANE, lane.clone())),
        None => drop(headers.remove(LANE)),
    }
}

/// Says which arm the copy of a request is for, and that it is one.
pub(crate) fn label_copy(headers: &mut HeaderMap, badge: &Badge) {
    label_request(headers, badge);
    headers.insert(MIRROR, HeaderValue::from_static("1"));
}

/// Whether it is of a call of gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The id of a request whose head was prepared.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(REQUEST_ID).cloned()
}

/// Turns an endpoint's head into the one a client gets, and returns how long the endpoint keeps its connection. Which arm
/// answered is the gateway's to say: an endpoint's own word on it ends here.
pub(crate) fn prepare_answer(headers: &mut HeaderMap) -> Option<Duration> {
    let hint = headers.get(KEEP_ALIVE).and_then(|value| parse_keep_alive(value.as_bytes()));
    remove_hop_by_hop(headers);
    remove_labels(headers);
    hint
}

/// Takes out what a client says in the gateway's name. What it says of those before it, and its id, is heard.
fn remove_ours(headers: &mut HeaderMap) {
    flags::strip(headers);
    let heard = [FORWARDED_FOR, REQUEST_ID];
    let ours = |name: &&HeaderName| is_ours(name.as_str().as_bytes()) && !heard.contains(name);
    let names: Vec<HeaderName> = headers.keys().filter(ours).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn remove_labels(headers: &mut HeaderMap) {
    headers.remove(ARM);
    headers.remove(REVISION);
    // It is for instances alone.
    headers.remove(LANE);
    // So that nobody takes an app's answer for the gateway's.
    headers.remove(MARK);
}

/// Whether an answer is a stream of events that may end between any two of them.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let is_stream = |value: &HeaderValue| is_event_stream_type(value.as_bytes());
    // Compressed or of a promised length, it cannot be read or must not end early.
    let plain =
        !headers.contains_key(header::CONTENT_ENCODING) && !headers.contains_key(header::CONTENT_LENGTH);
    plain && headers.get(header::CONTENT_TYPE).is_some_and(is_stream)
}

/// Whether a media type is that of server-sent events.
pub(crate) fn is_event_stream_type(value: &[u8]) -> bool {
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// As [`prepare_answer`] for 101: the change of protocol is passed on.
pub(crate) fn prepare_upgrade_answer(headers: &mut HeaderMap) {
    let upgrade = headers.get(header::UPGRADE).cloned();
    remove_hop_by_hop(headers);
    remove_labels(headers);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade);
    }
}

fn to_origin_form(parts: &mut request::Parts) {
    if let Some(authority) = parts.uri.authority() {
        // RFC 9112, 3.2.2: the target's host is the one that counts.
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            parts.headers.insert(header::HOST, host);
        }
        let path = parts.uri.path_and_query().cloned();
        let all = parts.method == Method::OPTIONS && path.as_ref().is_some_and(|path| path.as_str() == "?");
        parts.uri = match path {
            // The screen puts the empty query behind a host alone (RFC 9112, 3.2.4).
            Some(_) if all => Uri::from_static("*"),
            Some(path) => Uri::from(path),
            None => Uri::from_static("/"),
        };
    }
}

/// The protocol a client asks for. Another version of HTTP is not passed on, nor TLS: behind it requests would go past every
/// rule of the gateway.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let text = protocol.to_str().ok()?;
    let asked = listed(headers, header::CONNECTION, "upgrade");
    let is_http = |item: &str| {
        let name = item.trim_ascii().to_ascii_lowercase();
        ["h2", "http/", "tls/"].iter().any(|begin| name.starts_with(begin))
    };
    (asked && !text.split(',').any(is_http)).then(|| protocol.clone())
}

/// Whether an instance changes to a protocol that was asked for, and says so.
pub(crate) fn changes_as_asked(asked: &HeaderValue, answer: &HeaderMap) -> bool {
    let asked: Vec<&[u8]> = items(asked).collect();
    let mut changes = answer.get_all(header::UPGRADE).into_iter().flat_map(items).peekable();
    changes.peek().is_some()
        && changes.all(|protocol| asked.iter().any(|item| item.eq_ignore_ascii_case(protocol)))
}

/// The items of a list.
fn items(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TE) && listed(headers, header::TE, "trailers")
}

fn listed(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    let mut items = headers.get_all(name).into_iter().flat_map(items);
    items.any(|item| item.eq_ignore_ascii_case(wanted.as_bytes()))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let names = headers.get_all(header::CONNECTION).into_iter().flat_map(items);
    let named: Vec<HeaderName> = names.filter_map(|name| HeaderName::from_bytes(name).ok()).collect();
    // The fields a message cannot do without are not anybody's to list.
    for name in named.into_iter().filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn add_forwarded(headers: &mut HeaderMap, peer: Peer) {
    let address = peer.address.ip().to_canonical().to_string();
    let Ok(address) = HeaderValue::try_from(address) else { return };
    let mut chain = Vec::new();
    for earlier in headers.get_all(FORWARDED_FOR).into_iter().filter(|earlier| !earlier.is_empty()) {
        chain.extend_from_slice(earlier.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(address.as_bytes());
    if let Ok(chain) = HeaderValue::from_bytes(&chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    headers.insert(REAL_IP, address);
    let proto = if peer.secure { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.insert(FORWARDED_HOST, host);
    }
}

/// One id of a sane form: the client's own, or one that `id` makes.
pub(crate) fn keep_or_make_id(headers: &mut HeaderMap, id: impl FnOnce() -> HeaderValue) {
    let fine = |value: &HeaderValue| {
        (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    match headers.entry(REQUEST_ID) {
        Entry::Occupied(entry) if entry.iter().count() == 1 && fine(entry.get()) => {}
        Entry::Occupied(mut entry) => {
            entry.insert(id());
        }
        Entry::Vacant(entry) => {
            entry.insert(id());
        }
    }
}

/// What a `Keep-Alive` field says of how long.
pub(crate) fn parse_keep_alive(value: &[u8]) -> Option<Duration> {
    let mut items =
        std::str::from_utf8(value).ok()?.split(',').filter_map(|item| item.trim_ascii().split_once('='));
    let (_, seconds) = items.find(|(name, _)| name.trim_ascii().eq_ignore_ascii_case("timeout"))?;
    seconds.trim_ascii().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn prepared(fields: &[(&str, &str)], target: &str) -> (request::Parts, Option<HeaderValue>) {
        let mut builder = Request::builder().uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        let peer = Peer::plain("10.0.0.9:1234".parse().unwrap());
        let upgrade = prepare(&mut parts, peer, || HeaderValue::from_static("made"));
        (parts, upgrade)
    }

    fn field<'a>(parts: &'a request::Parts, name: &str) -> Option<&'a str> {
        parts.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn what_ends_here_and_what_is_added() {
        let (parts, upgrade) = prepared(
            &[
                ("host", "shop:80"),
                ("connection", "close, X-Secret, host"),
                ("x-secret", "1"),
                ("te", "gzip"),
                ("x-forwarded-for", "1.1.1.1"),
                ("x-forwarded-for", "2.2.2.2"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "evil"),
                ("forwarded", "for=evil"),
                ("tidegate-arm", "candidate"),
                ("tidegate-revision", "r9"),
                ("tidegate-mirror", "1"),
                ("tidegate-later", "1"),
                ("tidegate_flags", "x=on"),
                ("baggage", "tidegate.flag.x=on"),
                ("x-request-id", "kept"),
                ("x-own", "stays"),
            ],
            "/a?b",
        );
        assert_eq!(upgrade, None);
        for gone in [
            "connection",
            "x-secret",
            "te",
            "forwarded",
            "tidegate-arm",
            "tidegate-revision",
            "tidegate-mirror",
            "tidegate-later",
            "tidegate_flags",
            "baggage",
        ] {
            assert_eq!(field(&parts, gone), None, "{gone}");
        }
        assert_eq!(field(&parts, "host"), Some("shop:80"));
        assert_eq!(field(&parts, "x-forwarded-for"), Some("1.1.1.1, 2.2.2.2, 10.0.0.9"));
        assert_eq!(field(&parts, "x-forwarded-proto"), Some("http"));
        assert_eq!(field(&parts, "x-forwarded-host"), Some("shop:80"));
        assert_eq!(field(&parts, "x-real-ip"), Some("10.0.0.9"));
        assert_eq!(field(&parts, "x-request-id"), Some("kept"));
        assert_eq!(field(&parts, "x-own"), Some("stays"));
    }

    #[test]
    fn an_absolute_target_names_the_host() {
        let (parts, _) = prepared(&[("host", "other")], "http://Shop.test:81/a?b");
        assert_eq!(parts.uri, "/a?b");
        assert_eq!(field(&parts, "host"), Some("Shop.test:81"));
    }

    #[test]
    fn websocket_is_passed_on_and_http2_is_not() {
        let (parts, upgrade) =
            prepared(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")], "/");
        assert_eq!(upgrade.unwrap(), "websocket");
        assert_eq!(field(&parts, "connection"), Some("upgrade"));
        let (parts, upgrade) = prepared(&[("connection", "upgrade"), ("upgrade", "h2c")], "/");
        assert_eq!((upgrade, field(&parts, "upgrade")), (None, None));
        let (_, upgrade) = prepared(&[("upgrade", "websocket")], "/");
        assert_eq!(upgrade, None);
    }

    #[test]
    fn a_bad_request_id_is_replaced() {
        let (parts, _) = prepared(&[("x-request-id", "a b")], "/");
        assert_eq!(field(&parts, "x-request-id"), Some("made"));
        let (parts, _) = prepared(&[("x-request-id", "a"), ("x-request-id", "b")], "/");
        assert_eq!(parts.headers.get_all("x-request-id").iter().count(), 1);
    }

    #[test]
    fn the_keep_alive_hint_is_read() {
        assert_eq!(parse_keep_alive(b"timeout=5, max=100"), Some(Duration::from_secs(5)));
        assert_eq!(parse_keep_alive(b"max=100"), None);
        assert_eq!(parse_keep_alive(b"timeout=x"), None);
    }
}

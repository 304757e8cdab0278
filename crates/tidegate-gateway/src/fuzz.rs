//! Ways in for fuzz targets and property tests of other crates: each reads what comes from outside. No part of the
//! gateway's interface.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::RouteTable;

use crate::assign::Secret;
use crate::front::screen::{Chunks, Screen};
use crate::limits::Limits;
use crate::proxy_protocol::{Header, belongs, parse};
use crate::registry::Registry;
use crate::route::{Hosts, Paths, host_name, normal, validate};

/// Whether the fast path takes the bytes for a request's head. What it takes, the general path must take as well, and end
/// the message at the same byte; which the two are told by an ordinary request that follows.
pub fn head(bytes: &[u8]) -> bool {
    const LARGE: usize = 64 * 1024;
    crate::h1::fuzz_head(bytes).is_some_and(|(length, framing)| {
        let mut screen = Screen::new(LARGE, LARGE);
        assert_eq!(screen.advance(&bytes[..length]), Ok(()), "the screen refuses what the fast path takes");
        assert_eq!(screen.heads(), 1, "the screen sees another end of the head");
        assert_eq!(screen.in_body(), framing != Some(0), "the screen sees another framing");
        if let Some(body) = framing.filter(|body| (1..4096).contains(body)) {
            assert_eq!(screen.advance(&vec![b'\n'; body as usize]), Ok(()), "the body is not all body");
            assert!(!screen.in_body(), "the screen sees a longer body");
        }
        true
    })
}

/// Whether the bytes begin with a whole chunked body. The verdict, the body's end and its size are the same however the
/// bytes are cut; the first byte says where.
pub fn chunks(bytes: &[u8]) -> bool {
    let Some((cut, bytes)) = bytes.split_first() else { return false };
    let (mut whole, mut pieces) = (Chunks::default(), Chunks::default());
    let at_once = whole.advance(bytes);
    let mut used = 0;
    let mut verdict = Ok((0, false));
    for piece in bytes.chunks(usize::from(*cut % 16) + 1) {
        verdict = pieces.advance(piece);
        match verdict {
            Ok((more, false)) => used += more,
            Ok((more, true)) => {
                used += more;
                break;
            }
            Err(_) => break,
        }
    }
    assert_eq!(at_once.is_err(), verdict.is_err(), "the cut makes a difference");
    let Ok((length, ended)) = at_once else { return false };
    assert_eq!((length, ended), (used, verdict.is_ok_and(|(_, ended)| ended)), "the cut moves the end");
    assert_eq!(whole.data(), pieces.data(), "the cut changes the size");
    ended
}

/// Whether a lookup finds anything. Lines `host path` are routes and the last is what is looked up; every route is tried by
/// the words of the documentation, and the map must find the same.
pub fn route(text: &str) -> bool {
    let mut pairs: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let Some((host, path)) = pairs.pop() else { return false };
    let Ok(host) = host_name(host) else { return false };
    pairs.retain(|(host, path)| {
        let name = host.strip_prefix("*.").unwrap_or(host);
        let spelled = host_name(name).is_ok_and(|same| same == name);
        (*host == "*" || spelled) && path.starts_with('/')
    });
    let mut hosts: Hosts<Paths<usize>> = Hosts::default();
    // The last of two routes that are the same is the one that counts.
    let mut naive: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, (host, prefix)) in pairs.iter().enumerate() {
        hosts.entry(host).insert(prefix, index);
        naive.insert((host, prefix.trim_end_matches('/')), index);
    }
    let found = hosts.find(&host).and_then(|paths| paths.find(path)).copied();
    assert_eq!(found, naive_route(&naive, &host, path), "the map finds another route");
    let read = hosts.find(&host).map_or(Ok(None), |paths| paths.read(path));
    if let Ok(read) = read.map(Option::<&usize>::copied) {
        let normal = normal(path);
        assert_eq!(read, hosts.find(&host).and_then(|paths| paths.find(&normal)).copied(), "another reading");
    }
    found.is_some()
}

fn naive_route(routes: &BTreeMap<(&str, &str), usize>, host: &str, path: &str) -> Option<usize> {
    let stands_for = |pattern: &str| {
        let suffix = pattern.strip_prefix('*').filter(|suffix| !suffix.is_empty());
        pattern == host
            || pattern == "*"
            || suffix.is_some_and(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
    };
    let rank = |pattern: &str| (pattern == host, pattern != "*", pattern.len());
    let best = routes
        .keys()
        .map(|(pattern, _)| *pattern)
        .filter(|pattern| stands_for(pattern))
        .max_by_key(|pattern| rank(pattern))?;
    let of_host = routes.iter().filter(|((pattern, _), _)| *pattern == best);
    let fits = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.is_empty())
    };
    of_host
        .filter(|((_, prefix), _)| fits(prefix))
        .max_by_key(|((_, prefix), _)| prefix.len())
        .map(|(_, index)| *index)
}

/// Whether the bytes are spelled as the value of a client's bucket cookie. One that is has no other spelling.
pub fn cookie(value: &[u8]) -> bool {
    crate::assign::parse_cookie(value).is_some_and(|written| {
        assert_eq!(written.to_string().as_bytes(), value, "two spellings of one cookie");
        true
    })
}

/// Whether the bytes begin with a whole PROXY header. Every beginning of one is the beginning of one, and what is taken for
/// it before it is whole is not longer.
pub fn proxy(bytes: &[u8]) -> bool {
    let Ok(Header::Whole(length, _)) = parse(bytes) else { return false };
    assert!((1..=bytes.len()).contains(&length), "the header is longer than what there is");
    for end in 0..length {
        assert_eq!(parse(&bytes[..end]), Ok(Header::Partial), "{end} bytes are not the beginning of it");
        assert!(belongs(&bytes[..end]) <= length, "{end} bytes are said to be more");
    }
    true
}

/// Makes a table ready as a gateway does before its workers use it. The error says why it is refused whole; what else of it
/// cannot be used is told in the log.
pub fn table(table: &RouteTable) -> Result<(), String> {
    validate(table, None).map_err(|error| error.to_string())?;
    let mut registry = Registry::new(1, Limits::default(), Secret::of([0; 32]), Arc::default());
    registry.compile(&Arc::new(table.clone()));
    Ok(())
}

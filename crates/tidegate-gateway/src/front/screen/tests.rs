//! Verdicts on whole messages, and the same verdict however the bytes are cut.

use super::*;
use proptest::prelude::*;

fn verdict(pieces: &[&[u8]]) -> Result<u64, u16> {
    let mut screen = Screen::new(1024, 10);
    for piece in pieces {
        screen.advance(piece).map_err(|breach| breach.refusal.status)?;
    }
    Ok(screen.heads())
}

const GOOD: [&str; 6] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nGET / HTTP/1.0\r\nhost:a\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=\"y\"\r\na\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
];

const BAD: [(&str, u16); 34] = [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n", 400),
];

#[test]
fn good_messages_pass() {
    for message in GOOD {
        assert_eq!(verdict(&[message.as_bytes()]), Ok(1), "{message:?}");
    }
    assert_eq!(verdict(&[GOOD.concat().as_bytes()]), Ok(6));
}

#[test]
fn bad_messages_are_refused_with_their_status() {
    for (message, status) in BAD {
        assert_eq!(verdict(&[message.as_bytes()]), Err(status), "{message:?}");
    }
}

#[test]
fn heads_have_a_size() {
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(2_000));
    let long_field = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(2_000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(10));
    assert_eq!(verdict(&[long_target.as_bytes()]), Err(414));
    assert_eq!(verdict(&[long_field.as_bytes()]), Err(431));
    assert_eq!(verdict(&[many.as_bytes()]), Err(431));
}

#[test]
fn extensions_may_grow_with_the_body() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = |size: usize, extension: usize, count: usize| {
        let chunk = format!("{size:x};{}\r\n{}\r\n", "e".repeat(extension), "d".repeat(size));
        format!("{head}{}0\r\n\r\n", chunk.repeat(count))
    };
    // Far more than a body without any may have.
    let signed = chunks(8 * 1024, 100, 2_000);
    assert_eq!(verdict(&[signed.as_bytes()]), Ok(1));
    let pieces: Vec<&[u8]> = signed.as_bytes().chunks(1_000).collect();
    assert_eq!(verdict(&pieces), Ok(1));
    assert_eq!(verdict(&[chunks(1, 200, 80).as_bytes()]), Ok(1));
    assert_eq!(verdict(&[chunks(1, 200, 90).as_bytes()]), Err(400));
    assert_eq!(verdict(&[chunks(1_000, 200, 300).as_bytes()]), Err(400));
}

#[test]
fn messages_before_the_refused_one_are_kept() {
    let good = GOOD[2];
    let both = format!("{good}{}", BAD[3].0);
    let mut screen = Screen::new(1024, 10);
    let breach = screen.advance(both.as_bytes()).unwrap_err();
    assert_eq!((breach.keep, breach.in_body), (good.len(), false));
}

#[test]
fn the_beginning_of_a_head_does_not_pass() {
    let mut screen = Screen::new(1024, 10);
    for (piece, passed) in [
        ("\r\nPO", 2),
        ("ST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n", 0),
        ("\r\na", 3),
        ("bcGET / HTTP/1.1\r\nHost: a\r\n\r\nGET", 29),
        (" / HTTP/1.1\r\nHost: a\r\n\r\n", 24),
    ] {
        screen.advance(piece.as_bytes()).unwrap();
        assert_eq!(screen.passed(), passed, "{piece:?}");
    }
}

/// What the parser gets, in pieces of this size.
fn spelled(message: &[u8], size: usize) -> Result<Vec<u8>, Breach> {
    let mut screen = Screen::new(1024, 10);
    let mut out = Vec::new();
    for piece in message.chunks(size) {
        screen.advance(piece)?;
        out.extend(spell(piece, &screen.take_odd()));
    }
    Ok(out)
}

#[test]
fn a_target_is_spelled_for_the_parser_and_nothing_else_is() {
    let rest = " HTTP/1.1\r\nHost: a\r\nX: \"<`\r\nContent-Length: 3\r\n\r\n<\">";
    for (line, other) in [
        ("POST /a?b{}|^", "POST /a?b{}|^"),
        ("POST /<a>?\"`", "POST /%3Ca%3E?%22%60"),
        ("P`T /<", "P`T /%3C"),
        ("OPTIONS *", "OPTIONS *"),
        ("OPTIONS /", "OPTIONS /"),
        ("OPTIONS http://b", "OPTIONS http://b?"),
        ("OPTIONS HTTPS://b:1", "OPTIONS HTTPS://b:1?"),
        ("OPTIONS http://b/", "OPTIONS http://b/"),
        ("OPTIONS http://b?<", "OPTIONS http://b?%3C"),
        ("OPTIONSX http://b", "OPTIONSX http://b"),
    ] {
        let twice = format!("{line}{rest}\r\n{line}{rest}");
        for size in 1..twice.len() {
            let said = spelled(twice.as_bytes(), size).unwrap();
            assert_eq!(String::from_utf8(said).unwrap(), format!("{other}{rest}\r\n{other}{rest}"), "{size}");
        }
    }
}

#[test]
fn what_is_spelled_before_a_breach_is_all_there_is() {
    let good = "GET /< HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = format!("{good}GET /<# HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut screen = Screen::new(1024, 10);
    let breach = screen.advance(both.as_bytes()).unwrap_err();
    assert_eq!(breach.keep, good.len());
    let odd = screen.take_odd();
    assert_eq!(odd.iter().filter(|at| **at < breach.keep).collect::<Vec<_>>(), [&5]);
}

#[test]
fn a_breach_in_a_body_under_way_says_so() {
    let mut screen = Screen::new(1024, 10);
    screen.advance(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let breach = screen.advance(b"x\r\n").unwrap_err();
    assert_eq!((breach.keep, breach.in_body), (0, true));
}

proptest! {
    /// Else the parser would refuse it in its own words, unmarked and uncounted.
    #[test]
    fn every_target_that_passes_is_one_to_the_parser(
        method in "GET|OPTIONS|X",
        target in "(HTTPS?://|http://)?[-a.:\\[\\]_~0-9@%]{0,6}[/?*]?[!-~]{0,8}",
    ) {
        let line = format!("{method} {target} HTTP/1.1\r\n");
        if let Ok(said) = spelled(format!("{line}Host: a\r\n\r\n").as_bytes(), 7) {
            let said = String::from_utf8(said).unwrap();
            let uri = said.split(' ').nth(1).unwrap().parse::<http::Uri>();
            prop_assert!(uri.is_ok(), "{}", said);
        }
    }

    #[test]
    fn the_cut_does_not_matter(index in 0..BAD.len() + GOOD.len(), size in 1_usize..40) {
        let message = if index < BAD.len() { BAD[index].0 } else { GOOD[index - BAD.len()] };
        let pieces: Vec<&[u8]> = message.as_bytes().chunks(size).collect();
        prop_assert_eq!(verdict(&pieces), verdict(&[message.as_bytes()]));
    }
}

//! Routes: host, path, service, and what is done on the way.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::preview::{LONGEST_SLUG, PLACEHOLDER};

use super::flag::Flag;
use super::name::NameText;
use super::network::Network;
use super::policy::{
    RawBasicAuth, RawCompress, RawCors, RawHeaders, RawHttps, RawMaintenance, RawRateLimit, RawRedirect,
    RawRewrite,
};
use super::read::{Place, Read};
use super::record::record;
use super::size::{Size, TIB_16};
use super::some::OneOrMore;
use super::text::Text;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;

record! { replaced
    /// Where requests go: the most specific host wins, then the longest path.
    #[schemars(rename = "Route", extend("required" = ["host"]))]
    RawRoute is "a route" {
        /// A DNS name, `*.` and a DNS name for its subdomains, or `*` for every other host. In a preview `{branch}` stands for
        /// its branch.
        host: Host,
        /// A path prefix, matched at a `/`. Default `/`.
        path: RoutePath,
        /// The service the requests go to. A route with `redirect` or `maintenance` needs none.
        to: NameText,
        /// Who may come: addresses or networks like `10.0.0.0/8`. Others get 403. Default: everybody.
        allow: OneOrMore<Text<Network>>,
        /// `redirect` sends requests without TLS to the same address with it; a map says more.
        https: RawHttps,
        /// `true`, a text or a map: a page for everybody instead of the app.
        maintenance: RawMaintenance,
        /// Most requests of one client, like `100 per 1m`.
        rate_limit: RawRateLimit,
        /// Which other origins may call: origins, or a map.
        cors: RawCors,
        /// Names and passwords.
        basic_auth: RawBasicAuth,
        /// A URL or a path the client is sent to.
        redirect: RawRedirect,
        /// How large bodies of requests may be; over it 413. Default: any size.
        max_request: Size<1, TIB_16>,
        /// How large bodies of answers may be; over it 502. Default: any size.
        max_response: Size<1, TIB_16>,
        /// Whether the app gets the path without the route's prefix.
        strip_prefix: Flag,
        /// What the app gets instead of the route's prefix, or a map.
        rewrite: RawRewrite,
        /// Header fields that are set, added or removed.
        headers: RawHeaders,
        /// `true`, or which of `zstd`, `br` and `gzip`: answers are made smaller on their way.
        compress: RawCompress,
    }
}

const HOST_PATTERN: &str = "^(\\*|(\\*\\.)?([A-Za-z0-9-]|\\{branch\\})+(\\.([A-Za-z0-9-]|\\{branch\\})+)*)$";

/// A host in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Host(pub(crate) String);

/// A path prefix without empty segments and without `/` at the end.
#[derive(Clone, Debug)]
pub(crate) struct RoutePath(pub(crate) String);

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathFault {
    Start,
    Character,
    Dots,
    Length,
    Readings,
}

impl PathFault {
    pub(super) fn reason(self) -> &'static str {
        match self {
            PathFault::Start => "it does not begin with `/`",
            PathFault::Character => "it contains white space, a control character, `?`, `#` or `\\`",
            PathFault::Dots => "it contains `.` or `..` as a segment",
            PathFault::Length => "it is longer than 1024 bytes",
            PathFault::Readings => {
                "apps read `;`, an escaped slash and a `%` that is no escape in different ways"
            }
        }
    }
}

/// Checks a path without its query.
pub(super) fn check_path(path: &str) -> Result<(), PathFault> {
    let dots =
        |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let refused = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\');
    if !path.starts_with('/') {
        Err(PathFault::Start)
    } else if path.len() > 1024 {
        Err(PathFault::Length)
    } else if path.contains(refused) {
        Err(PathFault::Character)
    } else if path.split('/').any(dots) {
        Err(PathFault::Dots)
    } else {
        Ok(())
    }
}

/// Checks that a path has one reading only: requests that have more are refused where that matters.
fn check_readings(path: &str) -> Result<(), PathFault> {
    let is_escape = |rest: &str| {
        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits
            .is_some_and(|digits| !matches!(digits.to_ascii_lowercase().as_str(), "2f" | "5c" | "25" | "3b"))
    };
    let fine = !path.contains(';') && path.split('%').skip(1).all(is_escape);
    if fine { Ok(()) } else { Err(PathFault::Readings) }
}

impl RoutePath {
    /// As people write it: two spellings of one path become the same.
    pub(crate) fn spelled(&self) -> String {
        let Self(path) = self;
        let upper = respelled(path, |_| false);
        let letters = |byte: u8| is_plain_sign(byte) || !byte.is_ascii();
        let escapes: [fn(u8) -> bool; 2] = [letters, is_plain_sign];
        let readable =
            escapes.into_iter().filter_map(|needless| String::from_utf8(respelled(path, needless)).ok());
        // What an escape hides may be white space, or no text at all.
        let fine = |path: &String| check_path(path).and_then(|()| check_readings(path)).is_ok();
        readable.into_iter().find(fine).unwrap_or_else(|| String::from_utf8_lossy(&upper).into_owned())
    }
}

/// Whether a byte stands for itself in a path.
fn is_plain_sign(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\' | b';' | b'%' | b'?' | b'#')
}

/// The path without the escapes that are needless, and the others in upper case.
fn respelled(path: &str, needless: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut pieces = path.split('%');
    let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let escaped = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) if needless(byte) => out.push(byte),
            Some(byte) => out.extend(format!("%{byte:02X}").bytes()),
            None => out.push(b'%'),
        }
        out.extend(piece.as_bytes().get(if escaped.is_some() { 2.. } else { 0.. }).unwrap_or_default());
    }
    out
}

impl Host {
    /// The host, or why the text is none.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let host = text.to_ascii_lowercase();
        if host == "*" {
            return Ok(Host(host));
        }
        // As long as it can get.
        let filled = host.replace(PLACEHOLDER, &"x".repeat(LONGEST_SLUG));
        let name = filled.strip_prefix("*.").unwrap_or(&filled);
        if host.contains("://") {
            Err("leave out the scheme: write the host alone")
        } else if host.contains('/') {
            Err("leave out the path: it goes to the key `path`")
        } else if host.contains(':') {
            Err("leave out the port: routes are the same on every port of the gateway")
        } else if name.contains('*') {
            Err("`*` stands alone or as the first label: `*.example.com`")
        } else if !host.is_ascii() {
            Err("write an international name in its ASCII form, `xn--…`")
        } else if !is_dns_name(name) {
            Err("labels of 1 to 63 letters, digits and `-`, with dots between")
        } else {
            Ok(Host(host))
        }
    }
}

fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl Read for Host {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        let report = |reason| {
            findings.push(
                Diagnostic::error(codes::BAD_HOST, format!("{} is not a host", quote(text)))
                    .at(place.node.span, "not a host")
                    .help(reason),
            );
        };
        Host::parse(text).map_err(report).ok()
    }
}

impl Read for RoutePath {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        if let Err(fault) = check_path(text).and_then(|()| check_readings(text)) {
            findings.push(
                Diagnostic::error(
                    codes::BAD_PATH,
                    format!("{} is not a path: {}", quote(text), fault.reason()),
                )
                .at(place.node.span, "not a path")
                .help("write a prefix like `/api`"),
            );
            return None;
        }
        let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
        Some(RoutePath(format!("/{}", segments.join("/"))))
    }
}

impl JsonSchema for Host {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Host".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": HOST_PATTERN })
    }
}

impl JsonSchema for RoutePath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RoutePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^\\s?#]*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_wildcards_or_everything() {
        for good in [
            "shop.localhost",
            "a",
            "SHOP.example.com",
            "*.example.com",
            "*",
            "127.0.0.1",
            "xn--bcher-kva.de",
            "{branch}.a.de",
            "{branch}-a.de",
        ] {
            assert!(Host::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "*.",
            "a.*",
            "**",
            "a b",
            "a_b",
            "http://a",
            "a:80",
            "a/b",
            "bücher.de",
            "{branches}.a",
            "{branch}{branch}{branch}.a",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Host::parse("Shop.Example.COM").unwrap().0, "shop.example.com");
    }

    #[test]
    fn paths_cannot_climb() {
        for (path, fault) in [
            ("api", PathFault::Start),
            ("/a/../b", PathFault::Dots),
            ("/a/%2E%2e", PathFault::Dots),
            ("/a b", PathFault::Character),
            ("/a?b", PathFault::Character),
        ] {
            assert_eq!(check_path(path), Err(fault), "{path}");
        }
        assert_eq!(check_path("/..a/b.c/"), Ok(()));
    }

    #[test]
    fn spellings_of_one_path_are_the_same() {
        for (path, spelled) in [
            ("/%61dmin", "/admin"),
            ("/gr%c3%B6%C3%9Fe", "/größe"),
            ("/größe", "/größe"),
            ("/gr%c3/%7Eb", "/gr%C3/~b"),
            ("/a%20b%c2%a0", "/a%20b%C2%A0"),
            ("/%2e%2e.", "/..."),
            ("/%7bx%7d%3f", "/{x}%3F"),
        ] {
            assert_eq!(RoutePath(path.to_owned()).spelled(), spelled, "{path}");
        }
    }

    #[test]
    fn a_route_has_one_reading() {
        for path in ["/a;b", "/a%2fb", "/a%5Cb", "/a%zz", "/a%", "/a%2", "/a%253b", "/ä%ö"] {
            assert_eq!(check_readings(path), Err(PathFault::Readings), "{path}");
        }
        for path in ["/größe", "/gr%C3%B6%c3%9fe", "/%61", "/a%20b"] {
            assert_eq!(check_readings(path), Ok(()), "{path}");
        }
    }
}

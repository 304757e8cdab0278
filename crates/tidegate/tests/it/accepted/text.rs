//! Texts for the patterns of the schema. A pattern says less than the reader of its key asks for; the likelier texts here
//! are mostly good, the others are whatever the pattern lets through.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;

/// Patterns of which a text made at random would hardly ever be accepted, and better ones.
const LIKELIER: [(&str, &str); 11] = [
    ("^[0-9]+(ms|s|m|h|d)$", "([1-9]00ms|[1-9][0-9]?s|[1-9]m|1h)"),
    ("^[0-9]+(B|KiB|MiB|GiB)$", "[1-9][0-9]{0,2}(B|KiB|MiB|GiB)"),
    ("^[0-9]+ per [0-9]+(ms|s|m|h|d)$", "[1-9][0-9]{0,3} per ([1-9]00ms|[1-9][0-9]?s|[1-9]m|1h)"),
    ("^[0-9]{1,3}%$", "([1-9]?[0-9]|100)%"),
    ("^/[^\\s?#]*$", "(/|(/[a-zA-Z0-9._~!$&'()*+,;=:@{}|^-]{1,6}){1,3}/?|/[a-z]{0,3}(%[0-9A-F]{2}){1,2})"),
    (
        "^(https?://[^\\s]+|/[^\\s]*)$",
        "((https?://(\\{host\\}|[a-z0-9-]{1,8}(\\.[a-z]{2,3})?(:[0-9]{1,5})?|\\[::1\\])|/[a-z]{1,4})(/[!-z|~]{0,4})?(\\{path\\})?(\\{query\\})?)",
    ),
    (
        "^(\\*|https?://[^/\\s]+)$",
        "(\\*|https?://(\\*\\.)?[a-z0-9-]{1,8}(\\.[a-z0-9]{1,4}){0,2}(:[0-9]{1,5})?|http://\\[[0-9a-f:]{2,6}\\])",
    ),
    (
        "^(\\*|(\\*\\.)?([A-Za-z0-9-]|\\{branch\\})+(\\.([A-Za-z0-9-]|\\{branch\\})+)*)$",
        "(\\*|(\\*\\.)?[A-Za-z0-9]([a-z0-9-]{0,6}[a-z0-9])?(\\.[A-Z0-9a-z]{1,5}){0,3})",
    ),
    (
        "^\\$2[aby]\\$[0-9]{2}\\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$",
        "\\$2[aby]\\$(0[4-9]|1[0-4])\\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]",
    ),
    ("^[^/\\\\][^\\\\]*$", "(\\.|[a-zA-Z0-9_]{1,5}[a-z0-9 ._%?#~-]{0,4}(/[a-z0-9._-]{1,6}){0,2})"),
    ("^[A-Z]+$", "[A-Z]{1,9}"),
];
const NETWORK: &str = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$";
const NETWORKS: [&str; 14] = [
    "10.0.0.0/8",
    "10.1.2.3/8",
    "0.0.0.0/0",
    "192.0.2.1",
    "192.0.2.1/32",
    "1.2.3.4/33",
    "::",
    "::1",
    "::/0",
    "2001:db8::/32",
    "2001:db8::1/48",
    "::ffff:10.0.0.1",
    "::ffff:10.0.0.0/104",
    "fe80::1/129",
];
/// How often a likelier text is taken, against once.
const LIKELY: u32 = 40;

/// Texts of a pattern.
pub fn text(pattern: &str) -> BoxedStrategy<String> {
    let any = string_regex(&shortened(pattern)).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    if pattern == NETWORK {
        return prop_oneof![LIKELY => select(&NETWORKS[..]).prop_map(str::to_owned), 1 => any].boxed();
    }
    match LIKELIER.iter().find(|(of, _)| *of == pattern) {
        Some((_, better)) => prop_oneof![LIKELY => string_regex(better).unwrap(), 1 => any].boxed(),
        None => any.boxed(),
    }
}

/// The pattern without anchors and with bounded lengths, as texts are made of.
fn shortened(pattern: &str) -> String {
    if pattern == "\\S" {
        return "[!-~]([ -~üß😀<>\\n]{0,12}[!-~])?".to_owned();
    }
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).unwrap_or(pattern);
    let bounds = [("{1,1024}", "{1,12}"), ("{0,4096}", "{0,12}"), ("{1,128}", "{1,12}"), (".{", "[^\\n]{")];
    bounds.iter().fold(inner.to_owned(), |text, (long, short)| text.replace(long, short))
}

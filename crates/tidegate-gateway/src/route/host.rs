//! Host names: what a request asks for, brought to one spelling; and the map from it to anything.

use std::borrow::Cow;
use std::collections::HashMap;

// Keys come from the table: nobody can choose them to collide.
use foldhash::fast::RandomState;

/// Why a `Host` value names no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host name is not valid")]
pub(crate) struct HostError;

const LONGEST: usize = 253;

/// The name in a `Host` value or an authority: no port, lower-case, no trailing dot. IPv6 literals keep their brackets.
pub(crate) fn host_name(value: &str) -> Result<Cow<'_, str>, HostError> {
    // Nearly every value is a name as it is, and one look at it is enough.
    if (1..=LONGEST).contains(&value.len()) && value.bytes().all(plain) && !value.ends_with('.') {
        return Ok(Cow::Borrowed(value));
    }
    let (name, port) = split_port(value)?;
    if !is_port(port) {
        return Err(HostError);
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(allowed) {
        return Err(HostError);
    }
    let lower = !name.bytes().any(|b| b.is_ascii_uppercase());
    Ok(if lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) })
}

/// Digits that number a port, or none.
fn is_port(port: &str) -> bool {
    port.is_empty()
        || (port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5 && port.parse::<u16>().is_ok())
}

fn split_port(value: &str) -> Result<(&str, &str), HostError> {
    if value.starts_with('[') {
        let end = value.find(']').ok_or(HostError)? + 1;
        let (name, rest) = value.split_at(end);
        let address = &name[1..end - 1];
        if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')) {
            return Err(HostError);
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((name, port)),
            None if rest.is_empty() => Ok((name, "")),
            None => Err(HostError),
        };
    }
    let (name, port) = value.split_once(':').unwrap_or((value, ""));
    if name.contains(['[', ']']) { Err(HostError) } else { Ok((name, port)) }
}

/// What is allowed, and means nothing but itself.
fn plain(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_' | b'~')
}

/// Letters, digits and what registered names in the wild use; nothing that could end a header or name a user.
fn allowed(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']')
}

/// Hosts as routes name them: exact, then the longest `*.suffix`, then `*`.
#[derive(Debug)]
pub(crate) struct Hosts<T> {
    exact: HashMap<Box<str>, T, RandomState>,
    suffix: HashMap<Box<str>, T, RandomState>,
    any: Option<T>,
}

impl<T> Default for Hosts<T> {
    fn default() -> Self {
        Hosts { exact: HashMap::default(), suffix: HashMap::default(), any: None }
    }
}

impl<T: Default> Hosts<T> {
    /// What a route's host stands for.
    pub(crate) fn entry(&mut self, pattern: &str) -> &mut T {
        if pattern == "*" {
            return self.any.get_or_insert_default();
        }
        match pattern.strip_prefix("*.") {
            Some(suffix) => self.suffix.entry(suffix.into()).or_default(),
            None => self.exact.entry(pattern.into()).or_default(),
        }
    }

    /// The most specific entry for a name as [`host_name`] spells it.
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        self.exact.get(name).or_else(|| self.find_suffix(name)).or(self.any.as_ref())
    }

    /// `*.b.c` stands for `a.b.c` and `x.a.b.c`, not for `b.c`.
    fn find_suffix(&self, name: &str) -> Option<&T> {
        if self.suffix.is_empty() {
            return None;
        }
        let dots = name.bytes().enumerate().filter(|(at, b)| *b == b'.' && *at > 0);
        dots.filter_map(|(at, _)| self.suffix.get(&name[at + 1..])).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling() {
        for (value, name) in [
            ("Shop.Localhost:8080", "shop.localhost"),
            ("shop.localhost.", "shop.localhost"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("a_b:", "a_b"),
        ] {
            assert_eq!(host_name(value).unwrap(), name, "{value}");
        }
    }

    #[test]
    fn what_names_no_host() {
        for value in [
            "",
            ".",
            ":80",
            "a b",
            "user@host",
            "a,b",
            "a:b",
            "a:1:2",
            "[::1",
            "[::1]x",
            "a/b",
            "hé",
            "a:123456",
            "a:65536",
            "[]",
            "[[]",
            "[x]",
        ] {
            assert_eq!(host_name(value), Err(HostError), "{value}");
        }
    }

    /// By the words of the documentation, trying every pattern.
    fn naive<'a>(patterns: &'a [String], name: &str) -> Option<&'a String> {
        let exact = patterns.iter().find(|pattern| *pattern == name);
        let suffixes = patterns
            .iter()
            .filter(|p| p.starts_with("*.") && name.len() > p.len() - 1 && name.ends_with(&p[1..]));
        let any = patterns.iter().find(|pattern| *pattern == "*");
        exact.or(suffixes.max_by_key(|pattern| pattern.len())).or(any)
    }

    proptest! {
        #[test]
        fn the_map_agrees_with_trying_every_pattern(
            patterns in proptest::collection::vec("(\\*|(\\*\\.)?[ab](\\.[ab]){0,3})", 0..12),
            name in "[ab](\\.[ab]){0,4}",
        ) {
            let mut hosts: Hosts<String> = Hosts::default();
            for pattern in &patterns {
                *hosts.entry(pattern) = pattern.clone();
            }
            prop_assert_eq!(hosts.find(&name), naive(&patterns, &name));
        }
    }
}

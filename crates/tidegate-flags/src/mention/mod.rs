//! Which flags a source text mentions: its calls of OpenFeature's evaluation with a literal key, and known keys that stand
//! in quotes.
//!
//! `tidegate check` and a deploy call it for each file of an app that defines flags. It looks at text, not at a syntax tree:
//! a key that is put together at run time is not found, and a key in a dead branch is.

mod call;
mod language;
mod lines;

use std::collections::HashSet;

use foldhash::fast::FixedState;
use memchr::memchr3_iter;

use self::lines::Lines;
pub use language::Language;

/// Keys that are known, for [`mentions`].
pub type Keys<'k> = HashSet<&'k str, FixedState>;

/// The longest key, as clients may ask for it.
const LONGEST: usize = 200;

/// One mention of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The flag's key.
    pub key: String,
    /// Where the key begins in the text, in bytes, and where it ends.
    pub start: usize,
    /// See `start`.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Whether it is asked for by a call, so that it has to be defined; if not, a known key stands there in quotes.
    pub call: bool,
}

/// The mentions in a text, in its order. Calls are looked for where the language is known; `known` are keys that count
/// wherever they stand in quotes.
pub fn mentions(text: &str, language: Option<Language>, known: &Keys<'_>) -> Vec<Mention> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut lines, mut taken) = (Lines::of(bytes), 0);
    for quote in memchr3_iter(b'"', b'\'', b'`', bytes) {
        // The end of a literal is not the beginning of another one.
        if quote < taken {
            continue;
        }
        let Some(end) = literal(bytes, quote) else { continue };
        let key = &text[quote + 1..end];
        let asked = language.is_some_and(|language| call::asks_for(bytes, quote, end, language));
        let call = asked && !lines.is_comment(quote);
        if !call && !known.contains(key) {
            continue;
        }
        taken = end + 1;
        found.push(Mention { key: key.to_owned(), start: quote + 1, end, line: lines.number(quote), call });
    }
    found
}

/// Where the literal that begins with a quote ends, if it could be the key of a flag.
fn literal(bytes: &[u8], quote: usize) -> Option<usize> {
    let inside = &bytes[quote + 1..];
    let length = inside.iter().take(LONGEST + 1).position(|byte| !is_of_key(*byte))?;
    (length > 0 && inside[length] == bytes[quote]).then_some(quote + 1 + length)
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests;

//! Values of secrets taken out of what programs write, before anybody keeps it.
//!
//! [`Redactor`] knows the values in every form they usually turn up in; [`Redacting`] takes a stream of bytes piece by piece and holds
//! back no more than what may be the beginning of a value. Where there are no secrets nobody makes one, and nothing is done at all.

mod forms;
mod stream;

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

use forms::forms_of;
pub use stream::Redacting;

/// A shorter value, in bytes, is never looked for: it would turn up where nobody wrote a secret.
pub const SHORTEST: usize = 6;

/// Values to look for, and what each is called.
pub struct Redactor {
    search: Option<AhoCorasick>,
    /// In order, so that whatever begins like a pattern is found by halving.
    patterns: Vec<(Vec<u8>, usize)>,
    names: Vec<String>,
    longest: usize,
    begins: [bool; 256],
}

/// Bytes of a value, from `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    /// Which name; `None`: it was named already.
    name: Option<usize>,
}

impl Redactor {
    /// Looks for these values, each under its name. Those that are too short are left out.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s str)>) -> Redactor {
        let mut names = Vec::new();
        let mut patterns: Vec<(Vec<u8>, usize)> = Vec::new();
        for (name, value) in secrets {
            patterns.extend(forms_of(value).into_iter().map(|form| (form, names.len())));
            names.push(name.to_owned());
        }
        patterns.sort();
        patterns.dedup_by(|a, b| a.0 == b.0);
        let mut begins = [false; 256];
        patterns.iter().for_each(|(pattern, _)| begins[usize::from(pattern[0])] = true);
        let longest = patterns.iter().map(|(pattern, _)| pattern.len()).max().unwrap_or(0);
        let texts = patterns.iter().map(|(pattern, _)| pattern);
        let search = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts);
        let search = search.ok().filter(|_| !patterns.is_empty());
        Redactor { search, patterns, names, longest, begins }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// A whole text without the values.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.search.as_ref().is_some_and(|search| search.is_match(text));
        if !found {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(text.len());
        let mut stream = Redacting::default();
        stream.feed(self, text.as_bytes(), &mut out);
        stream.finish(self, &mut out);
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }

    /// The same in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// Everything that is of a value, in order, what overlaps as one. The first `covered` bytes are of one that was named already.
    fn spans(&self, bytes: &[u8], covered: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        spans.extend((covered > 0).then_some(Span { start: 0, end: covered, name: None }));
        let Some(search) = self.search.as_ref().filter(|search| search.is_match(bytes)) else { return spans };
        let name = |pattern: usize| self.patterns.get(pattern).map(|(_, name)| *name);
        spans.extend(search.find_overlapping_iter(bytes).map(|found| Span {
            start: found.start(),
            end: found.end(),
            name: name(found.pattern().as_usize()),
        }));
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut().filter(|last| span.start < last.end) {
                Some(last) => {
                    // What lies within one that was named is part of it; what goes on beyond it is something else.
                    last.name = last.name.or(span.name.filter(|_| span.end > last.end));
                    last.end = last.end.max(span.end);
                }
                None => merged.push(span),
            }
        }
        merged
    }

    /// Where the bytes from there to their end may be the beginning of a value; their length, where none is begun.
    fn open_from(&self, bytes: &[u8]) -> usize {
        let first = (bytes.len() + 1).saturating_sub(self.longest);
        let begins = |at: &usize| self.begins[usize::from(bytes[*at])] && self.begun(&bytes[*at..]).is_some();
        (first..bytes.len()).find(begins).unwrap_or(bytes.len())
    }

    /// The name of a longer pattern that begins like this.
    fn begun(&self, start: &[u8]) -> Option<usize> {
        let at = self.patterns.partition_point(|(pattern, _)| pattern.as_slice() <= start);
        let (pattern, name) = self.patterns.get(at)?;
        pattern.starts_with(start).then_some(*name)
    }

    fn write_name(&self, name: usize, out: &mut Vec<u8>) {
        let name = self.names.get(name).map_or("", String::as_str);
        out.extend_from_slice(format!("[secret {name}]").as_bytes());
    }
}

/// How many, never what.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.names.len())
    }
}

#[cfg(test)]
mod tests;

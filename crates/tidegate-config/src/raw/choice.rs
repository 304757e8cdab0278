//! Values that are one of a few words.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::span::Span;

/// What is written as one of a few words.
pub(crate) trait Choice: Copy + 'static {
    /// What it is, with its article: "a protocol".
    const WHAT: &'static str;
    /// Every word with its meaning.
    const ALL: &'static [(&'static str, Self)];
}

/// One of the words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T>(pub(crate) T);

/// The words of a choice.
pub(super) fn words<T: Choice>() -> impl Iterator<Item = &'static str> {
    T::ALL.iter().map(|(word, _)| *word)
}

/// The meaning of a word at a place; an unknown one is reported.
pub(super) fn parse_word<T: Choice>(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<T> {
    let known = T::ALL.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        findings.push(unknown_word(text, T::WHAT, span, words::<T>()));
    }
    known.map(|(_, meaning)| *meaning)
}

/// The report of a word that is none of these.
pub(super) fn unknown_word<'w>(
    text: &str,
    what: &str,
    span: Span,
    words: impl IntoIterator<Item = &'w str>,
) -> Diagnostic {
    let words: Vec<&str> = words.into_iter().collect();
    let meant = did_you_mean(text, words.iter().copied());
    Diagnostic::error(codes::BAD_CHOICE, format!("{} is not {what}{meant}", quote(text)))
        .at(span, format!("not {what}"))
        .help(match words[..] {
            [only] => format!("write {}", quote(only)),
            _ => format!("the words are {}", list(words)),
        })
}

impl<T: Choice> Read for Word<T> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        parse_word(text, place.node.span, findings).map(Word)
    }
}

impl<T: Choice> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::WHAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": words::<T>().collect::<Vec<_>>() })
    }
}

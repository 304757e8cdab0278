//! Texts that follow a rule: addresses, field names, hashes. One reader for all of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::span::Span;

/// A kind of text.
pub(crate) trait Rule: Sized + Clone {
    /// What it is, with its article: "a network".
    const WHAT: &'static str;
    /// The code of a text that is none.
    const CODE: Code;
    /// Its shape as a regular expression, for editors; may allow more than the reader does.
    const PATTERN: &'static str;
    /// Whether a wrong text is never to be quoted, since it may be a password.
    const SECRET: bool = false;

    /// The value, or what to write instead.
    fn parse(text: &str) -> Result<Self, String>;
}

/// A text that follows a rule.
#[derive(Clone, Debug)]
pub(crate) struct Text<T>(pub(crate) T);

/// The value of a text at a place; a wrong one is reported.
pub(super) fn parse_text<T: Rule>(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<T> {
    T::parse(text).map_err(|advice| findings.push(wrong::<T>(text, span).help(advice))).ok()
}

fn wrong<T: Rule>(text: &str, span: Span) -> Diagnostic {
    let what = T::WHAT;
    let said = if T::SECRET { "this text".to_owned() } else { quote(text) };
    let short = what.split_once(' ').map_or(what, |(_, noun)| noun);
    let label = if short.len() <= 24 { format!("not {what}") } else { String::new() };
    Diagnostic::error(T::CODE, format!("{said} is not {what}")).at(span, label)
}

impl<T: Rule> Read for Text<T> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        parse_text(text, place.node.span, findings).map(Text)
    }
}

impl<T: Rule> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::CODE.id.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": T::PATTERN })
    }
}

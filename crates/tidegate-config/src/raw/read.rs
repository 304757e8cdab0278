//! The trait of readers, and the mistakes they have in common.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::span::Span;
use crate::tree::{Node, Value};

/// A node to be read, the key (or list item) that introduces it, and what messages call it.
pub(crate) struct Place<'n> {
    pub(crate) node: &'n Node,
    pub(crate) key: Span,
    pub(crate) subject: String,
}

/// What can be read from the tree and merged with an environment's own.
pub(crate) trait Read: Sized + Clone {
    /// Whether a key without a value means the empty value.
    const MAY_BE_EMPTY: bool = false;

    /// The value. `None` where it is wrong, which has then been reported.
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self>;

    /// This value with an environment's over it: replaced, unless the type says otherwise.
    fn overlaid(&self, over: &Self) -> Self {
        let _ = self;
        over.clone()
    }
}

impl<'n> Place<'n> {
    /// The place of the value of a key.
    pub(crate) fn of_key(key: &str, span: Span, node: &'n Node) -> Self {
        Place { node, key: span, subject: quote(key) }
    }

    /// The text here; anything else is reported.
    pub(crate) fn text(&self, findings: &mut Findings<'_>) -> Option<&'n str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            Value::Number(text) | Value::Bool(text) => {
                let help =
                    format!("put it in quotes to make it a text: \"{}\"", crate::quote::plain(text, 40));
                findings.push(self.wrong_type("a text").help(help));
                None
            }
            Value::Null | Value::List(_) | Value::Map(_) | Value::Reported => {
                self.report_type("a text", findings);
                None
            }
        }
    }

    /// Reports that something else was expected, unless this was already reported.
    pub(crate) fn report_type(&self, expected: &str, findings: &mut Findings<'_>) {
        if !matches!(self.node.value, Value::Reported) {
            findings.push(self.wrong_type(expected));
        }
    }

    pub(crate) fn wrong_type(&self, expected: &str) -> Diagnostic {
        let kind = self.node.value.kind();
        let message = format!("{} is to be {expected}, and this is {kind}", self.subject);
        Diagnostic::error(codes::WRONG_TYPE, message).at(self.place_of_value(), kind)
    }

    /// Reports that nothing stands in the key `key` of the map here.
    pub(crate) fn report_empty(&self, key: &str, findings: &mut Findings<'_>) {
        let message = format!("`{key}` of {} is empty", self.subject);
        findings.push(Diagnostic::error(codes::NO_VALUE, message).at(self.key, "nothing in it"));
    }

    /// The value's own place; the key's where the value is nothing.
    pub(crate) fn place_of_value(&self) -> Span {
        if matches!(self.node.value, Value::Null) { self.key } else { self.node.span }
    }
}

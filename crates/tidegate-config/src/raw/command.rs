//! A command: a line for `/bin/sh -c`, or a list of words that is started without a shell.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::command_of;

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::{Node, Value};

/// The kernel takes 128 KiB for one argument.
const LONGEST: usize = 64 * 1024;

/// A command that is not empty.
#[derive(Clone, Debug)]
pub(crate) struct Command(pub(crate) String);

impl Command {
    /// Checks a text that is to be a command.
    pub(crate) fn check(text: &str, place: &Place<'_>) -> Result<Self, Box<Diagnostic>> {
        let text = text.trim();
        let diagnostic = if text.is_empty() {
            Diagnostic::error(codes::EMPTY_RUN, format!("{} is empty", place.subject))
                .at(place.node.span, "empty")
                .help("write what to run, as you would type it in a shell: `node server.js`")
        } else if text.len() > LONGEST || text.contains('\0') {
            let message = format!("{} is longer than 64 KiB or contains a NUL", place.subject);
            Diagnostic::error(codes::BAD_TEXT, message)
                .at(place.node.span, "")
                .help("put it into a script and run that")
        } else {
            return Ok(Command(text.to_owned()));
        };
        Err(Box::new(diagnostic))
    }
}

impl Read for Command {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if let Value::List(items) = &place.node.value {
            return words(place, items, findings);
        }
        let text = place.text(findings)?;
        Command::check(text, place).map_err(|diagnostic| findings.push(*diagnostic)).ok()
    }
}

/// The program and its arguments, each as it is: numbers and truth values are to be in quotes, as texts are everywhere.
fn words(place: &Place<'_>, items: &[Node], findings: &mut Findings<'_>) -> Option<Command> {
    let mut words = Vec::new();
    for item in items {
        let subject = format!("a word of {}", place.subject);
        words.push(Place { node: item, key: item.span, subject }.text(findings)?.to_owned());
    }
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        let diagnostic = Diagnostic::error(codes::EMPTY_RUN, format!("{} names no program", place.subject));
        findings.push(
            diagnostic
                .at(place.node.span, "empty")
                .help("write the program and its arguments: `[node, server.js]`"),
        );
        return None;
    }
    let checked = Command::check(&words.join(" "), place).map(|_| Command(command_of(&words)));
    checked.map_err(|diagnostic| findings.push(*diagnostic)).ok()
}

impl JsonSchema for Command {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "pattern": "\\S",
            "items": { "type": "string" },
            "minItems": 1
        })
    }
}

//! A command line for `/bin/sh -c`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;

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
        let text = place.text(findings)?;
        Command::check(text, place).map_err(|diagnostic| findings.push(*diagnostic)).ok()
    }
}

impl JsonSchema for Command {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "\\S" })
    }
}

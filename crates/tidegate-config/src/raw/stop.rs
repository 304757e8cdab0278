//! How an instance is told to stop.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use super::record::record;
use super::time::{HOUR, Lasting};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};

record! { merged
    /// How an instance is told to stop.
    #[schemars(rename = "Stop")]
    RawStop is "`stop`" {
        /// The signal sent to its process group first. Default SIGTERM.
        signal: Signal,
        /// From that signal to SIGKILL. Default 30s.
        grace: Lasting<0, HOUR>,
    }
}

/// A signal by its number on Linux.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal(pub(crate) i32);

const SIGNALS: [(&str, i32); 6] =
    [("SIGTERM", 15), ("SIGINT", 2), ("SIGQUIT", 3), ("SIGHUP", 1), ("SIGUSR1", 10), ("SIGUSR2", 12)];

impl Read for Signal {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        let known = SIGNALS.iter().find(|(name, _)| *name == text || name.strip_prefix("SIG") == Some(text));
        if known.is_none() {
            findings.push(unknown_signal(text, place));
        }
        known.map(|(_, number)| Signal(*number))
    }
}

fn unknown_signal(text: &str, place: &Place<'_>) -> Diagnostic {
    let names = SIGNALS.map(|(name, _)| name);
    let full = if text.starts_with("SIG") { text.to_owned() } else { format!("SIG{text}") };
    let help = if full == "SIGKILL" {
        "SIGKILL cannot be handled and comes by itself when the grace is over; for an end at once write `grace: 0s`"
            .to_owned()
    } else {
        format!("the signals are {}", list(names))
    };
    let meant = if full == "SIGKILL" { String::new() } else { did_you_mean(&full, names) };
    Diagnostic::error(codes::BAD_CHOICE, format!("{} is not a signal to stop with{meant}", quote(text)))
        .at(place.node.span, "")
        .help(help)
}

impl JsonSchema for Signal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Signal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> =
            SIGNALS.iter().flat_map(|(name, _)| [Some(*name), name.strip_prefix("SIG")]).flatten().collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

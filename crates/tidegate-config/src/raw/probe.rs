//! Probes.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::command::Command;
use super::read::{Place, Read};
use super::record::record;
use super::route::{PathFault, check_path};
use super::time::{DAY, HOUR, Lasting, SECOND};
use super::whole::Whole;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

record! { merged
    /// The three probes of a service. Default: ready when the port accepts a connection, no others.
    #[schemars(rename = "Probes")]
    RawProbes is "`probes`" {
        /// Asked from the start until it passes once; the others wait for it.
        startup: RawProbe,
        /// Takes an instance in and out of rotation; never restarts it.
        ready: RawProbe,
        /// Restarts an instance that fails it.
        live: RawProbe,
    }
}

record! { replaced
    /// One probe: exactly one of `http`, `tcp` and `command`, and how often it is asked.
    #[schemars(
        rename = "Probe",
        extend("oneOf" = [{ "required": ["http"] }, { "required": ["tcp"] }, { "required": ["command"] }])
    )]
    RawProbe is "a probe" {
        /// `GET` of this path on the instance's port answers 200 to 399.
        http: ProbePath,
        /// `true`: the instance's port accepts a connection.
        tcp: True,
        /// A command, run in the instance's directory and environment, exits 0.
        command: Command,
        /// From one answer to the next question. Default 2s.
        every: Lasting<100, HOUR>,
        /// How long an answer may take. Default 2s.
        timeout: Lasting<1, { HOUR / 6 }>,
        /// This many bad answers in a row make the probe fail. Default 3.
        fail_after: Whole<1, 100>,
        /// How long an instance may take until it is ready for the first time. Default 60s. In `startup`, or in
        /// `ready` where there is no `startup`.
        within: Lasting<SECOND, DAY>,
    }
}

/// The path an http probe asks for, with a query if need be.
#[derive(Clone, Debug)]
pub(crate) struct ProbePath(pub(crate) String);

/// The boolean `true`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct True;

impl Read for ProbePath {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        let path = text.split_once('?').map_or(text, |(path, _)| path);
        let fault = match check_path(path) {
            Ok(()) if !text.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control()) => {
                return Some(ProbePath(text.to_owned()));
            }
            Ok(()) => PathFault::Character,
            Err(fault) => fault,
        };
        findings.push(
            Diagnostic::error(codes::BAD_PATH, format!("{} is not a path: {}", quote(text), fault.reason()))
                .at(place.node.span, "not a path")
                .help("write the path alone, like `/up`; it is asked on the instance's own port"),
        );
        None
    }
}

impl Read for True {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Bool(text) if text.eq_ignore_ascii_case("true") => Some(True),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Reported => {
                if !matches!(place.node.value, Value::Reported) {
                    let message = format!("{} can only be `true`", place.subject);
                    findings.push(
                        Diagnostic::error(codes::BAD_CHOICE, message)
                            .at(place.node.span, "")
                            .help("leave the key out where it is not wanted; the port is the instance's own"),
                    );
                }
                None
            }
        }
    }
}

impl JsonSchema for ProbePath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ProbePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^\\s#]*$" })
    }
}

impl JsonSchema for True {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "True".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean", "const": true })
    }
}

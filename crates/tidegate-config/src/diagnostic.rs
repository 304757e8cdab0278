//! A mistake or a remark, as data: the command line draws it, the API sends it as JSON, the docs list its code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::span::Span;

/// Something to tell about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Stable, for programs and for `explain`: `manifest::unknown-key`.
    pub code: String,
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// One sentence without its full stop.
    pub message: String,
    /// The file's name as the caller gave it.
    pub file: String,
    /// Places in the file, the one to look at first. None where the whole file is meant.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// Whether a file with this diagnostic can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "DiagnosticSeverity")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

/// A place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DiagnosticLabel")]
pub struct Label {
    /// Byte offset of its first byte, on a character boundary.
    pub start: usize,
    /// Byte offset behind its last byte; on the same line as `start`.
    pub end: usize,
    /// What is there, in a few words; may be empty.
    pub text: String,
}

impl Diagnostic {
    pub(crate) fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    pub(crate) fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: Code, severity: Severity, message: String) -> Self {
        let code = code.id.to_owned();
        Diagnostic { code, severity, message, file: String::new(), labels: Vec::new(), help: None }
    }

    pub(crate) fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { start: span.start, end: span.end, text: text.into() });
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn in_file(mut self, file: &str) -> Self {
        self.file = file.to_owned();
        self
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

//! What is wrong with a policy, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mistake in a file of policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The file; empty where it is of no file.
    pub file: String,
    /// The line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Mistake {
    /// One of a whole file.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Mistake { file: file.to_owned(), line: None, message: message.into() }
    }

    /// What Cedar says of a text, at its first label.
    pub(crate) fn of_text(file: &str, text: &str, error: &dyn miette::Diagnostic) -> Self {
        let offset = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
        let line =
            offset.and_then(|offset| text.get(..offset)).map(|before| before.matches('\n').count() + 1);
        let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
        Mistake { file: file.to_owned(), line, message: format!("{error}{help}") }
    }
}

/// `freeze.cedar:7: unexpected end of input`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_str(), self.line) {
            ("", _) => f.write_str(&self.message),
            (file, None) => write!(f, "{file}: {}", self.message),
            (file, Some(line)) => write!(f, "{file}:{line}: {}", self.message),
        }
    }
}

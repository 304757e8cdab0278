//! A file as the caller read it.

use std::borrow::Cow;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::env_file;

/// A file's name, as messages show it, and its text. Nothing in this crate opens the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name messages show.
    pub file: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// The longest text that is read, in bytes.
    pub const LONGEST: usize = 1 << 20;

    /// A source from its name and text.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Source { file: file.into(), text: text.into() }
    }

    /// The text to show a diagnostic with: values of env files, and what was written where a hash belongs, are masked.
    pub fn text_for(&self, diagnostic: &Diagnostic) -> Cow<'_, str> {
        if diagnostic.code.starts_with("env-file::") {
            return self.redacted_env_file().text.into();
        }
        if diagnostic.code != codes::BAD_HASH.id {
            return Cow::Borrowed(&self.text);
        }
        let mut text = self.text.clone();
        for label in &diagnostic.labels {
            mask(&mut text, label.start, label.end);
        }
        text.into()
    }

    /// The same file with every byte that could belong to a value replaced by `*`, same offsets. Whoever shows a
    /// diagnostic of an env file with its source line shows it from here.
    pub fn redacted_env_file(&self) -> Source {
        Source { file: self.file.clone(), text: env_file::redact(&self.text) }
    }
}

/// Replaces what stands there by as many asterisks.
fn mask(text: &mut String, start: usize, end: usize) {
    let place = text.get(start..end).map(str::len);
    if let Some(length) = place {
        text.replace_range(start..end, &"*".repeat(length));
    }
}

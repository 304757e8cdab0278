//! Collects the diagnostics of one file: bounded, each once, in the order of the text.

use crate::codes;
use crate::diagnostic::{Diagnostic, Label};
use crate::source::Source;

/// More than this is not shown: nobody reads it, and a hostile file must not make a long answer.
const MOST_SHOWN: usize = 100;
/// More than this is only counted.
const MOST_KEPT: usize = 2_000;

/// The diagnostics found so far in one file.
pub(crate) struct Findings<'s> {
    source: &'s Source,
    found: Vec<Diagnostic>,
    uncounted: usize,
    failed: bool,
}

impl<'s> Findings<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Findings { source, found: Vec::new(), uncounted: 0, failed: false }
    }

    pub(crate) fn source(&self) -> &'s Source {
        self.source
    }

    /// Whether an error was found.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.failed |= diagnostic.is_error();
        if self.found.len() >= MOST_KEPT {
            self.uncounted += 1;
            return;
        }
        let mut diagnostic = diagnostic.in_file(&self.source.file);
        for label in &mut diagnostic.labels {
            clip(label, &self.source.text);
        }
        self.found.push(diagnostic);
    }

    /// The value where no error was found, and the diagnostics in either case.
    pub(crate) fn finish<T>(self, value: Option<T>) -> (Option<T>, Vec<Diagnostic>) {
        let value = value.filter(|_| !self.failed);
        (value, self.into_sorted())
    }

    fn into_sorted(self) -> Vec<Diagnostic> {
        let Findings { mut found, uncounted, source, .. } = self;
        let place = |d: &Diagnostic| d.labels.first().map_or(0, |label| label.start);
        found.sort_by(|a, b| {
            (place(a), a.severity, &a.code, &a.message).cmp(&(place(b), b.severity, &b.code, &b.message))
        });
        // The same line is read once for every environment and alias it is part of.
        found.dedup();
        let more = found.len().saturating_sub(MOST_SHOWN) + uncounted;
        if more > 0 {
            // Errors are shown before warnings are: a file must never seem usable because of the cut.
            found.sort_by_key(|diagnostic| diagnostic.severity);
            found.truncate(MOST_SHOWN);
            let message = format!("there are {more} more like these");
            let rest = Diagnostic::error(codes::TOO_MANY_MISTAKES, message).in_file(&source.file);
            found.push(rest.help("mend the ones shown and check again"));
        }
        found
    }
}

/// Keeps a label on one line, on character boundaries, inside the text and at least one character wide where there is
/// one.
fn clip(label: &mut Label, text: &str) {
    let start = text.floor_char_boundary(label.start.min(text.len()));
    let line = &text[start..];
    let line = &line[..line.find(['\n', '\r']).unwrap_or(line.len())];
    let wanted = label.end.clamp(start, text.len()) - start;
    let mut length = line.ceil_char_boundary(wanted.min(line.len()));
    length = line[..length].trim_end().len();
    if length == 0 {
        length = line.chars().next().map_or(0, char::len_utf8);
    }
    (label.start, label.end) = (start, start + length);
}

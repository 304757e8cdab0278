//! Draws a diagnostic as plain text: for documentation, logs and terminals without colour.

use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::quote::visible;
use crate::source::Source;

/// How much of a long line is shown, in characters.
const WIDEST: usize = 120;

/// The diagnostic with file, line, column (in characters, from 1), the line itself, a caret under each place, and help.
/// Values of env files and passwords are shown as asterisks.
pub fn render_plain(diagnostic: &Diagnostic, source: &Source) -> String {
    let text = source.text_for(diagnostic);
    let mut out = String::new();
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{word}[{}]: {}", diagnostic.code, diagnostic.message);
    if diagnostic.labels.is_empty() {
        let _ = writeln!(out, "  --> {}", diagnostic.file);
    }
    for label in &diagnostic.labels {
        draw(&mut out, &diagnostic.file, &text, label);
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

fn draw(out: &mut String, file: &str, text: &str, label: &Label) {
    let start = text.floor_char_boundary(label.start.min(text.len()));
    let end = text.ceil_char_boundary(label.end.clamp(start, text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let number = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count();
    let width = text[start..end.min(line_end)].chars().count().max(1);

    // A window that holds the place, where the line is too long to show.
    let skipped = column.saturating_sub(WIDEST / 2) * usize::from(column + width.min(WIDEST) > WIDEST);
    let line = text[line_start..line_end].trim_end();
    let shown: String = line.chars().skip(skipped).take(WIDEST).map(visible).collect();
    let indent = column - skipped;
    let carets = "^".repeat(width.min(WIDEST.saturating_sub(indent)).max(1));
    let gutter = number.to_string();
    let blank = " ".repeat(gutter.len());
    let _ = writeln!(out, " {blank} --> {file}:{number}:{}", column + 1);
    let _ = writeln!(out, " {gutter} | {shown}");
    let _ = writeln!(out, " {blank} | {}{carets} {}", " ".repeat(indent), label.text);
    let trimmed = out.trim_end().len();
    out.truncate(trimmed);
    out.push('\n');
}

//! Runs the parser over a source and hands its events to the builder.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScanError, Span as ParserSpan};

use super::build::{Builder, LARGEST};
use super::{Node, Value, tabs};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::source::Source;
use crate::span::Span;

/// A manifest needs seven levels.
const DEEPEST: usize = 32;

/// A flag file needs as many as its rules have, and more values than a manifest.
const DEEPEST_FLAGS: usize = 128;
const LARGEST_FLAGS: usize = 500_000;

/// The document as a tree. `None` where there is none to speak of; that has then been reported.
pub(crate) fn parse(source: &Source, findings: &mut Findings<'_>) -> Option<Node> {
    parse_within(source, DEEPEST, LARGEST, findings)
}

/// The same for a flag file, which may be larger and deeper.
pub(crate) fn parse_deep(source: &Source, findings: &mut Findings<'_>) -> Option<Node> {
    parse_within(source, DEEPEST_FLAGS, LARGEST_FLAGS, findings)
}

fn parse_within(
    source: &Source,
    deepest: usize,
    largest: usize,
    findings: &mut Findings<'_>,
) -> Option<Node> {
    if source.text.len() > Source::LONGEST {
        findings.push(too_large(source));
        return None;
    }
    // A byte order mark is no part of the text, but offsets count it.
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let skipped = source.text.len() - text.len();
    let mut builder = Builder::new(largest);
    for next in Parser::new_from_str_with_options(text, options(deepest)) {
        match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                if !builder.on_event(event, place(span, skipped), findings) {
                    return None;
                }
            }
            Err(error) => {
                report_syntax(&error, skipped, findings);
                return None;
            }
        }
    }
    let root = builder.finish();
    if root.as_ref().is_none_or(|root| matches!(root.value, Value::Null)) {
        findings.push(
            Diagnostic::error(codes::EMPTY, "the manifest is empty")
                .help("`tidegate init` writes one for the app in this folder"),
        );
        return None;
    }
    root
}

pub(crate) fn too_large(source: &Source) -> Diagnostic {
    let message = format!("the file has {} bytes, and at most 1 MiB is read", source.text.len());
    Diagnostic::error(codes::TOO_LARGE, message).help("is this the right file?")
}

fn options(deepest: usize) -> Options {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    options.block_nesting_limit = deepest;
    options.flow_nesting_limit = deepest;
    options
}

fn place(span: ParserSpan, skipped: usize) -> Span {
    let range = span.byte_range().unwrap_or_default();
    Span::new(range.start + skipped, range.end + skipped)
}

fn report_syntax(error: &ScanError, skipped: usize, findings: &mut Findings<'_>) {
    if tabs::report(findings) {
        return;
    }
    let at = error.marker().byte_offset().unwrap_or_default() + skipped;
    let reason = error.info().to_lowercase();
    if reason.contains("recursion limit") || reason.contains("nesting") {
        let message = format!("the manifest is nested more than {DEEPEST} levels deep");
        findings.push(Diagnostic::error(codes::TOO_COMPLEX, message).at(Span::new(at, at), "too deep"));
        return;
    }
    let message = format!("this is not YAML: {}", crate::quote::plain(&reason, 200));
    findings.push(
        Diagnostic::error(codes::SYNTAX, message)
            .at(Span::new(at, at), "reading stopped here")
            .help(advice(&reason)),
    );
}

/// What usually causes the parser's complaint.
fn advice(reason: &str) -> &'static str {
    if reason.contains("anchor or alias") {
        "a text that begins with `*` or `&` needs quotes: `host: \"*\"`"
    } else if reason.contains("mapping values") || reason.contains("simple key") {
        "a text that contains `: ` needs quotes, and every key has a colon behind it"
    } else if reason.contains("bracket") || reason.contains("flow") {
        "look for a `[` or `{` that is not closed; a text that begins with one needs quotes"
    } else if reason.contains("quote") || reason.contains("scalar") || reason.contains("escape") {
        "look for a quote that is not closed; inside double quotes a backslash is written twice"
    } else {
        "look at this line and the one before it: each key of a map is indented by the same number of spaces"
    }
}

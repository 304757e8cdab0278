//! Finds lines that are indented with tabs, once the parser has given up on a file.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::span::Span;

/// Reports every line indented with a tab; whether there was one. A parser names the first at best, in its own words.
pub(super) fn report(findings: &mut Findings<'_>) -> bool {
    let text = &findings.source().text;
    let mut offset = 0;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        if let Some(span) = indenting_tabs(line, offset) {
            found = true;
            findings.push(
                Diagnostic::error(codes::TAB, "this line is indented with a tab")
                    .at(span, "tab")
                    .help("YAML allows only spaces for indentation: replace each tab by two spaces"),
            );
        }
        offset += line.len();
    }
    found
}

fn indenting_tabs(line: &str, offset: usize) -> Option<Span> {
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let rest = line[indent.len()..].trim_end();
    let first = indent.find('\t').filter(|_| !rest.is_empty() && !rest.starts_with('#'))?;
    Some(Span::new(offset + first, offset + indent.len()))
}

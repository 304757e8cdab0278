//! Env files: `NAME=value` lines. Values are secrets: no message quotes one.

use std::collections::BTreeMap;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::raw::{NameFault, check_env_name, check_env_value};
use crate::source::Source;
use crate::span::Span;
use crate::tree::too_large;

/// Reads an env file: `NAME=value`, an optional `export` before it, comments with `#`. A value in single quotes is
/// taken as it stands; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes; both may go over several
/// lines. A value without quotes ends at ` #` or the end of the line. Nothing is interpolated.
pub fn parse_env_file(source: &Source) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    if source.text.len() > Source::LONGEST {
        findings.push(too_large(source));
    }
    let mut variables = BTreeMap::new();
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    let text = if findings.failed() { "" } else { &source.text };
    for item in Items::new(text) {
        let variable = match item {
            Ok(variable) => variable,
            Err((fault, span)) => {
                findings.push(syntax(fault, span));
                continue;
            }
        };
        if let Some(diagnostic) = check(&variable) {
            findings.push(diagnostic);
        } else if let Some(span) = first.insert(variable.name.to_owned(), variable.key) {
            findings.push(duplicate(&variable, span));
        } else {
            variables.insert(variable.name.to_owned(), variable.value);
        }
    }
    let (variables, diagnostics) = findings.finish(Some(variables));
    variables.ok_or(diagnostics)
}

/// The text with everything but white space, names and `=` replaced by `*`; the same number of bytes.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = vec![false; text.len()];
    for item in Items::new(text) {
        let key = match item {
            Ok(variable) => variable.key,
            Err((Fault::OpenQuote | Fault::BehindQuote, key)) => key,
            Err((Fault::NoEquals, _)) => continue,
        };
        shown[key.start..=key.end.min(text.len() - 1)].fill(true);
    }
    let hide = |(at, byte): (usize, u8)| {
        let kept = (shown[at] && byte.is_ascii()) || matches!(byte, b'\n' | b'\r' | b' ');
        char::from(if kept { byte } else { b'*' })
    };
    text.bytes().enumerate().map(hide).collect()
}

/// A line that could be taken apart.
struct Variable<'t> {
    name: &'t str,
    key: Span,
    value: String,
}

/// What is wrong with a line that could not.
#[derive(Clone, Copy)]
enum Fault {
    NoEquals,
    OpenQuote,
    BehindQuote,
}

/// Takes a text apart, line by line.
struct Items<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Items<'t> {
    fn new(text: &'t str) -> Self {
        Items { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    fn line_end(&self, from: usize) -> usize {
        self.text[from..].find('\n').map_or(self.text.len(), |at| from + at)
    }

    fn read(&mut self, start: usize, end: usize) -> Result<Variable<'t>, (Fault, Span)> {
        self.at = end;
        let line = &self.text[start..end];
        let equals = line.find('=').ok_or((Fault::NoEquals, Span::new(start, end)))?;
        let before = &line[..equals];
        let exported =
            before.trim_start().strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
        let name = exported.unwrap_or(before).trim();
        let name_start = start + before.trim_end().len() - name.len();
        let key = Span::new(name_start, name_start + name.len());
        let value = self.read_value(start + equals + 1, end, key)?;
        Ok(Variable { name, key, value })
    }

    fn read_value(&mut self, from: usize, line_end: usize, key: Span) -> Result<String, (Fault, Span)> {
        let raw = &self.text[from..line_end];
        let lead = raw.len() - raw.trim_start().len();
        match raw.trim_start().chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let Some((value, after)) = unquote(&self.text[from + lead + 1..], quote) else {
                    // What follows belongs to the value: to read it as lines could show parts of a secret.
                    self.at = self.text.len();
                    return Err((Fault::OpenQuote, key));
                };
                let behind = from + lead + 1 + after;
                self.at = self.line_end(behind);
                let rest = self.text[behind..self.at].trim();
                if rest.is_empty() || rest.starts_with('#') {
                    Ok(value)
                } else {
                    Err((Fault::BehindQuote, key))
                }
            }
            Some('#') if lead > 0 => Ok(String::new()),
            _ => Ok(raw.split_once(" #").map_or(raw, |(value, _)| value).trim().to_owned()),
        }
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Result<Variable<'t>, (Fault, Span)>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            let end = self.line_end(self.at);
            let line = &self.text[self.at..end];
            let start = self.at + (line.len() - line.trim_start().len());
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                let item = self.read(start, end);
                self.at += 1;
                return Some(item);
            }
            self.at = end + 1;
        }
        None
    }
}

/// The text up to the closing quote, and the offset behind that quote.
fn unquote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((value, at + 1)),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ => value.push(c),
        }
    }
    None
}

fn syntax(fault: Fault, span: Span) -> Diagnostic {
    let (message, help) = match fault {
        Fault::NoEquals => ("this line has no `=`", "write `NAME=value`; a comment begins with `#`"),
        Fault::OpenQuote => {
            ("the value of this variable begins with a quote that is never closed", "close the quote")
        }
        Fault::BehindQuote => (
            "there is something behind the closing quote of this variable",
            "put quotes around the whole value",
        ),
    };
    Diagnostic::error(codes::ENV_SYNTAX, message).at(span, "").help(help)
}

fn check(variable: &Variable<'_>) -> Option<Diagnostic> {
    let name = quote(variable.name);
    match check_env_name(variable.name) {
        // What stands before the first `=` of a broken line may be a secret as well.
        Err(NameFault::Shape) => Some(
            Diagnostic::error(codes::ENV_NAME, "this cannot be the name of a variable")
                .at(variable.key, "")
                .help("letters, digits and `_`, not beginning with a digit"),
        ),
        Err(NameFault::Reserved) => Some(
            Diagnostic::error(codes::ENV_RESERVED, format!("{name} is set by Tidegate itself"))
                .at(variable.key, "reserved")
                .help("remove the line; for a fixed port write `port:` in the service"),
        ),
        Ok(()) if !check_env_value(&variable.value) => Some(
            Diagnostic::error(
                codes::ENV_TEXT,
                format!("the value of {name} is longer than 64 KiB or contains a NUL"),
            )
            .at(variable.key, ""),
        ),
        Ok(()) => None,
    }
}

fn duplicate(variable: &Variable<'_>, first: Span) -> Diagnostic {
    Diagnostic::error(codes::ENV_DUPLICATE, format!("{} is set twice", quote(variable.name)))
        .at(variable.key, "here again")
        .at(first, "here first")
        .help("remove one of the lines")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_written() {
        let text = "A=1\nexport B = two words # c\nC='a $B \\n'\nD=\"x\\ny\\\"\" # c\nE=\nF=a#b\nG=\"1\n2\"\nH= # c\n";
        let variables = parse_env_file(&Source::new(".env", text)).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a $B \\n"),
            ("D", "x\ny\""),
            ("E", ""),
            ("F", "a#b"),
            ("G", "1\n2"),
            ("H", ""),
        ];
        let expected: BTreeMap<_, _> =
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(variables, expected);
    }

    #[test]
    fn redaction_keeps_names_and_offsets_only() {
        let text = "export KEY=sécret # note\nno equals\nOPEN=\"top\nsecret";
        let redacted = redact(text);
        assert_eq!(
            redacted,
            "export*KEY=".replace("export*", "****** ") + "******* * ****\n** ******\nOPEN=****\n******"
        );
        assert_eq!(redacted.len(), text.len());
    }
}

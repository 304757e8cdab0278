//! A repository with only a `Procfile`: each line a service, `release` the migration, `web` with a route.

use std::collections::BTreeMap;

use tidegate_core::model::Name;

use crate::codes;
use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::manifest::Manifest;
use crate::quote::quote;
use crate::raw::{
    Command, Field, Host, ListOf, NameText, Named, NamedEntry, Place, RawManifest, RawMigrate, RawRoute,
    RawService, name_advice, nearest_name,
};
use crate::source::Source;
use crate::span::{Span, Spanned};
use crate::tree::{Node, Value, too_large};

/// More lines than this are no Procfile.
const MOST_LINES: usize = 100;

/// Reads a `Procfile` for an app named after its folder: in lower case, other characters as `-`. `web` listens on `$PORT` and gets the route `APP.localhost`; `release`
/// runs as the migration. There is a manifest exactly when no diagnostic is an error.
pub fn load_procfile(procfile: &Source, app: &str) -> (Option<Manifest>, Vec<Diagnostic>) {
    let mut findings = Findings::new(procfile);
    if procfile.text.len() > Source::LONGEST {
        findings.push(too_large(procfile));
        return findings.finish(None);
    }
    // Nobody chose a folder's name with this in mind: the nearest name will do.
    let name = nearest_name(app);
    if name.is_none() {
        let message = format!("{} cannot be the name of the app", quote(app));
        findings.push(Diagnostic::error(codes::BAD_NAME, message).help(name_advice(app)));
    }
    let lines = read_lines(procfile, &mut findings);
    let compiled = name.and_then(|name| compile::compile(&as_manifest(&name, &lines), &mut findings));
    findings.finish(compiled)
}

/// A line that could be read.
struct Line {
    name: Name,
    key: Span,
    run: Spanned<Command>,
}

fn read_lines(procfile: &Source, findings: &mut Findings<'_>) -> Vec<Line> {
    let mut first: BTreeMap<Name, Span> = BTreeMap::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut offset = 0;
    let mut broken = false;
    for text in procfile.text.split_inclusive('\n') {
        let start = offset;
        offset += text.len();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let start = start + (offset - start - text.len());
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        match read_line(text, start) {
            Err(diagnostic) => {
                broken = true;
                findings.push(*diagnostic);
            }
            Ok(line) => match first.insert(line.name.clone(), line.key) {
                None => lines.push(line),
                Some(span) => findings.push(duplicate(&line, span)),
            },
        }
    }
    if lines.len() > MOST_LINES {
        findings.push(Diagnostic::error(
            codes::TOO_MANY,
            format!("the Procfile has more than {MOST_LINES} lines"),
        ));
    } else if !broken && lines.iter().all(|line| line.name.as_str() == "release") {
        findings.push(
            Diagnostic::error(codes::PROCFILE_EMPTY, "the Procfile declares no service")
                .help("write a line for each process type, like `web: node server.js`"),
        );
    }
    lines
}

fn read_line(text: &str, start: usize) -> Result<Line, Box<Diagnostic>> {
    let trimmed = text.trim();
    let from = start + (text.len() - text.trim_start().len());
    let whole = Span::new(from, from + trimmed.len());
    let Some((name, command)) = trimmed.split_once(':') else {
        let diagnostic = Diagnostic::error(codes::PROCFILE_SYNTAX, "this line has no colon")
            .at(whole, "")
            .help("a line is a name, a colon and a command: `web: node server.js`");
        return Err(Box::new(diagnostic));
    };
    let key = Span::new(from, from + name.trim_end().len());
    let name = name.trim_end();
    let Ok(parsed) = name.parse::<Name>() else {
        let diagnostic = Diagnostic::error(codes::PROCFILE_NAME, format!("{} cannot be a name", quote(name)))
            .at(if name.is_empty() { whole } else { key }, "not a name")
            .help(name_advice(name));
        return Err(Box::new(diagnostic));
    };
    let span = Span::new(whole.end - command.trim_start().len(), whole.end);
    let node = Node { span: if command.trim().is_empty() { key } else { span }, value: Value::Reported };
    let place = Place { node: &node, key, subject: format!("the command of {}", quote(name)) };
    let run = Command::check(command, &place)?;
    Ok(Line { name: parsed, key, run: Spanned { value: run, span, key } })
}

fn duplicate(line: &Line, first: Span) -> Diagnostic {
    Diagnostic::error(codes::PROCFILE_DUPLICATE, format!("{} stands twice", quote(line.name.as_str())))
        .at(line.key, "here again")
        .at(first, "here first")
        .help("remove one of the lines, or give it another name")
}

/// The manifest that says the same.
fn as_manifest(app: &Name, lines: &[Line]) -> RawManifest {
    let mut raw =
        RawManifest { app: present(NameText(app.clone()), Span::default()), ..RawManifest::default() };
    let mut services = Vec::new();
    for line in lines {
        let run = Field::Present(line.run.clone());
        match line.name.as_str() {
            "release" => raw.migrate = present(RawMigrate { run, ..RawMigrate::default() }, line.key),
            name => {
                let value = present(RawService { run, ..RawService::default() }, line.key);
                services.push(NamedEntry { name: line.name.clone(), key: line.key, value });
                if name == "web" {
                    raw.routes = present(ListOf(vec![spanned(web_route(app, line), line.key)]), line.key);
                }
            }
        }
    }
    // An empty Procfile was reported in its own words.
    raw.services =
        if services.is_empty() { Field::Broken } else { present(Named(services), Span::default()) };
    raw
}

fn web_route(app: &Name, line: &Line) -> RawRoute {
    RawRoute {
        host: present(Host(format!("{app}.localhost")), line.key),
        to: present(NameText(line.name.clone()), line.key),
        ..RawRoute::default()
    }
}

fn present<T>(value: T, span: Span) -> Field<T> {
    Field::Present(spanned(value, span))
}

fn spanned<T>(value: T, span: Span) -> Spanned<T> {
    Spanned { value, span, key: span }
}

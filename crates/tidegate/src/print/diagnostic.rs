//! Mistakes in files: drawn by miette on a terminal, as plain text elsewhere.

use std::fmt;
use std::io::IsTerminal;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use tidegate_config::{Diagnostic, Severity, Source, render_plain};

/// All of them, with the lines they point at where the file's text is at hand.
pub fn diagnostics(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let fancy = std::io::stderr().is_terminal();
    diagnostics.iter().map(|diagnostic| draw(diagnostic, sources, fancy) + "\n").collect()
}

/// `2 mistakes in tidegate.yaml`.
pub fn mistakes_in(diagnostics: &[Diagnostic]) -> String {
    let errors: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    let file = errors.first().map_or("the file", |first| first.file.as_str());
    match errors.len() {
        1 => format!("1 mistake in {file}"),
        many => format!("{many} mistakes in {file}"),
    }
}

fn draw(diagnostic: &Diagnostic, sources: &[Source], fancy: bool) -> String {
    let Some(source) = sources.iter().find(|source| source.file == diagnostic.file) else {
        return without_source(diagnostic);
    };
    let graphical = if fancy { graphical(diagnostic, source) } else { None };
    graphical.unwrap_or_else(|| render_plain(diagnostic, source))
}

/// The server's remarks on a file it was sent, say.
fn without_source(diagnostic: &Diagnostic) -> String {
    let bare = Diagnostic { labels: Vec::new(), ..diagnostic.clone() };
    render_plain(&bare, &Source::new(diagnostic.file.clone(), ""))
}

fn graphical(diagnostic: &Diagnostic, source: &Source) -> Option<String> {
    let text = source.text_for(diagnostic).into_owned();
    let colour = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let drawn = Drawn { diagnostic, source: NamedSource::new(&diagnostic.file, text) };
    let mut out = String::new();
    GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut out, &drawn).ok()?;
    Some(out)
}

/// A diagnostic as miette wants it.
#[derive(Debug)]
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<String>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels.iter();
        Some(Box::new(labels.map(|label| {
            let text = Some(label.text.clone()).filter(|text| !text.is_empty());
            LabeledSpan::new(text, label.start, label.end.saturating_sub(label.start))
        })))
    }
}

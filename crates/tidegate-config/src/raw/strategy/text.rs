//! The text form of a step: `5% for 2m`, `analyse until decided (max 30m)`, `country NZ, AU then EU`.

use tidegate_core::model::{Match, Step, Strategy};
use tidegate_core::time::Millis;

use super::draft::{self, Draft, What};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::quote;
use crate::raw::header::{FieldName, Token};
use crate::raw::name::NameText;
use crate::raw::text::parse_text;
use crate::span::Span;

/// The first words of steps, and how they go on.
pub(super) const FORMS: [(&str, &str); 11] = [
    ("5%", "5% for 2m"),
    ("pause", "pause 10m"),
    ("analyse", "analyse until decided (max 30m)"),
    ("scale", "scale 3"),
    ("header", "header x-preview=1"),
    ("cookie", "cookie beta=1"),
    ("cohort", "cohort staff"),
    ("country", "country NZ, AU then EU"),
    ("mirror", "mirror 10%"),
    ("check", "check smoke for 1m (max 10m)"),
    ("approve", "approve"),
];

/// A step's text and where it stands.
struct Line<'t> {
    text: &'t str,
    whole: Span,
    /// Where the text begins in the file, where it stands there letter by letter.
    begin: Option<usize>,
}

impl Line<'_> {
    /// The place of a part of the text; the whole where it cannot be told.
    fn span(&self, part: &str) -> Span {
        let offset = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        match (self.begin, offset.filter(|offset| offset + part.len() <= self.text.len())) {
            (Some(begin), Some(offset)) => Span::new(begin + offset, begin + offset + part.len()),
            _ => self.whole,
        }
    }
}

/// Reads one text; `country … then …` is several steps.
pub(super) fn parse(text: &str, whole: Span, findings: &mut Findings<'_>) -> Option<Vec<Draft>> {
    let begin = findings.source().text.get(whole.start..).and_then(|rest| {
        let quoted = rest.strip_prefix(['"', '\'']).is_some_and(|rest| rest.starts_with(text));
        if rest.starts_with(text) { Some(whole.start) } else { quoted.then_some(whole.start + 1) }
    });
    let line = Line { text, whole, begin };
    let (verb, rest) = first_word(text.trim());
    if verb == "country" {
        return countries(rest, &line, findings);
    }
    let what = match verb {
        "pause" => pause(rest, &line, findings),
        "approve" => nothing_more(rest, &line, findings).map(|()| What::Step(Step::Approve)),
        "analyse" => analyse(rest, &line, findings),
        "check" => check(rest, &line, findings),
        "scale" => draft::scale(rest, line.span(rest), findings)
            .map(|candidates| What::Step(Step::Scale(candidates))),
        "header" => header(rest, &line, findings),
        "cookie" => cookie(rest, &line, findings),
        "cohort" => cohort(rest, &line, findings),
        "mirror" => {
            let (percent, hold) = held(rest, &line, findings)?;
            let percent = draft::percent(percent, line.span(percent), findings)?;
            Some(What::Step(Step::Mirror { percent, hold: hold.unwrap_or_default() }))
        }
        _ if verb.starts_with(|c: char| c.is_ascii_digit() || c == '-') => weight(&line, findings),
        _ => {
            findings.push(unknown(verb, &line));
            None
        }
    };
    what.map(|what| vec![Draft { what, span: whole }])
}

fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim())
}

/// What stands before ` for 2m`, and that time.
fn held<'t>(
    text: &'t str,
    line: &Line<'_>,
    findings: &mut Findings<'_>,
) -> Option<(&'t str, Option<Millis>)> {
    let (before, time) = match text.rsplit_once(" for ") {
        Some((before, time)) => (before.trim(), time.trim()),
        None if text == "for" || text.ends_with(" for") => (text, ""),
        None => return Some((text, None)),
    };
    let span = if time.is_empty() { line.whole } else { line.span(time) };
    draft::duration(time, span, findings).map(|hold| (before, Some(hold)))
}

fn weight(line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let (percent, hold) = held(line.text.trim(), line, findings)?;
    let percent = draft::percent(percent, line.span(percent), findings)?;
    draft::weight(percent, hold, line.whole, findings)
}

fn pause(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let time = rest.strip_prefix("for ").unwrap_or(rest).trim();
    let hold = match time {
        "" => None,
        time => Some(draft::duration(time, line.span(time), findings)?),
    };
    Some(What::Step(Step::Pause { hold }))
}

fn analyse(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let rest = rest.strip_prefix("until decided").unwrap_or(rest).trim();
    let max = most(rest, line, findings)?.unwrap_or(Strategy::ANALYSIS);
    Some(What::Step(Step::Analyse { max }))
}

/// The time in `(max 30m)`, or `max 30m`, where anything stands there.
fn most(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<Option<Millis>> {
    if rest.is_empty() {
        return Some(None);
    }
    let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    match inner.trim().strip_prefix("max ") {
        Some(time) => draft::duration(time.trim(), line.span(time.trim()), findings).map(Some),
        None => {
            findings.push(bad(format!("{} is not understood here", quote(rest)), line.span(rest)).help(
                "the longest time is written `(max 30m)`: `analyse until decided (max 30m)`, `check smoke (max 5m)`",
            ));
            None
        }
    }
}

fn check(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let (name, rest) = first_word(rest);
    let name = parse_name(name, line, findings)?;
    let (hold, rest) = match first_word(rest) {
        ("for", rest) => {
            let (time, rest) = first_word(rest);
            let at = if time.is_empty() { line.whole } else { line.span(time) };
            (draft::duration(time, at, findings)?, rest)
        }
        _ => (Millis::ZERO, rest),
    };
    let max = most(rest, line, findings)?;
    draft::check(name, hold, max, line.whole, findings)
}

fn cohort(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let (name, hold) = held(rest, line, findings)?;
    let name = parse_name(name, line, findings)?;
    Some(What::Cohort(name, hold.unwrap_or_default()))
}

fn parse_name(name: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<String> {
    if name.is_empty() {
        let message = format!("{} does not say which", quote(line.text.trim()));
        findings.push(bad(message, line.whole).help("write its name: `cohort staff`, `check smoke`"));
        return None;
    }
    NameText::of(name, line.span(name), findings).map(|name| name.0.to_string())
}

fn header(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let (wanted, hold) = held(rest, line, findings)?;
    let (name, value) = pair(wanted);
    let FieldName(name) = parse_text(name, line.span(name), findings)?;
    Some(draft::audience(format!("header {wanted}"), Match::Header { name, value }, hold))
}

fn cookie(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<What> {
    let (wanted, hold) = held(rest, line, findings)?;
    let (name, value) = pair(wanted);
    let Token(name) = parse_text(name, line.span(name), findings)?;
    Some(draft::audience(format!("cookie {wanted}"), Match::Cookie { name, value }, hold))
}

/// `name=value`, or a name that only has to be there.
fn pair(wanted: &str) -> (&str, Option<String>) {
    match wanted.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim_start().to_owned())),
        None => (wanted, None),
    }
}

fn countries(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<Vec<Draft>> {
    let (waves, hold) = held(rest, line, findings)?;
    let hold = hold.unwrap_or_default();
    let mut drafts = Vec::new();
    for wave in waves.split(" then ") {
        let codes = wave.split(',').map(str::trim).map(|code| (code, line.span(code)));
        let who = draft::countries(codes, findings)?;
        drafts.push(Draft { what: What::Step(Step::Audience { who, hold }), span: line.whole });
    }
    Some(drafts)
}

fn nothing_more(rest: &str, line: &Line<'_>, findings: &mut Findings<'_>) -> Option<()> {
    if rest.is_empty() {
        return Some(());
    }
    findings.push(bad(format!("{} is not understood here", quote(rest)), line.span(rest)));
    None
}

fn unknown(verb: &str, line: &Line<'_>) -> Diagnostic {
    let names = FORMS.iter().skip(1).map(|(name, _)| *name);
    let meant = match verb {
        "analyze" | "analysis" | "judge" => "; did you mean `analyse`?".to_owned(),
        "wait" | "sleep" | "hold" => "; did you mean `pause 10m`?".to_owned(),
        "shadow" => "; did you mean `mirror 10%`?".to_owned(),
        "weight" => "; write the share alone: `5%`".to_owned(),
        verb => did_you_mean(verb, names),
    };
    let broken_list = verb.len() == 2 && verb.bytes().all(|b| b.is_ascii_uppercase());
    let help = if broken_list {
        "a comma ends an item of a list in brackets: put the countries in quotes, `\"country NZ, AU\"`"
            .to_owned()
    } else {
        format!("steps are {}", crate::quote::list(FORMS.map(|(_, form)| form)))
    };
    bad(format!("{} is not a step{meant}", quote(verb)), line.span(verb)).help(help)
}

fn bad(message: String, span: Span) -> Diagnostic {
    Diagnostic::error(codes::BAD_STEP, message).at(span, "not a step")
}

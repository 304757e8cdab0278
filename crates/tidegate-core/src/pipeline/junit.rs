//! Reports of tests in the format that JUnit began and every runner writes.
//!
//! Nobody has a standard of it: what counts here are its `testcase` elements, and whether one has a `failure`, an `error` or a
//! `skipped` in it. Sums that a report says of itself are not believed. Entities of its own are not expanded.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use crate::model::TestCounts;

/// The longest report that is read, in bytes.
pub const LONGEST_REPORT: usize = 16 << 20;
/// Elements in elements.
const DEEPEST: usize = 100;
/// The most failures that are kept, and the longest of their texts in characters.
const MOST_FAILURES: usize = 20;
const LONGEST_TEXT: usize = 500;
/// The most reports that are named because they cannot be read.
const MOST_UNREAD: usize = 10;

/// Why a report says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JunitError {
    /// Longer than any report.
    #[error("it is larger than 16 MiB")]
    TooLarge,
    /// Nested deeper than any report.
    #[error("it has more than {DEEPEST} elements in each other")]
    TooDeep,
    /// No XML, or half of it: the step may have ended while it was written.
    #[error("it is not XML: {0}")]
    Xml(String),
    /// XML of something else.
    #[error("its root is `{0}`, and a report begins with `testsuites` or `testsuite`")]
    Other(String),
}

/// What a report says.
///
/// # Errors
/// Where it is no report, or none that was written to its end.
pub fn read_junit(report: &[u8]) -> Result<TestCounts, JunitError> {
    if report.len() > LONGEST_REPORT {
        return Err(JunitError::TooLarge);
    }
    let text = String::from_utf8_lossy(report);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut reading = Reading::default();
    loop {
        let event = reader.read_event().map_err(|error| JunitError::Xml(error.to_string()))?;
        match event {
            Event::Start(element) => reading.begin(&element)?,
            Event::Empty(element) => {
                reading.begin(&element)?;
                reading.end();
            }
            Event::End(_) => reading.end(),
            Event::Text(text) => reading.text(&text.xml10_content()),
            Event::CData(text) => reading.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref().ok().flatten().map(String::from);
                let meant = letter.or_else(|| resolve_predefined_entity(&reference).map(str::to_owned));
                reading.text(&meant.unwrap_or_default());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => return reading.finish(),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    depth: usize,
    rooted: bool,
    counts: TestCounts,
    case: Option<Case>,
}

/// The test that is being read.
struct Case {
    name: String,
    /// How deep its element is.
    depth: usize,
    skipped: bool,
    failed: bool,
    message: String,
    /// How deep the element is whose text is its message.
    listening: Option<usize>,
}

impl Reading {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), JunitError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(JunitError::TooDeep);
        }
        let name = element.local_name();
        let name: &str = name.as_ref();
        if self.depth == 1 {
            self.rooted = matches!(name, "testsuites" | "testsuite");
            if !self.rooted {
                return Err(JunitError::Other(name.chars().take(40).collect()));
            }
        }
        match &mut self.case {
            None if name == "testcase" => self.case = Some(Case::of(element, self.depth)),
            None => {}
            Some(case) => case.say(name, element, self.depth),
        }
        Ok(())
    }

    fn end(&mut self) {
        if let Some(case) = &mut self.case
            && case.listening == Some(self.depth)
        {
            case.listening = None;
        }
        if self.case.as_ref().is_some_and(|case| case.depth == self.depth) {
            self.count();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn text(&mut self, text: &str) {
        let listens = |case: &&mut Case| case.listening.is_some() && case.message.len() < 4 * LONGEST_TEXT;
        if let Some(case) = self.case.as_mut().filter(listens) {
            case.message.extend(text.chars().take(LONGEST_TEXT));
        }
    }

    fn count(&mut self) {
        let Some(case) = self.case.take() else { return };
        self.counts.tests += 1;
        if case.failed {
            self.counts.failed += 1;
            if self.counts.failures.len() < MOST_FAILURES {
                self.counts.failures.push((short(&case.name), short(&case.message)));
            }
        } else if case.skipped {
            self.counts.skipped += 1;
        }
    }

    fn finish(self) -> Result<TestCounts, JunitError> {
        match (self.rooted, self.depth) {
            (true, 0) => Ok(self.counts),
            (true, _) => Err(JunitError::Xml("it ends in the middle".to_owned())),
            (false, _) => Err(JunitError::Xml("there is nothing in it".to_owned())),
        }
    }
}

impl Case {
    fn of(element: &BytesStart<'_>, depth: usize) -> Self {
        let [class, own] = ["classname", "name"].map(|name| attribute(element, name).unwrap_or_default());
        // Some runners say the same in both.
        let repeated = class.is_empty() || own.starts_with(&class);
        let name = if repeated { own } else { format!("{class} {own}").trim_end().to_owned() };
        Case { name, depth, skipped: false, failed: false, message: String::new(), listening: None }
    }

    /// An element in it. Attempts that a runner made once more (`rerunFailure` and the like) say nothing of the outcome.
    fn say(&mut self, name: &str, element: &BytesStart<'_>, depth: usize) {
        if depth != self.depth + 1 {
            return;
        }
        match name {
            "failure" | "error" if !self.failed => {
                self.failed = true;
                self.message = attribute(element, "message").unwrap_or_default();
                self.listening = self.message.trim().is_empty().then_some(depth);
            }
            "skipped" => self.skipped = true,
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok().flatten()?;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.chars().take(4 * LONGEST_TEXT).collect())
}

/// The first line that says anything, cut.
fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}

impl TestCounts {
    /// The counts of another report beside these.
    pub fn add(&mut self, other: TestCounts) {
        self.tests += other.tests;
        self.failed += other.failed;
        self.skipped += other.skipped;
        let room = MOST_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(other.failures.into_iter().take(room));
        other.unread.into_iter().for_each(|(report, why)| self.add_unread(&report, &why));
    }

    /// A report that says nothing, and why.
    pub fn add_unread(&mut self, report: &str, why: &str) {
        if self.unread.len() < MOST_UNREAD {
            self.unread.push((short(report), short(why)));
        }
    }
}

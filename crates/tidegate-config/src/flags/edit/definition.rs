//! One flag's definition where it stands, and the edits that change it.

use serde_json::Value as Json;
use tidegate_core::model::FlagKey;
use tidegate_core::release::{RuleChange, WrittenBack};

use super::Edit;
use super::spelling::{inline, name, scalar};
use crate::tree::{Entry, Node, Value};

/// A map of the file whose entries are changed.
#[derive(Clone, Copy)]
pub(super) struct Definition<'t> {
    text: &'t str,
    entries: &'t [Entry],
    /// Written in braces.
    flow: bool,
    /// The whole file is JSON.
    json: bool,
    manifest: bool,
}

impl<'t> Definition<'t> {
    /// The definition of a flag; `None` where it is not there, or stands elsewhere by an alias.
    pub(super) fn find(root: &'t Node, key: &FlagKey, text: &'t str, manifest: bool) -> Option<Self> {
        let flags = &entry_of(entries(root)?, "flags")?.value;
        let json = text.trim_start().starts_with('{');
        let node = match &flags.value {
            Value::Map(entries) => own(entry_of(entries, key.as_str())?)?,
            Value::List(items) => items.iter().find(|item| has_key(item, key))?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Reported => {
                return None;
            }
        };
        Some(Definition { text, entries: entries(node)?, flow: is_flow(text, node), json, manifest })
    }

    /// The edits of a change; `None` where it cannot be made in place.
    pub(super) fn changed(&self, change: &WrittenBack) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        if let Some(default) = &change.default {
            let called = if self.manifest { "default" } else { "defaultVariant" };
            edits.push(self.set(called, default)?);
        }
        if let Some(safe) = &change.safe {
            edits.push(self.safe(safe)?);
        }
        match &change.rule {
            RuleChange::Stays => {}
            RuleChange::Goes => edits.push(self.removed("targeting")?),
            RuleChange::Is(rule) => edits.push(self.put("targeting", &inline(rule))?),
            RuleChange::Else(branch) => {
                let whole = || self.put("targeting", &inline(change.flag.get("targeting")?));
                edits.push(self.with_else(branch).or_else(whole)?);
            }
        }
        Some(edits)
    }

    fn safe(&self, variant: &str) -> Option<Edit> {
        if self.manifest {
            return self.set("safe", variant);
        }
        let Some(entry) = self.entry("metadata") else {
            return self.put("metadata", &inline(&serde_json::json!({ "safe": variant })));
        };
        let node = own(entry)?;
        let inner = Definition { entries: entries(node)?, flow: is_flow(self.text, node), ..*self };
        inner.set("safe", variant)
    }

    fn entry(&self, called: &str) -> Option<&'t Entry> {
        entry_of(self.entries, called)
    }

    /// A text under a name, in the quotes it had.
    fn set(&self, called: &str, value: &str) -> Option<Edit> {
        let before = self.entry(called).and_then(own).and_then(|node| self.text.get(node.span.start..));
        self.put(called, &scalar(value, before, self.json))
    }

    /// What is written under a name.
    fn put(&self, called: &str, written: &str) -> Option<Edit> {
        let Some(entry) = self.entry(called) else { return self.added(called, written) };
        let node = own(entry)?;
        Some(Edit { start: node.span.start, end: end_of(self.text, node), text: written.to_owned() })
    }

    fn added(&self, called: &str, written: &str) -> Option<Edit> {
        let (first, last) = (self.entries.first()?, self.entries.last()?);
        let written = format!("{}: {written}", name(called, self.json));
        if self.flow {
            let end = end_of(self.text, own(last)?);
            let indent = self.indent(last.key.span.start);
            let gap = indent.map_or_else(|| " ".to_owned(), |indent| format!("{}{indent}", self.line_end()));
            return Some(insert(end, format!(",{gap}{written}")));
        }
        let indent = self.column(first.key.span.start);
        // Before the rule, which may be long and have comments; the first that would do is the end of a line.
        let rule = self.entries.iter().position(|entry| entry.key.text == "targeting");
        let before = self.entries.get(rule.unwrap_or(self.entries.len()).saturating_sub(1))?;
        match self.end_of_line(before) {
            Some(end) => Some(insert(end, format!("{}{indent}{written}", self.line_end()))),
            None => Some(insert(first.key.span.start, format!("{written}{}{indent}", self.line_end()))),
        }
    }

    /// Where the line of an entry ends that stands on one line alone.
    fn end_of_line(&self, entry: &Entry) -> Option<usize> {
        let node = own(entry)?;
        let end = end_of(self.text, node);
        let is_block = self.text.get(node.span.start..).is_some_and(|text| text.starts_with(['|', '>']));
        let whole = self.text.get(entry.key.span.start..end)?;
        (!is_block && !whole.contains('\n')).then(|| line_end_from(self.text, end))
    }

    fn removed(&self, called: &str) -> Option<Edit> {
        let at = self.entries.iter().position(|entry| entry.key.text == called)?;
        let entry = &self.entries[at];
        let (begin, end) = (entry.key.span.start, end_of(self.text, own(entry)?));
        if !self.flow {
            self.indent(begin)?;
            let start = self.text[..begin].rfind('\n').map_or(0, |end| end + 1);
            let end = line_end_from(self.text, end);
            let end = self.text[end..].find('\n').map_or(self.text.len(), |more| end + more + 1);
            return Some(Edit { start, end, text: String::new() });
        }
        let (start, end) =
            match (at.checked_sub(1).map(|before| &self.entries[before]), self.entries.get(at + 1)) {
                (Some(before), _) => (end_of(self.text, own(before)?), end),
                (None, Some(next)) => (begin, next.key.span.start),
                (None, None) => (begin, end),
            };
        Some(Edit { start, end, text: String::new() })
    }

    /// The rule's `if` with one more branch; `None` where the rule is written otherwise.
    fn with_else(&self, branch: &Json) -> Option<Edit> {
        let rule = own(self.entry("targeting")?)?;
        let [only] = entries(rule)? else { return None };
        let list = own(only).filter(|_| only.key.text == "if")?;
        let Value::List(items) = &list.value else { return None };
        let last = items.last().filter(|item| item.span.start >= list.span.start)?;
        let end = end_of(self.text, last);
        if is_flow(self.text, list) {
            return Some(insert(end, format!(", {}", inline(branch))));
        }
        let line = self.text[..last.span.start].rfind('\n').map_or(0, |end| end + 1);
        let dash = self.text[line..last.span.start].trim_end().strip_suffix('-')?;
        dash.chars().all(|c| c == ' ').then(|| {
            let end = line_end_from(self.text, end);
            insert(end, format!("{}{dash}- {}", self.line_end(), inline(branch)))
        })
    }

    /// What stands before a place on its line, where that is space alone.
    fn indent(&self, at: usize) -> Option<&'t str> {
        let line = self.text[..at].rfind('\n').map(|end| end + 1)?;
        let before = &self.text[line..at];
        before.chars().all(|c| c == ' ' || c == '\t').then_some(before)
    }

    /// As much space as stands before a place.
    fn column(&self, at: usize) -> String {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        " ".repeat(self.text[line..at].chars().count())
    }

    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}

fn insert(at: usize, text: String) -> Edit {
    Edit { start: at, end: at, text }
}

fn entries(node: &Node) -> Option<&[Entry]> {
    if let Value::Map(entries) = &node.value { Some(entries) } else { None }
}

fn entry_of<'t>(entries: &'t [Entry], called: &str) -> Option<&'t Entry> {
    entries.iter().find(|entry| entry.key.text == called)
}

fn has_key(item: &Node, key: &FlagKey) -> bool {
    let found = entries(item).and_then(|entries| entry_of(entries, "key"));
    found.is_some_and(|entry| matches!(&entry.value.value, Value::Text(text) if text == key.as_str()))
}

/// An entry's value where it stands behind its key; the value of an alias stands before.
fn own(entry: &Entry) -> Option<&Node> {
    Some(&entry.value).filter(|node| node.span.start >= entry.key.span.end && node.span.end > node.span.start)
}

fn is_flow(text: &str, node: &Node) -> bool {
    text.get(node.span.start..).is_some_and(|text| text.starts_with(['{', '[']))
}

/// Where what is written of a value ends. Of one without braces that is where its last part ends: the parser takes space and
/// comments behind it for its own.
fn end_of(text: &str, node: &Node) -> usize {
    let last = match &node.value {
        _ if is_flow(text, node) => None,
        Value::Map(entries) => {
            entries.last().map(|entry| own(entry).map_or(entry.key.span.end, |node| end_of(text, node)))
        }
        Value::List(items) => items.last().map(|item| end_of(text, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Reported => None,
    };
    last.unwrap_or_else(|| {
        let written = text.get(node.span.start..node.span.end).unwrap_or_default();
        node.span.start + written.trim_end().len()
    })
}

/// Where the line of a place ends, before what ends it.
fn line_end_from(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

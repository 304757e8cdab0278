//! Reads the keys of a map of which all keys are known.

use super::called::{called, nearly_called};
use super::field::Field;
use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::{begun, nearest};
use crate::quote::{list, quote};
use crate::span::Spanned;
use crate::tree::{Entry, Key, Value};

/// The entries of a map, unknown keys already reported.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// Opens the map at a place; `what` names it in messages ("a service").
    pub(crate) fn open(
        place: &Place<'n>,
        what: &str,
        keys: &[&str],
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let entries: &'n [Entry] = match &place.node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Reported => {
                report_no_map(place, keys, findings);
                return None;
            }
        };
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.text.as_str())) {
            findings.push(unknown_key(&entry.key, what, keys));
        }
        Some(Fields { entries })
    }

    /// Reads one key.
    pub(crate) fn read<T: Read>(&self, key: &str, findings: &mut Findings<'_>) -> Field<T> {
        match self.entries.iter().find(|entry| entry.key.text == key) {
            None => Field::Absent,
            Some(entry) => read_entry(entry, findings),
        }
    }
}

/// Reads the value of an entry.
pub(crate) fn read_entry<T: Read>(entry: &Entry, findings: &mut Findings<'_>) -> Field<T> {
    let key = &entry.key;
    if matches!(entry.value.value, Value::Null) && !T::MAY_BE_EMPTY {
        findings.push(
            Diagnostic::error(codes::NO_VALUE, format!("{} has no value", quote(&key.text)))
                .at(key.span, "nothing behind the colon")
                .help("write a value, or remove the key"),
        );
        return Field::Broken;
    }
    let place = Place::of_key(&key.text, key.span, &entry.value);
    match T::read(&place, findings) {
        None => Field::Broken,
        Some(value) => Field::Present(Spanned { value, span: place.place_of_value(), key: key.span }),
    }
}

fn report_no_map(place: &Place<'_>, keys: &[&str], findings: &mut Findings<'_>) {
    let expected = format!("a map with keys like {}", list(keys.iter().take(3).copied()));
    match &place.node.value {
        Value::Text(text) if keys.contains(&"run") => {
            let help = format!("if it is a command, write `{{ run: {} }}`", crate::quote::plain(text, 60));
            findings.push(place.wrong_type(&expected).help(help));
        }
        Value::Text(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Reported => place.report_type(&expected, findings),
    }
}

fn near<'k>(key: &str, keys: &[&'k str]) -> Option<&'k str> {
    nearest(key, keys.iter().copied()).or_else(|| begun(key, keys.iter().copied()))
}

fn unknown_key(key: &Key, what: &str, keys: &[&str]) -> Diagnostic {
    let meant = match (called(&key.text, keys), near(&key.text, keys)) {
        (Some(advice), _) => format!("; {advice}"),
        (None, Some(near)) => format!("; did you mean `{near}`?"),
        (None, None) => {
            nearly_called(&key.text, keys).map(|advice| format!("; {advice}")).unwrap_or_default()
        }
    };
    Diagnostic::error(codes::UNKNOWN_KEY, format!("{} is not a key of {what}{meant}", quote(&key.text)))
        .at(key.span, "unknown key")
        .help(format!("{what} has the keys {}", list(keys.iter().copied())))
}

/// The value of a key that must be there; reports one that is not.
pub(super) fn required<T: Clone>(
    field: &Field<T>,
    key: &str,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<T> {
    if field.is_absent() {
        let message = format!("{} has no `{key}`", place.subject);
        findings.push(
            Diagnostic::error(codes::MISSING_KEY, message).at(place.key, format!("`{key}` is missing")),
        );
    }
    field.value().cloned()
}

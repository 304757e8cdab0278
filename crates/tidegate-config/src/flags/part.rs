//! One file's part of an app's flags.

use serde_json::{Map, Value as Json};

use super::places::Places;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::source::Source;
use crate::span::Span;
use crate::tree::{self, Value};

/// The sections whose members have names that all files share.
pub(super) const SECTIONS: [&str; 3] = ["flags", "segments", "$evaluators"];

/// What one file defines, and where.
pub(super) struct Part<'s> {
    pub(super) source: &'s Source,
    pub(super) document: Map<String, Json>,
    pub(super) places: Places,
}

impl<'s> Part<'s> {
    /// Reads a flag file; what cannot be read is a mistake of the whole file.
    pub(super) fn read(source: &'s Source) -> Result<Self, Vec<Diagnostic>> {
        let wrong = |message: String| {
            Diagnostic::error(codes::FLAG_FILE, message)
                .in_file(&source.file)
                .help("a flag file has `flags`, in flagd's format, as JSON or YAML")
        };
        if source.text.len() > Source::LONGEST {
            return Err(vec![wrong(format!("{} is larger than 1 MiB", source.file))]);
        }
        let (places, twice) = places_of(source);
        if !twice.is_empty() {
            return Err(twice);
        }
        match tidegate_flags::document(&source.text) {
            Ok(Json::Object(document)) => {
                let document = sections(document).map_err(|message| vec![wrong(message)])?;
                Ok(Part { source, document, places })
            }
            Ok(_) => Err(vec![wrong(format!("{} is not an object with `flags`", source.file))]),
            Err(error) => Err(vec![wrong(format!("{}: {error}", source.file))]),
        }
    }

    /// The place of a pointer, and its line from 1; 0 where it is not known.
    pub(super) fn place(&self, pointer: &str) -> (Option<Span>, usize) {
        let span = self.places.find(pointer);
        let before = span.and_then(|span| self.source.text.get(..span.start));
        (span, before.map_or(0, |text| text.matches('\n').count() + 1))
    }

    /// A mistake at a pointer.
    pub(super) fn mistake(&self, diagnostic: Diagnostic, pointer: &str, label: &str) -> Diagnostic {
        let diagnostic = diagnostic.in_file(&self.source.file);
        match self.place(pointer).0 {
            Some(span) => diagnostic.at(span, label),
            None => diagnostic,
        }
    }
}

/// Where everything stands, and keys that stand twice: readers of JSON take the last one and say nothing. A file that cannot
/// be read as a tree has no places; its mistakes are told without.
fn places_of(source: &Source) -> (Places, Vec<Diagnostic>) {
    let mut findings = Findings::new(source);
    let root = tree::parse_deep(source, &mut findings);
    let mut places = Places::default();
    if let Some(root) = &root {
        places.add("", root);
        if let Value::Map(entries) = &root.value {
            let flags = entries.iter().find(|entry| entry.key.text == "flags");
            flags.iter().for_each(|flags| by_key(&mut places, &flags.value));
        }
    }
    let (_, mut found) = findings.finish(Some(()));
    found.retain(|diagnostic| diagnostic.code == codes::DUPLICATE_KEY.id);
    (places, found)
}

/// Flags in a list have their key inside.
fn by_key(places: &mut Places, flags: &tree::Node) {
    let Value::List(items) = &flags.value else { return };
    for item in items {
        let Value::Map(entries) = &item.value else { continue };
        let key = entries.iter().find(|entry| entry.key.text == "key").map(|entry| &entry.value.value);
        if let Some(Value::Text(key)) = key {
            places.add(&format!("/flags/{}", super::places::escaped(key)), item);
        }
    }
}

/// The document with its flags by key.
fn sections(mut document: Map<String, Json>) -> Result<Map<String, Json>, String> {
    if let Some(Json::Array(flags)) = document.get("flags") {
        let mut keyed = Map::new();
        for flag in flags {
            let key = flag.get("key").and_then(Json::as_str).ok_or("a flag in a list needs a `key`")?;
            if keyed.insert(key.to_owned(), flag.clone()).is_some() {
                return Err(format!("the flag `{key}` stands in the list twice"));
            }
        }
        document.insert("flags".to_owned(), Json::Object(keyed));
    }
    for name in SECTIONS.into_iter().chain(["metadata"]) {
        match document.get(name) {
            None | Some(Json::Object(_)) => {}
            Some(Json::Null) if name != "flags" => {
                document.remove(name);
            }
            Some(_) => return Err(format!("`{name}` is to be an object")),
        }
    }
    if document.contains_key("flags") { Ok(document) } else { Err("it has no `flags`".to_owned()) }
}

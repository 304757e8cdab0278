//! Puts the parts of all files together, and has the whole understood as the servers will understand it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tidegate_core::experiment::{Design, wrong_with};
use tidegate_core::model::FlagKey;
use tidegate_flags::{FlagSet, Options};

use super::part::{Part, SECTIONS};
use super::places::escaped;
use super::{Flags, MOST_FLAG_BYTES, MOST_FLAG_FILES, Origin};
use crate::codes::{self, Code};
use crate::compile::FlagPlan;
use crate::diagnostic::Diagnostic;
use crate::quote::quote;
use crate::source::Source;

const EXPERIMENT: &str =
    "an experiment has an end and a metric: `experiment: { metric: bought, users: 20000 }`";
/// Before every expiry: that a day is over is told by others, who know the time.
const LONG_AGO: i64 = i64::MIN;

/// The flags of the manifest and of these files; every mistake, where there are some.
pub(crate) fn gather(
    plan: &FlagPlan,
    manifest: &Source,
    files: &[Source],
) -> (Option<Flags>, Vec<Diagnostic>) {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if files.len() > MOST_FLAG_FILES || bytes > MOST_FLAG_BYTES {
        let message = format!(
            "there are {} flag files of {bytes} bytes, and at most {MOST_FLAG_FILES} of {MOST_FLAG_BYTES} bytes are read",
            files.len()
        );
        return (None, vec![Diagnostic::error(codes::FLAG_FILES, message).in_file(&manifest.file)]);
    }
    let own = Part { source: manifest, document: plan.document.clone(), places: plan.places.clone() };
    let (mut parts, mut mistakes) = (vec![own], Vec::new());
    for file in files {
        match Part::read(file) {
            Ok(part) => parts.push(part),
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    let whole = Whole::of(&parts, &mut mistakes);
    if mistakes.is_empty() {
        mistakes = whole.misunderstood(&parts);
    }
    (mistakes.is_empty().then(|| whole.into_flags(&parts)), mistakes)
}

/// The parts as one, and from which part each flag and each segment is.
#[derive(Default)]
struct Whole {
    document: Map<String, Json>,
    from: BTreeMap<String, usize>,
    keys: BTreeMap<FlagKey, usize>,
}

impl Whole {
    fn of(parts: &[Part<'_>], mistakes: &mut Vec<Diagnostic>) -> Self {
        let mut whole = Whole::default();
        whole.document.insert("flags".to_owned(), Json::Object(Map::new()));
        for (number, part) in parts.iter().enumerate() {
            for section in SECTIONS {
                whole.take(section, number, parts, mistakes);
            }
            whole.take_metadata(part, mistakes);
        }
        whole
    }

    /// Takes a section of a part over.
    fn take(&mut self, section: &str, number: usize, parts: &[Part<'_>], mistakes: &mut Vec<Diagnostic>) {
        let part = &parts[number];
        let Some(Json::Object(members)) = part.document.get(section) else {
            // A section of another kind is for the reader of the whole to refuse.
            let other = part.document.get(section).cloned();
            other.into_iter().for_each(|value| drop(self.document.insert(section.to_owned(), value)));
            return;
        };
        for (name, value) in members {
            let pointer = format!("/{section}/{}", escaped(name));
            if let Some(first) = self.from.get(&pointer) {
                mistakes.push(twice(part, &parts[*first], &pointer, name));
                continue;
            }
            if section == "flags" {
                match name.parse::<FlagKey>() {
                    Ok(key) => drop(self.keys.insert(key, number)),
                    Err(error) => mistakes.push(bad_key(part, &pointer, name, &error)),
                }
            }
            self.from.insert(pointer, number);
            let all = self.document.entry(section).or_insert_with(|| Json::Object(Map::new()));
            all.as_object_mut().into_iter().for_each(|all| drop(all.insert(name.clone(), value.clone())));
        }
    }

    /// What files say of themselves holds for all flags, so they must agree.
    fn take_metadata(&mut self, part: &Part<'_>, mistakes: &mut Vec<Diagnostic>) {
        let Some(Json::Object(said)) = part.document.get("metadata") else { return };
        for (name, value) in said {
            let all = self.document.entry("metadata").or_insert_with(|| Json::Object(Map::new()));
            let known = all.as_object_mut().and_then(|all| all.insert(name.clone(), value.clone()));
            if known.is_some_and(|known| known != *value) {
                let message =
                    format!("another flag file says something else of the metadata {}", quote(name));
                let pointer = format!("/metadata/{}", escaped(name));
                mistakes.push(part.mistake(
                    Diagnostic::error(codes::FLAG_TWICE, message),
                    &pointer,
                    "differs",
                ));
            }
        }
    }

    /// What the servers would not understand, or what a class asks for and is not there.
    fn misunderstood(&self, parts: &[Part<'_>]) -> Vec<Diagnostic> {
        let text = Json::Object(self.document.clone()).to_string();
        let set = match FlagSet::parse(&text, &Options::default()) {
            Ok(set) => set,
            Err(error) => {
                return vec![self.at(parts, codes::FLAG_RULE, &error.pointer, error.message)];
            }
        };
        let rules = set.problems().map(|problem| {
            let message = format!("the rule of `{}` cannot be understood: {}", problem.key, problem.message);
            self.at(parts, codes::FLAG_RULE, &problem.pointer, message)
        });
        let needs = set.warnings(LONG_AGO).map(|problem| {
            let message = format!("`{}`: {}", problem.key, problem.message);
            self.at(parts, codes::FLAG_NEEDS, &problem.pointer, message)
        });
        rules.chain(needs).chain(self.experiments(parts)).collect()
    }

    /// What experiments lack of what they need to come to anything. That a metric is missing was told with the class.
    fn experiments(&self, parts: &[Part<'_>]) -> Vec<Diagnostic> {
        let flags = self.document.get("flags").and_then(Json::as_object).into_iter().flatten();
        let wrong = flags.filter_map(|(key, flag)| {
            let metadata = flag.get("metadata")?.as_object().filter(|it| Design::is_meant(it))?;
            let of_experiment = metadata.get("experiment").and_then(|said| said.get("metric"));
            let wrong =
                wrong_with(metadata).filter(|_| of_experiment.or(metadata.get("metric")).is_some())?;
            let pointer = format!("/flags/{}", escaped(key));
            Some(self.at(parts, codes::FLAG_NEEDS, &pointer, format!("`{key}`: {wrong}")).help(EXPERIMENT))
        });
        wrong.collect()
    }

    /// A mistake, in the file that has what the pointer names.
    fn at(&self, parts: &[Part<'_>], code: Code, pointer: &str, message: String) -> Diagnostic {
        let named: Vec<&str> = pointer.splitn(4, '/').collect();
        let member = named.get(..3).map(|named| named.join("/"));
        let number = member.and_then(|member| self.from.get(&member)).copied().unwrap_or_default();
        parts[number].mistake(Diagnostic::error(code, message), pointer, "here")
    }

    fn into_flags(self, parts: &[Part<'_>]) -> Flags {
        let origin = |key: &FlagKey, number: usize| Origin {
            file: parts[number].source.file.clone(),
            line: parts[number].place(&format!("/flags/{}", escaped(key.as_str()))).1,
        };
        let origins = self.keys.iter().map(|(key, number)| (key.clone(), origin(key, *number))).collect();
        Flags { document: self.document, origins }
    }
}

fn twice(part: &Part<'_>, first: &Part<'_>, pointer: &str, name: &str) -> Diagnostic {
    let (_, line) = first.place(pointer);
    let message = format!("{} is defined twice: first in {}:{line}", quote(name), first.source.file);
    part.mistake(Diagnostic::error(codes::FLAG_TWICE, message), pointer, "here again")
        .help("remove one of them")
}

fn bad_key(part: &Part<'_>, pointer: &str, name: &str, error: &impl std::fmt::Display) -> Diagnostic {
    let message = format!("{} cannot be the key of a flag", quote(name));
    part.mistake(Diagnostic::error(codes::BAD_FLAG_KEY, message), pointer, "not a key")
        .help(error.to_string())
}

//! `go.mod`: from Go 1.17 on it names every module of the build, those that others need among them. `go.sum` has more than that.

use std::collections::BTreeMap;

use tidegate_core::sbom::Ecosystem;

use super::{Locked, component};

/// What is required, with what is put in its place.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let lines = directives(text);
    if !lines.iter().any(|(word, _)| *word == "module") {
        return Err("has no `module`".to_owned());
    }
    let mut required: BTreeMap<&str, &str> = BTreeMap::new();
    for rest in lines.iter().filter(|(word, _)| *word == "require").map(|(_, rest)| rest) {
        if let [name, version, ..] = rest.as_slice() {
            required.insert(*name, *version);
        }
    }
    let mut locked = Locked::default();
    let replaced: Vec<(&str, &[&str])> = lines
        .iter()
        .filter(|(word, _)| *word == "replace")
        .filter_map(|(_, rest)| replacement(rest))
        .collect();
    for (name, version) in required {
        match replaced.iter().find(|(old, _)| *old == name).map(|(_, new)| *new) {
            Some([other, version]) => locked.components.push(component(Ecosystem::Go, other, version)),
            // A folder: the app itself.
            Some(_) => {}
            None => locked.components.push(component(Ecosystem::Go, name, version)),
        }
    }
    let old = lines.iter().find(|(word, _)| *word == "go").and_then(|(_, rest)| minor(rest.first()?));
    if old.is_none_or(|minor| minor < 17) {
        locked.notes.push("is from before Go 1.17: modules that others need are not in it".to_owned());
    }
    Ok(locked)
}

/// Each with its words, whether it stands on a line of its own or in parentheses.
fn directives(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut all = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line);
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
        match (block, words.as_slice()) {
            (_, []) => {}
            (_, [")"]) => block = None,
            (None, [word, "("]) => block = Some(word),
            (Some(word), rest) => all.push((word, rest.to_vec())),
            (None, [word, rest @ ..]) => all.push((word, rest.to_vec())),
        }
    }
    all
}

/// `old [version] => new [version]`.
fn replacement<'a, 't>(words: &'a [&'t str]) -> Option<(&'t str, &'a [&'t str])> {
    let at = words.iter().position(|word| *word == "=>")?;
    Some((words.first()?, &words[at + 1..]))
}

fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

//! Reading policies: text in, a checked set out, or every mistake in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use tidegate_core::access::{PolicyFile, PolicyVersion};

use crate::mistake::Mistake;
use crate::shipped::{OPTIONAL, ROLES, SCHEMA};

/// What the ids of policies that come with Tidegate begin with.
const OURS: &str = "tidegate.";
/// Ids that decisions have where no policy decided.
const TAKEN: [&str; 3] = ["owner", "stranger", "unanswerable"];
/// The longest id, in characters.
const LONGEST_ID: usize = 64;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;

static CHECKER: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Schema = SCHEMA.parse().expect("the schema that comes with Tidegate is good: a test says so");
    Validator::new(schema)
});

/// A set and the reason of each of its policies.
type Read = (PolicySet, BTreeMap<String, String>);

/// What is read so far.
#[derive(Default)]
struct Reading {
    set: PolicySet,
    reasons: BTreeMap<String, String>,
    /// The file of each policy.
    files: BTreeMap<String, String>,
    mistakes: Vec<Mistake>,
}

/// The policies that come with Tidegate, the optional ones that are named, and these files.
pub(crate) fn read(own: &[PolicyFile], enabled: &[String]) -> Result<Read, Vec<Mistake>> {
    let mut reading = Reading::default();
    reading.file(ROLES.0, ROLES.1, true);
    for name in enabled.iter().collect::<BTreeSet<_>>() {
        match OPTIONAL.iter().find(|optional| optional.name == *name) {
            Some(optional) => reading.file(optional.name, optional.text, true),
            None => reading.mistakes.push(Mistake::of_file("", unknown(name))),
        }
    }
    reading.mistakes.extend(too_much(own));
    if reading.mistakes.is_empty() {
        own.iter().for_each(|file| reading.file(&file.name, &file.text, false));
    }
    reading.finish(own)
}

impl Reading {
    fn file(&mut self, name: &str, text: &str, ours: bool) {
        let parsed = match text.parse::<PolicySet>() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let told = errors.iter().map(|error| Mistake::of_text(name, text, error));
                return self.mistakes.extend(told);
            }
        };
        if parsed.templates().next().is_some() {
            let message = "a policy with slots (`?principal`) is a template, and templates are not taken";
            self.mistakes.push(Mistake::of_file(name, message));
        }
        for policy in parsed.policies() {
            if let Err(message) = self.policy(name, policy, ours) {
                self.mistakes.push(Mistake::of_file(name, message));
            }
        }
    }

    fn policy(&mut self, file: &str, policy: &Policy, ours: bool) -> Result<(), String> {
        let id = policy.annotation("id").unwrap_or_default();
        let reason = policy.annotation("reason").unwrap_or_default();
        id_fits(id, ours)?;
        let length = reason.chars().count();
        if length == 0 || length > LONGEST_REASON || reason.contains(char::is_control) {
            return Err(format!(
                "the policy `{id}` has no `@reason(\"…\")` of 1 to {LONGEST_REASON} characters on one line"
            ));
        }
        if self.reasons.contains_key(id) {
            return Err(format!("there is another policy with the id `{id}`"));
        }
        let named = policy.new_id(PolicyId::new(id));
        self.set.add(named).map_err(|error| error.to_string())?;
        self.reasons.insert(id.to_owned(), reason.to_owned());
        self.files.insert(id.to_owned(), file.to_owned());
        Ok(())
    }

    fn finish(mut self, own: &[PolicyFile]) -> Result<Read, Vec<Mistake>> {
        let count = self.files.values().filter(|file| own.iter().any(|own| own.name == **file)).count();
        if count > PolicyVersion::MOST_POLICIES {
            let message = format!("{count} policies: at most {} are possible", PolicyVersion::MOST_POLICIES);
            self.mistakes.push(Mistake::of_file("", message));
        }
        if self.mistakes.is_empty() {
            let checked = CHECKER.validate(&self.set, ValidationMode::Strict);
            let told = checked.validation_errors().map(|error| {
                let id = error.policy_id().to_string();
                Mistake::of_file(self.files.get(&id).map_or("", String::as_str), error.to_string())
            });
            self.mistakes.extend(told.collect::<Vec<_>>());
        }
        if self.mistakes.is_empty() { Ok((self.set, self.reasons)) } else { Err(self.mistakes) }
    }
}

fn id_fits(id: &str, ours: bool) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain) {
        return Err(format!(
            "a policy has no `@id(\"…\")` of 1 to {LONGEST_ID} of a-z, 0-9, `-`, `_` and `.`: refusals name it by that"
        ));
    }
    if !ours && (id.starts_with(OURS) || TAKEN.contains(&id)) {
        return Err(format!("the id `{id}` is Tidegate's own: take another"));
    }
    Ok(())
}

/// What is over a limit, before any of it is read.
fn too_much(own: &[PolicyFile]) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut limit = |message: String| found.push(Mistake::of_file("", message));
    let bytes: usize = own.iter().map(|file| file.text.len()).sum();
    if own.len() > PolicyVersion::MOST_FILES {
        limit(format!("{} files: at most {} are possible", own.len(), PolicyVersion::MOST_FILES));
    }
    if bytes > PolicyVersion::MOST_BYTES {
        limit(format!("{bytes} bytes: at most {} are possible", PolicyVersion::MOST_BYTES));
    }
    let mut names = BTreeSet::new();
    for PolicyFile { name, .. } in own {
        let length = name.chars().count();
        let plain = !name.contains(|c: char| c.is_control() || c == '/');
        if length == 0 || length > PolicyVersion::LONGEST_NAME || !plain {
            limit(format!("a file's name has 1 to {} characters and no `/`", PolicyVersion::LONGEST_NAME));
        } else if !names.insert(name) || name == ROLES.0 || OPTIONAL.iter().any(|ours| ours.name == name) {
            limit(format!("another file is called {name}"));
        }
    }
    found
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = OPTIONAL.iter().map(|optional| optional.name).collect();
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("there is no optional policy `{name}`: there are {}", names.join(", "))
}

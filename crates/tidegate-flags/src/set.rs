//! A flag file, compiled: immutable, and cheap to share.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde_json::Value;

use crate::Map;
use crate::change::{self, Change};
use crate::class;
use crate::context::Context;
use crate::explain::{self, Explanation};
use crate::file::{self, Document, FlagFileError, escaped};
use crate::flag::{Flag, Rule};
use crate::logic::{Compiler, Evaluators};
use crate::lower;
use crate::options::{Fractional, Options};
use crate::resolution::{ErrorCode, Failure, Resolution};

/// The name under which flagd's files say which set a flag belongs to.
const FLAG_SET_ID: &str = "flagSetId";
/// The name under which a file says which `fractional` it means.
const FRACTIONAL: &str = "fractional";

/// All flags of one file. Share it in an `Arc`, and put a new one in its place when the file changes.
#[derive(Debug)]
pub struct FlagSet {
    /// By key, in order.
    flags: Vec<Arc<Flag>>,
    places: HashMap<Box<str>, usize, FixedState>,
    metadata: Map,
    evaluators: Arc<Map>,
    compiled: Arc<Evaluators>,
    fractional: Fractional,
    source: String,
}

/// What is wrong with one flag; the others are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of the flag.
    pub key: String,
    /// A JSON pointer to where.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl FlagSet {
    /// Reads flagd's JSON, or the same in YAML. What flagd refuses is refused; a flag whose rule can not be understood is
    /// one of the [`problems`](Self::problems) and fails with `PARSE_ERROR` when it is asked for.
    pub fn parse(text: &str, options: &Options) -> Result<Self, FlagFileError> {
        let mut document = file::read(text)?;
        let fractional = version(&document.metadata, options)?;
        lower::lower(&mut document, fractional)?;
        Ok(Self::compile(document, fractional))
    }

    fn compile(document: Document, fractional: Fractional) -> Self {
        let compiled = Arc::new(compile_evaluators(&document.evaluators, fractional));
        let mut compiler = Compiler::new(fractional, &compiled);
        let flags = document.flags.into_iter();
        let flags = flags
            .map(|(key, definition)| {
                Arc::new(Flag::compile(&key, definition, &document.metadata, &mut compiler))
            })
            .collect();
        Self::of(flags, document.metadata, Arc::new(document.evaluators), compiled, fractional)
    }

    fn of(
        flags: Vec<Arc<Flag>>,
        metadata: Map,
        evaluators: Arc<Map>,
        compiled: Arc<Evaluators>,
        fractional: Fractional,
    ) -> Self {
        let places = flags.iter().enumerate().map(|(place, flag)| (flag.key.clone(), place)).collect();
        let source = source(&flags, &metadata, &evaluators);
        Self { flags, places, metadata, evaluators, compiled, fractional, source }
    }

    /// The keys of all flags, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|flag| &*flag.key)
    }

    /// How many flags there are.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there is no flag.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// The metadata of the set itself.
    pub fn metadata(&self) -> &Map {
        &self.metadata
    }

    /// The set as flagd's sync protocol serves it: JSON in a fixed order, in flagd's words alone.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Which `fractional` the set is evaluated with.
    pub fn fractional(&self) -> Fractional {
        self.fractional
    }

    /// The flags whose rules can not be understood.
    pub fn problems(&self) -> impl Iterator<Item = Problem> {
        self.flags.iter().filter_map(|flag| match &flag.rule {
            Rule::Broken(message) => Some(Problem {
                key: flag.key.to_string(),
                pointer: format!("/flags/{}/targeting", escaped(&flag.key)),
                message: message.clone(),
            }),
            Rule::None | Rule::Compiled(_) => None,
        })
    }

    /// What the metadata of flags lacks or has wrong, by what their [`class`](crate::Class) asks for; a flag without a class
    /// is asked for nothing. None of it keeps a flag from being evaluated.
    pub fn warnings(&self, now_unix_s: i64) -> impl Iterator<Item = Problem> {
        self.flags.iter().flat_map(move |flag| {
            let wrong = class::wrong(&flag.metadata, flag.default_value(), now_unix_s);
            wrong.into_iter().map(|(name, message)| Problem {
                key: flag.key.to_string(),
                pointer: format!("/flags/{}/metadata/{name}", escaped(&flag.key)),
                message,
            })
        })
    }

    /// What one flag is for this context.
    pub fn resolve<'a>(
        &'a self,
        key: &str,
        context: &Context,
        now_unix_s: i64,
    ) -> Result<Resolution<'a>, Failure> {
        self.flag(key)?.resolve(context, now_unix_s)
    }

    /// What each flag is for this context, by key in order.
    pub fn resolve_all<'a>(
        &'a self,
        context: &Context,
        now_unix_s: i64,
    ) -> impl Iterator<Item = (&'a str, Result<Resolution<'a>, Failure>)> {
        self.flags.iter().map(move |flag| (&*flag.key, flag.resolve(context, now_unix_s)))
    }

    /// Why one flag is what it is for this context.
    pub fn explain(&self, key: &str, context: &Context, now_unix_s: i64) -> Explanation {
        let mut compiler = Compiler::new(self.fractional, &self.compiled);
        match self.flag(key) {
            Ok(flag) => explain::explain(flag, context, now_unix_s, &self.evaluators, &mut compiler),
            Err(failure) => Explanation::failed(key, failure),
        }
    }

    /// What has to be told to clients when `newer` takes the place of this set.
    pub fn diff(&self, newer: &Self) -> Vec<Change> {
        let same_draw = self.fractional == newer.fractional;
        change::between(&self.flags, &newer.flags, |old, new| {
            same_draw
                && old.definition == new.definition
                && old.metadata == new.metadata
                && lower::references(new.definition.targeting.as_ref())
                    .iter()
                    .all(|name| self.evaluators.get(*name) == newer.evaluators.get(*name))
        })
    }

    /// The flag set of each flag, which may be the same ones again; empty where a flag is of none.
    pub fn flag_sets(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|flag| flag_set(flag))
    }

    /// The flags of one flag set alone; of none, if the id is empty. An id that no flag has gives an empty set.
    pub fn select(&self, flag_set_id: &str) -> Self {
        let of_set = |flag: &&Arc<Flag>| flag_set(flag) == flag_set_id;
        let flags = self.flags.iter().filter(of_set).cloned().collect();
        let (evaluators, compiled) = (Arc::clone(&self.evaluators), Arc::clone(&self.compiled));
        Self::of(flags, self.metadata.clone(), evaluators, compiled, self.fractional)
    }

    fn flag(&self, key: &str) -> Result<&Arc<Flag>, Failure> {
        self.places.get(key).map(|place| &self.flags[*place]).ok_or_else(|| Failure {
            code: ErrorCode::FlagNotFound,
            details: format!("no flag has the key `{key}`"),
            metadata: self.metadata.clone(),
        })
    }
}

fn flag_set(of: &Flag) -> &str {
    of.metadata.get(FLAG_SET_ID).and_then(Value::as_str).unwrap_or_default()
}

/// What the file itself says goes before what the caller says.
fn version(metadata: &Map, options: &Options) -> Result<Fractional, FlagFileError> {
    match metadata.get(FRACTIONAL) {
        None => Ok(options.fractional),
        Some(named) => {
            let version = named.as_str().ok_or_else(|| "a text is expected: v2 or v3".to_owned());
            version.and_then(str::parse).map_err(|why| FlagFileError::at("/metadata/fractional", why))
        }
    }
}

fn compile_evaluators(evaluators: &Map, fractional: Fractional) -> Evaluators {
    let none = Evaluators::new();
    let mut compiler = Compiler::new(fractional, &none);
    evaluators.iter().map(|(name, rule)| (name.clone(), compiler.compile(rule).map(Arc::new))).collect()
}

fn source(flags: &[Arc<Flag>], metadata: &Map, evaluators: &Map) -> String {
    let flags: Map = flags.iter().map(|flag| (flag.key.to_string(), flag.definition.to_json())).collect();
    let sections = [("$evaluators", evaluators.clone()), ("flags", flags), ("metadata", metadata.clone())];
    let kept = sections.into_iter().filter(|(name, members)| *name == "flags" || !members.is_empty());
    Value::Object(kept.map(|(name, members)| (name.to_owned(), Value::Object(members))).collect()).to_string()
}

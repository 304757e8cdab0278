//! What somebody did, or was refused: all of an entry but its place in the chain.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::bounded;
use crate::access::{Action, Caller, Origin, Who};
use crate::model::Name;

/// The longest parameter, in characters.
const LONGEST_PARAMETER: usize = 200;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// The longest text of what was before and after, in characters.
const LONGEST_STATE: usize = 500;

/// Something that was done or refused. There is no secret in it: each command says which of its parameters are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditDeed")]
pub struct Deed {
    /// Who, as it was proven; `None`: Tidegate itself.
    pub who: Option<Who>,
    /// Where they asked from.
    pub from: Origin,
    /// What it needs.
    pub action: Action,
    /// In this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Name>,
    /// In this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// What was asked for, as on the command line: `scale`, `rollout abort`; of Tidegate's own deeds the kind of the event.
    pub command: String,
    /// Its parameters, as far as they are written down; `by`: what whoever asked called themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
    /// The reason that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// What was so before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is so from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What came of a deed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AuditOutcome")]
pub enum Outcome {
    /// It is done.
    Done,
    /// It was not: who asked may not, or it does not fit.
    Refused {
        /// The refusal's code.
        code: String,
        /// The rule that refused, where one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
    },
    /// It was not: the machine could not, or there is a bug.
    Failed {
        /// The code.
        code: String,
    },
}

impl Deed {
    /// Of Tidegate itself, done, in no particular place.
    pub fn new(action: Action, command: impl Into<String>) -> Self {
        Deed {
            who: None,
            from: Origin::Within,
            action,
            app: None,
            environment: None,
            command: command.into(),
            with: BTreeMap::new(),
            why: None,
            outcome: Outcome::Done,
            before: None,
            after: None,
        }
    }

    /// The same of somebody.
    pub fn by(self, caller: &Caller) -> Self {
        Deed { who: Some(caller.who.clone()), from: caller.from, ..self }
    }

    /// The same in an app, and in an environment of it.
    pub fn at(self, app: Option<&Name>, environment: Option<&Name>) -> Self {
        Deed { app: app.cloned(), environment: environment.cloned(), ..self }
    }

    /// With a parameter. An empty one is left out.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let value = bounded(&value.to_string(), LONGEST_PARAMETER);
        if !value.is_empty() {
            self.with.insert(name.to_owned(), value);
        }
        self
    }

    /// With a parameter, where there is one.
    pub fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a reason, where one was given.
    pub fn because(self, why: Option<&str>) -> Self {
        let why = why.map(|why| bounded(why, LONGEST_REASON)).filter(|why| !why.is_empty());
        Deed { why: why.or(self.why), ..self }
    }

    /// With what changed.
    pub fn changed(self, before: Option<&str>, after: Option<&str>) -> Self {
        let state = |text: &str| bounded(text, LONGEST_STATE);
        Deed { before: before.map(state), after: after.map(state), ..self }
    }

    /// With what came of it.
    pub fn ended(self, outcome: Outcome) -> Self {
        Deed { outcome, ..self }
    }

    /// Who, for people: `tidegate` where it was Tidegate itself.
    pub fn doer(&self) -> String {
        self.who.as_ref().map_or_else(|| "tidegate".to_owned(), ToString::to_string)
    }
}

impl Outcome {
    /// Whether nothing was done.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Outcome::Done)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => f.write_str("done"),
            Outcome::Refused { code, rule: None } => write!(f, "refused {code}"),
            Outcome::Refused { code, rule: Some(rule) } => write!(f, "refused {code} ({rule})"),
            Outcome::Failed { code } => write!(f, "failed {code}"),
        }
    }
}

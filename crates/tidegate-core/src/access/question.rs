//! What is asked of the policies, and what they say: all that a decision depends on is in the question.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Origin, Place, Role, Who};

/// May somebody do something in a place?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who.
    pub who: Who,
    /// From where.
    pub from: Origin,
    /// The groups they are in, as their identity provider says.
    pub groups: BTreeSet<String>,
    /// Their roles that count in the place.
    pub roles: BTreeSet<Role>,
    /// What.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// What is known besides.
    pub facts: Facts,
}

/// What policies can go by besides who, what and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "AccessFacts")]
pub struct Facts {
    /// Nothing but runs of pipelines may change the environment.
    pub protected: bool,
    /// The environment was made for a branch.
    pub preview: bool,
    /// The request passes over the rules of a protected environment.
    pub break_glass: bool,
    /// Whoever asks wrote or pushed what is to be agreed to.
    pub author_is_caller: bool,
    /// Whoever asks brought the version that serves.
    pub deployer_is_caller: bool,
    /// A flag is to serve more than its safe variant.
    pub turns_on: bool,
}

/// A policy that decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AccessRule")]
pub struct Rule {
    /// Its `@id`.
    pub id: String,
    /// Its `@reason`.
    pub reason: String,
}

/// What the policies say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The policies that decided: those that allow it, or those that forbid it; none: no policy allows it.
    pub rules: Vec<Rule>,
    /// The least role that would allow it in that place; `None`: none would, or it is allowed.
    pub would: Option<Role>,
}

impl Decision {
    /// Where no policy was asked.
    pub fn without_policies(allowed: bool, id: &str, reason: &str) -> Self {
        let rule = Rule { id: id.to_owned(), reason: reason.to_owned() };
        Decision { allowed, rules: vec![rule], would: None }
    }

    /// The ids of the policies that decided, for logs.
    pub fn ids(&self) -> Vec<&str> {
        self.rules.iter().map(|rule| rule.id.as_str()).collect()
    }
}

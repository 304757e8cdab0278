//! A check beside the judge: what is asked of whom, how often, and what the answer has to be.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::time::Millis;

/// Of a query or a command so much is shown, in characters.
const LONGEST: usize = 160;

/// One named check of a strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// What is asked.
    pub source: CheckSource,
    /// The answer is a number of at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Figure>,
    /// The answer is a number of at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Figure>,
    /// From one question to the next.
    pub every: Millis,
    /// How long an answer may take.
    pub timeout: Millis,
    /// So many bad answers in a row take the candidate back.
    pub failures: u32,
    /// What a question without an answer means.
    pub unreachable: Unreachable,
    /// Whether it holds over the whole rollout; otherwise only at the steps that name it.
    pub guard: bool,
}

/// What is asked. Texts have places for what is known only in a rollout: see [`crate::check::Places`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckSource {
    /// An instant query of a Prometheus, whose answer is one number.
    Prometheus {
        /// Where its API is, without `/api/v1/query`.
        url: String,
        /// In PromQL.
        query: String,
        /// The variable of the service's environment that has the bearer token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// A `GET`. Without limits its status is the answer, with them the number its body begins with.
    Http {
        /// Of what.
        url: String,
        /// The status it has to have; `None`: any from 200 to 299.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<u16>,
        /// The variable of the service's environment that has the bearer token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// A command in the candidate's build. Without limits its exit code is the answer, with them the number its last line
    /// begins with.
    Command(String),
}

/// What a question without an answer means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// Nothing: the rollout does not go on until there is an answer, and is not taken back for that alone.
    #[default]
    Hold,
    /// The same as a bad answer.
    Fail,
    /// The same as a good answer.
    Pass,
}

impl Unreachable {
    /// The word in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unreachable::Hold => "hold",
            Unreachable::Fail => "fail",
            Unreachable::Pass => "pass",
        }
    }
}

impl CheckSpec {
    /// Checks of one strategy, at most.
    pub const MOST: usize = 16;
    /// The default of `every`.
    pub const EVERY: Millis = Millis::seconds(10);
    /// The default of `timeout`, for whom a command is not asked.
    pub const TIMEOUT: Millis = Millis::seconds(5);
    /// The default of `timeout` of a command.
    pub const COMMAND_TIMEOUT: Millis = Millis::seconds(30);
    /// The default of `failures`.
    pub const FAILURES: u32 = 2;

    /// The limits in words; `None` where the answer is a yes or a no.
    pub fn limits(&self) -> Option<String> {
        match (self.min, self.max) {
            (None, None) => None,
            (Some(min), None) => Some(format!("at least {min}")),
            (None, Some(max)) => Some(format!("at most {max}")),
            (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        }
    }

    /// What must be so of an answer, in words.
    pub fn wanted(&self) -> String {
        self.limits().unwrap_or_else(|| match &self.source {
            CheckSource::Http { expect: Some(status), .. } => format!("status {status}"),
            CheckSource::Http { expect: None, .. } => "status 200 to 299".to_owned(),
            CheckSource::Prometheus { .. } | CheckSource::Command(_) => "exit code 0".to_owned(),
        })
    }
}

impl CheckSource {
    /// The variable that has the token to ask with.
    pub fn token(&self) -> Option<&str> {
        match self {
            CheckSource::Prometheus { token, .. } | CheckSource::Http { token, .. } => token.as_deref(),
            CheckSource::Command(_) => None,
        }
    }

    /// The key in the manifest.
    pub const fn kind(&self) -> &'static str {
        match self {
            CheckSource::Prometheus { .. } => "prometheus",
            CheckSource::Http { .. } => "http",
            CheckSource::Command(_) => "command",
        }
    }
}

/// On one line, and not longer than people read.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// For people. What follows a `?` is left out: it may be a secret.
impl fmt::Display for CheckSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
        match self {
            CheckSource::Prometheus { url, query, .. } => {
                write!(f, "`{}` of {}", shortened(query), place(url))
            }
            CheckSource::Http { url, .. } => write!(f, "GET {}", place(url)),
            CheckSource::Command(command) => write!(f, "`{}`", shortened(command)),
        }
    }
}

//! Cases: questions with the answer that somebody expects, in YAML. `tidegate policy test` runs them, without a server.
//!
//! ```yaml
//! - who: { user: ann, roles: [{ role: developer, app: shop }] }
//!   action: deploy
//!   on: shop/production
//!   protected: true
//!   expect: refuse
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use tidegate_core::access::{
    Action, Binding, Decision, Facts, Holder, Origin, Place, Question, Role, Who, roles_at,
};
use tidegate_core::model::Name;

use crate::Policies;

/// The largest file of cases, in bytes.
pub const LARGEST: usize = 1 << 20;
/// The most cases of a file.
pub const MOST: usize = 10_000;
/// What `rule:` is where no policy is to decide.
const NONE: &str = "none";

/// A question and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Who asks.
    pub who: CaseWho,
    /// For what.
    pub action: Action,
    /// Where; left out: the installation.
    #[serde(default = "everywhere")]
    pub on: Place,
    /// From which address; left out: this machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// See [`Facts`].
    #[serde(default)]
    pub protected: bool,
    /// See [`Facts`].
    #[serde(default)]
    pub preview: bool,
    /// See [`Facts`].
    #[serde(default)]
    pub break_glass: bool,
    /// See [`Facts`].
    #[serde(default)]
    pub author_is_caller: bool,
    /// See [`Facts`].
    #[serde(default)]
    pub deployer_is_caller: bool,
    /// See [`Facts`].
    #[serde(default)]
    pub turns_on: bool,
    /// The answer.
    pub expect: Expected,
    /// The policy that has to be among those that decided, by its id; `none`: none may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The answer somebody expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// It may be done.
    Allow,
    /// It may not.
    Refuse,
}

/// Who asks: exactly one of a user, a service, the owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseWho {
    /// A person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// A service token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Whoever runs the installation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
    /// Their groups.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Their roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<CaseRole>,
}

/// A role somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRole {
    /// Which.
    pub role: Role,
    /// In this app; left out: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Name>,
    /// In this environment of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its number, counted from 1.
    pub case: usize,
    /// The question in words.
    pub question: String,
    /// The answer that was expected.
    pub expect: Expected,
    /// What the policies say.
    pub decision: Decision,
    /// Whether it is as expected, its rule included.
    pub good: bool,
}

/// Why cases cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file is no list of cases.
    #[error("these are no cases: {0}")]
    Text(String),
    /// More, or longer, than is read.
    #[error("a file of cases has at most {MOST} of them in {LARGEST} bytes")]
    TooMany,
    /// A case says something that cannot be.
    #[error("case {0}: {1}")]
    Case(usize, String),
}

fn everywhere() -> Place {
    Place::Everywhere
}

/// Reads cases.
///
/// # Errors
/// Where the text is no list of them, or one cannot be.
pub fn read(text: &str) -> Result<Vec<Case>, CaseError> {
    if text.len() > LARGEST {
        return Err(CaseError::TooMany);
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let cases: Vec<Case> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| CaseError::Text(error.to_string()))?;
    if cases.len() > MOST {
        return Err(CaseError::TooMany);
    }
    for (index, case) in cases.iter().enumerate() {
        case.question().map_err(|why| CaseError::Case(index + 1, why))?;
    }
    Ok(cases)
}

/// Asks each case of the policies.
///
/// # Errors
/// Where a case cannot be.
pub fn run(policies: &Policies, cases: &[Case]) -> Result<Vec<Outcome>, CaseError> {
    let one = |(index, case): (usize, &Case)| {
        let question = case.question().map_err(|why| CaseError::Case(index + 1, why))?;
        let decision = policies.decide(&question);
        let good = case.is_met_by(&decision);
        Ok(Outcome { case: index + 1, question: case.to_string(), expect: case.expect, decision, good })
    };
    cases.iter().enumerate().map(one).collect()
}

impl Case {
    fn is_met_by(&self, decision: &Decision) -> bool {
        let answer = match self.expect {
            Expected::Allow => decision.allowed,
            Expected::Refuse => !decision.allowed,
        };
        let rule = match self.rule.as_deref() {
            None => true,
            Some(NONE) => decision.rules.is_empty(),
            Some(rule) => decision.ids().contains(&rule),
        };
        answer && rule
    }

    fn question(&self) -> Result<Question, String> {
        let who = self.who.who()?;
        let holder = Holder::of(&who);
        let bindings = holder.map(|holder| self.who.bindings(&holder)).transpose()?.unwrap_or_default();
        Ok(Question {
            who,
            from: self.from.map_or(Origin::Socket { uid: 0 }, Origin::Address),
            groups: self.who.groups.clone(),
            roles: roles_at(&bindings, &self.on),
            action: self.action,
            place: self.on.clone(),
            facts: Facts {
                protected: self.protected,
                preview: self.preview,
                break_glass: self.break_glass,
                author_is_caller: self.author_is_caller,
                deployer_is_caller: self.deployer_is_caller,
                turns_on: self.turns_on,
            },
        })
    }
}

impl CaseWho {
    fn who(&self) -> Result<Who, String> {
        match (&self.user, &self.service, self.owner) {
            (Some(name), None, false) => Ok(Who::User { name: name.clone(), token: None }),
            (None, Some(token), false) => Ok(Who::Service { token: token.clone() }),
            (None, None, true) => Ok(Who::Owner),
            (None, None, false) => Ok(Who::Stranger),
            (Some(_), Some(_), _) | (Some(_), None, true) | (None, Some(_), true) => {
                Err("`who` is one of `user`, `service` and `owner`".to_owned())
            }
        }
    }

    fn bindings(&self, holder: &Holder) -> Result<Vec<Binding>, String> {
        let one = |given: &CaseRole| {
            let place = Place::of(given.app.as_ref(), given.environment.as_ref());
            Ok(Binding {
                holder: holder.clone(),
                role: given.role,
                place: place.map_err(|error| error.to_string())?,
                by: String::new(),
                made_at_unix_ms: 0,
            })
        };
        self.roles.iter().map(one).collect()
    }
}

/// `ann (developer in shop): deploy in shop/production (protected)`
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who.who().map_or_else(|_| "?".to_owned(), |who| who.to_string());
        let role = |given: &CaseRole| match (&given.app, &given.environment) {
            (None, _) => given.role.to_string(),
            (Some(app), None) => format!("{} in {app}", given.role),
            (Some(app), Some(environment)) => format!("{} in {app}/{environment}", given.role),
        };
        let roles: Vec<String> = self.who.roles.iter().map(role).collect();
        let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        write!(f, "{who} ({roles}): {} in {}", self.action, self.on)?;
        let facts = [
            (self.protected, "protected"),
            (self.preview, "a preview"),
            (self.break_glass, "passing over its rules"),
            (self.author_is_caller, "its author"),
            (self.deployer_is_caller, "its deployer"),
            (self.turns_on, "turning it on"),
        ];
        let told: Vec<&str> = facts.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        if told.is_empty() { Ok(()) } else { write!(f, " ({})", told.join(", ")) }
    }
}

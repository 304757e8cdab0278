//! Who may do what: the policies that come with Tidegate and those of its users, in Cedar.
//!
//! [`Policies`] answers a [`Question`] with a
//! [`Decision`]; all that it depends on is in the question. Nothing here reads a file, a clock or
//! the store. [`cases`] are questions with the answers that somebody expects.

pub mod cases;
mod entities;
mod mistake;
mod shipped;
mod written;

use std::collections::BTreeMap;

use cedar_policy::{Authorizer, Decision as Verdict, PolicySet};
use tidegate_core::access::{Decision, PolicyFile, Question, Role, Rule, Who};

pub use mistake::Mistake;
pub use shipped::{OPTIONAL, Optional, SCHEMA};

/// The roles by what they allow, the least first: the first one that would do is the one to ask for.
const BY_POWER: [Role; 5] = [Role::Reader, Role::Releaser, Role::Developer, Role::Operator, Role::Admin];

/// A set of policies, read and checked.
pub struct Policies {
    set: PolicySet,
    reasons: BTreeMap<String, String>,
    authorizer: Authorizer,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("rules", &self.reasons.keys()).finish_non_exhaustive()
    }
}

impl Policies {
    /// Those that come with Tidegate and nothing besides.
    pub fn shipped() -> Policies {
        Policies::with(&[], &[]).expect("the policies that come with Tidegate are good: a test says so")
    }

    /// Those that come with Tidegate, the optional ones that are named, and these files.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn with(own: &[PolicyFile], enabled: &[String]) -> Result<Policies, Vec<Mistake>> {
        let (set, reasons) = written::read(own, enabled)?;
        Ok(Policies { set, reasons, authorizer: Authorizer::new() })
    }

    /// The id and reason of each policy.
    pub fn rules(&self) -> impl Iterator<Item = Rule> + '_ {
        self.reasons.iter().map(|(id, reason)| Rule { id: id.clone(), reason: reason.clone() })
    }

    /// Whether it may be done. Whoever runs this Tidegate may do everything, and nobody who is not known anything: about them no policy
    /// is asked.
    pub fn decide(&self, question: &Question) -> Decision {
        match &question.who {
            Who::Owner => {
                Decision::without_policies(true, "owner", "whoever runs this Tidegate may do everything")
            }
            Who::Stranger => {
                Decision::without_policies(false, "stranger", "nobody is let in who is not known")
            }
            Who::User { .. } | Who::Service { .. } => self.weigh(question),
        }
    }

    fn weigh(&self, question: &Question) -> Decision {
        let decision = self.ask(question);
        // What a policy forbids no role allows.
        if decision.allowed || !decision.rules.is_empty() {
            return decision;
        }
        let would = BY_POWER.into_iter().find(|role| {
            let mut with = question.clone();
            with.roles.insert(*role);
            self.ask(&with).allowed
        });
        Decision { would, ..decision }
    }

    /// A policy that cannot be evaluated may be one that forbids: nothing is allowed then.
    fn ask(&self, question: &Question) -> Decision {
        let refused = |why: String| Decision::without_policies(false, "unanswerable", &why);
        let (request, entities) = match entities::of(question) {
            Ok(asked) => asked,
            Err(why) => return refused(why),
        };
        let response = self.authorizer.is_authorized(&request, &self.set, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return refused(error.to_string());
        }
        let mut rules: Vec<Rule> = response.diagnostics().reason().map(|id| self.rule(id.as_ref())).collect();
        rules.sort();
        Decision { allowed: response.decision() == Verdict::Allow, rules, would: None }
    }

    fn rule(&self, id: &str) -> Rule {
        Rule { id: id.to_owned(), reason: self.reasons.get(id).cloned().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests;

//! Who may do what: roles that are given, policies that are set, and the answer to each request.
//!
//! [`AccessDesk`] is what the API asks, and [`crate::Handle`] who answers. [`subject`] finds out where a request really is,
//! whatever it says of that; [`judge`] asks the policies about it. Both read one snapshot of the store, so what was taken from
//! somebody counts from their next request on, and a kill at any line leaves nothing but what is stored.

mod facts;
mod gate;
mod grant;
mod judge;
mod membership;
mod policies;
mod refusal;
mod subject;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use tidegate_core::access::{Action, Caller, Ceiling, Decision, Holder, Place, PolicyFile, Role};
use tidegate_core::view::{AccessExplanation, AccessList, BindingChanged, PolicySetView};
use tidegate_store::Reader;

use crate::handle::Handle;
use crate::plane::Refusal;
pub use gate::Gate;
pub(crate) use grant::of as roles_of;
pub(crate) use policies::{Compiled, finding};
pub use refusal::{FORBIDDEN, OUT_OF_REACH, forbidden};
pub use subject::Subject;

/// What the API asks about access. Calls block for milliseconds.
pub trait AccessDesk: Send + Sync + 'static {
    /// Whether somebody may do something, and where that is.
    ///
    /// # Errors
    /// Where a request does not say which of several places it means, and where the store cannot be read.
    fn judge(&self, asked: &Asked) -> Result<Verdict, Refusal>;
    /// Those of the places that a caller may read, by what gives them at most this.
    fn readable(
        &self,
        caller: &Caller,
        ceiling: &Ceiling,
        places: BTreeSet<Place>,
    ) -> Result<BTreeSet<Place>, Refusal>;
    /// The roles that are given, as far as a caller may manage them, and their own.
    fn roles(&self, caller: &Caller, ceiling: &Ceiling) -> Result<AccessList, Refusal>;
    /// Gives a role.
    fn grant(&self, caller: &Caller, role: &Given) -> Result<BindingChanged, Refusal>;
    /// Takes a role.
    fn revoke(&self, caller: &Caller, role: &Given) -> Result<BindingChanged, Refusal>;
    /// Why somebody may do something in a place, or may not.
    fn explain(&self, who: &Holder, action: Action, place: &Place) -> Result<AccessExplanation, Refusal>;
    /// The policies in force; of an earlier version where one is named.
    fn policies(&self, version: Option<u64>) -> Result<PolicySetView, Refusal>;
    /// Puts the users' own policies in place of what they are. Nothing is changed where there is a mistake in them.
    fn set_policies(
        &self,
        caller: &Caller,
        files: Vec<PolicyFile>,
        enabled: Vec<String>,
    ) -> Result<PolicySetView, Refusal>;
}

/// What is asked about a request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub caller: Caller,
    /// The most that what they showed gives.
    pub ceiling: Ceiling,
    /// For what.
    pub action: Action,
    /// About what.
    pub subject: Subject,
    /// Whether it passes over the rules of a protected environment.
    pub glass: bool,
    /// Whether a flag is to serve more than its safe variant.
    pub turns_on: bool,
    /// Whether what comes with the request protects the place.
    pub protects: bool,
}

impl Asked {
    /// A question with nothing special.
    pub fn new(caller: Caller, action: Action, subject: Subject) -> Self {
        let ceiling = Ceiling::default();
        Asked { caller, ceiling, action, subject, glass: false, turns_on: false, protects: false }
    }
}

/// The answer about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided about: another action than was asked for where it is refused for want of that one.
    pub action: Action,
    /// Where it is.
    pub place: Place,
    /// What the policies say.
    pub decision: Decision,
    /// Whether the caller may not even know that it is there.
    pub hidden: bool,
}

/// A role of somebody in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Whose.
    pub holder: Holder,
    /// Which.
    pub role: Role,
    /// Where.
    pub place: Place,
}

/// Whether somebody may do something, for a process that has nothing but the store: whatever Git over SSH starts.
///
/// # Errors
/// As [`AccessDesk::judge`], and the refusal where they may not.
pub fn pass(store: &Reader, asked: &Asked) -> Result<(), Refusal> {
    let verdict = judge::judge(store, &policies::in_force(store)?, asked)?;
    if verdict.decision.allowed { Ok(()) } else { Err(forbidden(&asked.caller.who, &verdict)) }
}

impl AccessDesk for Handle {
    fn judge(&self, asked: &Asked) -> Result<Verdict, Refusal> {
        self.read(|answers| {
            let policies = self.compiled(answers.store)?;
            judge::judge(answers.store, &policies, asked)
        })
    }

    fn readable(
        &self,
        caller: &Caller,
        ceiling: &Ceiling,
        places: BTreeSet<Place>,
    ) -> Result<BTreeSet<Place>, Refusal> {
        self.read(|answers| {
            let policies = self.compiled(answers.store)?;
            judge::Bench::of(answers.store, &policies, (caller, ceiling))?.readable(places)
        })
    }

    fn roles(&self, caller: &Caller, ceiling: &Ceiling) -> Result<AccessList, Refusal> {
        self.read(|answers| {
            let policies = self.compiled(answers.store)?;
            grant::list(answers.store, &policies, (caller, ceiling))
        })
    }

    fn grant(&self, caller: &Caller, role: &Given) -> Result<BindingChanged, Refusal> {
        let (caller, role) = (caller.clone(), role.clone());
        self.ask(move |world, time| grant::grant(world.store, time, &caller, &role))
    }

    fn revoke(&self, caller: &Caller, role: &Given) -> Result<BindingChanged, Refusal> {
        let (caller, role) = (caller.clone(), role.clone());
        self.ask(move |world, time| grant::revoke(world.store, time, &caller, &role))
    }

    fn explain(&self, who: &Holder, action: Action, place: &Place) -> Result<AccessExplanation, Refusal> {
        self.read(|answers| {
            let policies = self.compiled(answers.store)?;
            judge::explain(answers.store, &policies, who, (action, place))
        })
    }

    fn policies(&self, version: Option<u64>) -> Result<PolicySetView, Refusal> {
        self.read(|answers| policies::view(answers.store, version))
    }

    fn set_policies(
        &self,
        caller: &Caller,
        files: Vec<PolicyFile>,
        enabled: Vec<String>,
    ) -> Result<PolicySetView, Refusal> {
        // Checked by the API's thread: the loop has better things to do than to read policies.
        policies::check(&files, &enabled)?;
        let by = caller.who.to_string();
        let version = self.ask(move |world, time| policies::set(world.store, time, (files, enabled), by))?;
        self.read(|answers| policies::view(answers.store, Some(version)))
    }
}

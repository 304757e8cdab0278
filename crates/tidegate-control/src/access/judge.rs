//! The answer to a request: where it is, what is known, and what the policies make of it.

use std::collections::BTreeSet;

use tidegate_core::access::{
    Action, Binding, Caller, Ceiling, Decision, Facts, Holder, Origin, Place, Question, Role, roles_at,
};
use tidegate_core::model::Name;
use tidegate_core::view::AccessExplanation;
use tidegate_policy::Policies;
use tidegate_store::Reader;

use super::membership::Membership;
use super::subject::{Found, find};
use super::{Asked, Subject, Verdict, facts};
use crate::answer::store_trouble;
use crate::plane::{Refusal, RefusalKind};

/// The rule that a token opens nothing elsewhere.
pub(super) const TOKEN_REACH: &str = "token.reach";
/// The rule that a token gives no more than its role.
pub(super) const TOKEN_ROLE: &str = "token.role";

/// Somebody before the policies, with all their roles.
pub(super) struct Bench<'a> {
    store: &'a Reader,
    policies: &'a Policies,
    caller: &'a Caller,
    ceiling: &'a Ceiling,
    /// Their own, and those of their groups.
    roles: Vec<Binding>,
    membership: Membership,
}

impl<'a> Bench<'a> {
    /// Of a caller, by what gives them at most this.
    pub(super) fn of(
        store: &'a Reader,
        policies: &'a Policies,
        (caller, ceiling): (&'a Caller, &'a Ceiling),
    ) -> Result<Self, Refusal> {
        let mut roles = match Holder::of(&caller.who) {
            Some(holder) => store.role_bindings_of(&holder).map_err(store_trouble)?,
            None => Vec::new(),
        };
        let membership = Membership::of(store, &caller.who).map_err(store_trouble)?;
        roles.extend(membership.roles(store).map_err(store_trouble)?);
        Ok(Bench { store, policies, caller, ceiling, roles, membership })
    }

    /// What the policies say, and what the caller showed gives no more than.
    pub(super) fn decide(&self, action: Action, place: &Place, facts: Facts) -> Decision {
        if !self.ceiling.covers(place) {
            let reason = format!("the token is for {} alone", self.ceiling.reach);
            return Decision::without_policies(false, TOKEN_REACH, &reason);
        }
        let decision = self.decide_as(roles_at(&self.roles, place), action, place, facts);
        match self.ceiling.most {
            // Both have to allow it: no role that somebody has not is made up, and no rule about a person passes over their token's.
            Some(most)
                if decision.allowed
                    && !self.decide_as(BTreeSet::from([most]), action, place, facts).allowed =>
            {
                let reason = format!("the token gives no more than the role {most}");
                Decision::without_policies(false, TOKEN_ROLE, &reason)
            }
            Some(_) | None => decision,
        }
    }

    fn decide_as(&self, roles: BTreeSet<Role>, action: Action, place: &Place, facts: Facts) -> Decision {
        let question = Question {
            who: self.caller.who.clone(),
            from: self.caller.from,
            groups: self.membership.groups.clone(),
            roles,
            action,
            place: place.clone(),
            facts,
        };
        let decision = self.policies.decide(&question);
        if decision.allowed && self.membership.is_stale {
            // Both have to allow it: groups of long ago give nothing, and whatever is forbidden to them stays so.
            return self.policies.decide(&Question { groups: BTreeSet::new(), ..question });
        }
        decision
    }

    /// Whether a role is one of theirs.
    pub(super) fn holds(&self, binding: &Binding) -> bool {
        self.roles.iter().any(|own| own.is_the_same(binding))
    }

    /// Whether something may be done in a place, as far as the place alone matters.
    pub(super) fn may(&self, action: Action, place: &Place) -> Result<bool, Refusal> {
        Ok(self.decide(action, place, facts::of_place(self.store, place)?).allowed)
    }

    /// Those of the places that may be read.
    pub(super) fn readable(&self, places: BTreeSet<Place>) -> Result<BTreeSet<Place>, Refusal> {
        let mut readable = BTreeSet::new();
        for place in places {
            if self.may(Action::Read, &place)? {
                readable.insert(place);
            }
        }
        Ok(readable)
    }

    fn readable_environments(&self, places: Vec<(Name, Name)>) -> Result<Vec<(Name, Name)>, Refusal> {
        let mut readable = Vec::new();
        for (app, environment) in places {
            if self.may(Action::Read, &Place::Environment(app.clone(), environment.clone()))? {
                readable.push((app, environment));
            }
        }
        Ok(readable)
    }
}

/// Whether somebody may do what they ask for, and where that is.
pub(super) fn judge(store: &Reader, policies: &Policies, asked: &Asked) -> Result<Verdict, Refusal> {
    let bench = Bench::of(store, policies, (&asked.caller, &asked.ceiling))?;
    let found = find(store, &asked.subject, |places| bench.readable_environments(places))?;
    let (place, numbered) = match found {
        Found::Named(place) => (place, false),
        Found::Numbered(place) => (place, true),
        Found::Nowhere(widest, refusal) => return nowhere(&bench, asked, widest, refusal),
    };
    let known = facts::of_place(store, &place)?;
    let known = Facts { protected: known.protected || asked.protects, ..known };
    let action = meant(asked, known);
    let by = asked.caller.who.to_string();
    let facts = facts::of_caller(store, (action, &place), &asked.subject, &by, known)?;
    let facts = Facts { break_glass: asked.glass, turns_on: asked.turns_on, ..facts };
    let mut verdict = Verdict { action, decision: bench.decide(action, &place, facts), place, hidden: false };
    if verdict.decision.allowed && asked.glass {
        let action = Action::BreakGlass;
        let decision = bench.decide(action, &verdict.place, facts);
        verdict = Verdict { action, decision, ..verdict };
    }
    verdict.hidden = numbered
        && !verdict.decision.allowed
        && (verdict.place == Place::Everywhere || !bench.decide(Action::Read, &verdict.place, known).allowed);
    Ok(verdict)
}

/// A preview is stopped by whoever operates; any other environment is there to stay.
fn meant(asked: &Asked, known: Facts) -> Action {
    let stops_a_preview = known.preview && matches!(asked.subject, Subject::Removal(_));
    if stops_a_preview { Action::Operate } else { asked.action }
}

/// There is no such place. Who may read where it would be is told so; nobody else is told what there is.
fn nowhere(bench: &Bench<'_>, asked: &Asked, widest: Place, refusal: Refusal) -> Result<Verdict, Refusal> {
    let action = asked.action;
    let decision = bench.decide(action, &widest, Facts::default());
    if decision.allowed || bench.may(Action::Read, &widest)? {
        return Err(refusal);
    }
    Ok(Verdict { action, place: widest, decision, hidden: false })
}

/// Why somebody may do something in a place, or may not.
pub(super) fn explain(
    store: &Reader,
    policies: &Policies,
    who: &Holder,
    (action, place): (Action, &Place),
) -> Result<AccessExplanation, Refusal> {
    let Some(asking) = who.who() else {
        let message = format!("{who} asks for nothing itself: its members do");
        return Err(Refusal::new(RefusalKind::Invalid, "access::group", message)
            .help("name a person or a token: `tidegate access explain ann deploy shop/production`"));
    };
    let caller = Caller { who: asking, from: Origin::Within };
    let ceiling = Ceiling::default();
    let bench = Bench::of(store, policies, (&caller, &ceiling))?;
    let facts = facts::of_place(store, place)?;
    let Decision { allowed, rules, would } = bench.decide(action, place, facts);
    // What a place is like is for whoever may see it.
    let facts = if bench.may(Action::Read, place)? { facts } else { Facts::default() };
    let roles = roles_at(&bench.roles, place).into_iter().collect();
    Ok(AccessExplanation {
        who: who.clone(),
        action,
        place: place.clone(),
        roles,
        facts,
        allowed,
        rules,
        would,
    })
}

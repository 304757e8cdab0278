//! Who answers about access in tests: three environments, numbered as they stand, and the policies that come with Tidegate.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_control::access::{AccessDesk, Asked, Given, Subject, Verdict};
use tidegate_control::{Refusal, RefusalKind, Scope};
use tidegate_core::access::{
    Action, Binding, Caller, Ceiling, Decision, Facts, Holder, Origin, Place, PolicyFile, Question, Role,
    roles_at,
};
use tidegate_core::view::{AccessExplanation, AccessList, BindingChanged, BindingView, PolicySetView};
use tidegate_policy::Policies;

/// Who, and the most that what they showed gives.
type By<'a> = (&'a Caller, &'a Ceiling);

const PLACES: [&str; 3] = ["shop/staging", "shop/production", "billing/production"];

pub struct Judge {
    bindings: Mutex<Vec<Binding>>,
    policies: Policies,
    changed: AtomicBool,
}

pub fn binding(holder: &str, role: Role, place: &str) -> Binding {
    let (holder, place) = (holder.parse().unwrap(), place.parse().unwrap());
    Binding { holder, role, place, by: "owner".to_owned(), made_at_unix_ms: 0 }
}

impl Judge {
    pub fn with(roles: &[(&str, Role, &str)]) -> Self {
        let bindings = roles.iter().map(|(who, role, at)| binding(who, *role, at)).collect();
        Judge {
            bindings: Mutex::new(bindings),
            policies: Policies::shipped(),
            changed: AtomicBool::new(false),
        }
    }

    /// Whether anything was changed since this was asked last.
    pub fn changed(&self) -> bool {
        self.changed.swap(false, Ordering::SeqCst)
    }

    fn decide(&self, (caller, ceiling): By<'_>, action: Action, place: &Place, glass: bool) -> Decision {
        if !ceiling.covers(place) {
            return Decision::without_policies(false, "token.reach", "the token is for less");
        }
        let bindings = self.bindings.lock().unwrap();
        let own: Vec<&Binding> =
            bindings.iter().filter(|one| Some(&one.holder) == Holder::of(&caller.who).as_ref()).collect();
        let protected = place.environment().is_some_and(|environment| environment.as_str() == "production");
        let mut roles = roles_at(own, place);
        if let Some(most) = ceiling.most.filter(|_| !roles.is_empty()) {
            roles = BTreeSet::from([most]);
        }
        self.policies.decide(&Question {
            who: caller.who.clone(),
            from: caller.from,
            groups: BTreeSet::new(),
            roles,
            action,
            place: place.clone(),
            facts: Facts { protected, break_glass: glass, ..Facts::default() },
        })
    }

    fn place(&self, caller: By<'_>, subject: &Subject) -> Place {
        let numbered = |number: u64| {
            PLACES.get((number as usize).wrapping_sub(1)).map_or(Place::Everywhere, |at| at.parse().unwrap())
        };
        match subject {
            Subject::Place(place) => place.clone(),
            Subject::Run(run) => numbered(run.0),
            Subject::Deploy(id) => numbered(*id),
            Subject::Rollout(id) => numbered(id.0),
            Subject::Unit(id) => numbered(id.0.parse().unwrap_or(0)),
            Subject::Promotion(scope, to) => {
                Place::Environment(scope.app.clone().unwrap_or_else(|| "shop".parse().unwrap()), to.clone())
            }
            Subject::Plan(request) => {
                let app = request.manifest_text.lines().next().unwrap().strip_prefix("app: ").unwrap();
                Place::Environment(app.parse().unwrap(), request.deploy.environment.clone().unwrap())
            }
            Subject::Scope(scope) | Subject::Removal(scope) | Subject::Build(_, scope) => {
                self.filled_in(caller, scope)
            }
        }
    }

    fn filled_in(&self, caller: By<'_>, scope: &Scope) -> Place {
        if let (Some(app), Some(environment)) = (&scope.app, &scope.environment) {
            return Place::Environment(app.clone(), environment.clone());
        }
        let places = PLACES.iter().map(|at| at.parse::<Place>().unwrap());
        let fits = |place: &Place| {
            (scope.app.is_none() || scope.app.as_ref() == place.app())
                && (scope.environment.is_none() || scope.environment.as_ref() == place.environment())
        };
        let seen = |place: &Place| self.decide(caller, Action::Read, place, false).allowed;
        places.into_iter().find(|place| fits(place) && seen(place)).unwrap_or(Place::Everywhere)
    }

    fn change(&self, role: &Given, add: bool) -> BindingChanged {
        self.changed.store(true, Ordering::SeqCst);
        let one = Binding {
            holder: role.holder.clone(),
            role: role.role,
            place: role.place.clone(),
            by: String::new(),
            made_at_unix_ms: 0,
        };
        let mut bindings = self.bindings.lock().unwrap();
        bindings.retain(|known| !known.is_the_same(&one));
        let binding = view(&one);
        if add {
            bindings.push(one);
        }
        BindingChanged { changed: true, binding }
    }
}

fn view(one: &Binding) -> BindingView {
    let Binding { holder, role, place, by, .. } = one.clone();
    BindingView { who: holder, role, place, by, at: String::new() }
}

impl AccessDesk for Judge {
    fn judge(&self, asked: &Asked) -> Result<Verdict, Refusal> {
        let by = (&asked.caller, &asked.ceiling);
        let place = self.place(by, &asked.subject);
        let mut action = asked.action;
        let mut decision = self.decide(by, action, &place, asked.glass);
        if decision.allowed && asked.glass {
            action = Action::BreakGlass;
            decision = self.decide(by, action, &place, true);
        }
        let numbered = matches!(
            asked.subject,
            Subject::Run(_) | Subject::Deploy(_) | Subject::Rollout(_) | Subject::Unit(_)
        );
        let hidden = numbered && !decision.allowed && !self.decide(by, Action::Read, &place, false).allowed;
        Ok(Verdict { action, place, decision, hidden })
    }
    fn readable(
        &self,
        caller: &Caller,
        ceiling: &Ceiling,
        places: BTreeSet<Place>,
    ) -> Result<BTreeSet<Place>, Refusal> {
        let by = (caller, ceiling);
        Ok(places.into_iter().filter(|at| self.decide(by, Action::Read, at, false).allowed).collect())
    }
    fn roles(&self, _: &Caller, _: &Ceiling) -> Result<AccessList, Refusal> {
        Ok(AccessList { bindings: self.bindings.lock().unwrap().iter().map(view).collect() })
    }
    fn grant(&self, _: &Caller, role: &Given) -> Result<BindingChanged, Refusal> {
        Ok(self.change(role, true))
    }
    fn revoke(&self, _: &Caller, role: &Given) -> Result<BindingChanged, Refusal> {
        Ok(self.change(role, false))
    }
    fn explain(&self, who: &Holder, action: Action, place: &Place) -> Result<AccessExplanation, Refusal> {
        let who_asks =
            who.who().ok_or_else(|| Refusal::new(RefusalKind::Invalid, "stub::group", "a group"))?;
        let caller = Caller { who: who_asks, from: Origin::Within };
        let Decision { allowed, rules, would } =
            self.decide((&caller, &Ceiling::default()), action, place, false);
        let (who, place) = (who.clone(), place.clone());
        let facts = Facts::default();
        Ok(AccessExplanation { who, action, place, roles: Vec::new(), facts, allowed, rules, would })
    }
    fn policies(&self, _: Option<u64>) -> Result<PolicySetView, Refusal> {
        let rules = self.policies.rules().collect();
        let (by, at) = (String::new(), String::new());
        Ok(PolicySetView {
            version: 0,
            by,
            at,
            files: Vec::new(),
            enabled: Vec::new(),
            rules,
            mistakes: Vec::new(),
        })
    }
    fn set_policies(
        &self,
        caller: &Caller,
        files: Vec<PolicyFile>,
        enabled: Vec<String>,
    ) -> Result<PolicySetView, Refusal> {
        self.changed.store(true, Ordering::SeqCst);
        let by = caller.who.to_string();
        Ok(PolicySetView { version: 1, by, files, enabled, ..self.policies(None)? })
    }
}

//! `tidegate access` and `tidegate policy` as text.

use tidegate_core::access::{Place, Rule};
use tidegate_core::view::{AccessExplanation, AccessList, BindingChanged, BindingView, PolicySetView};
use tidegate_policy::cases::{Expected, Outcome};

use super::table::table;

/// A line for each role.
pub fn roles(list: &AccessList) -> String {
    if list.bindings.is_empty() {
        return "no roles; `tidegate access grant WHO ROLE --app APP` gives one\n".to_owned();
    }
    let row = |one: &BindingView| {
        [one.who.to_string(), one.role.to_string(), one.place.to_string(), one.by.clone(), one.at.clone()]
    };
    table(["WHO", "ROLE", "WHERE", "BY", "SINCE"], &list.bindings.iter().map(row).collect::<Vec<_>>())
}

/// A role that was given.
pub fn granted(done: &BindingChanged) -> String {
    let BindingView { who, role, place, .. } = &done.binding;
    let has = if done.changed { "has" } else { "has already" };
    format!("{who} {has} the role {role}{}\n", at(place))
}

/// A role that was taken.
pub fn revoked(done: &BindingChanged) -> String {
    let BindingView { who, role, place, .. } = &done.binding;
    let has = if done.changed { "no longer has" } else { "has not had" };
    format!("{who} {has} the role {role}{}\n", at(place))
}

fn at(place: &Place) -> String {
    match place {
        Place::Everywhere => " everywhere".to_owned(),
        Place::App(_) | Place::Environment(..) => format!(" in {place}"),
    }
}

/// Whether, by which rule, with which roles, and what would have to be different.
pub fn access_explained(why: &AccessExplanation) -> String {
    let AccessExplanation { who, action, place, roles, allowed, rules, would, .. } = why;
    let may = if *allowed { "may" } else { "may not" };
    let mut text = format!("{who} {may} {action}{}\n", at(place));
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let roles = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
    text += &format!("  roles there: {roles}\n");
    if why.facts.protected {
        text += "  the environment is protected\n";
    }
    if rules.is_empty() {
        text += "  no rule allows it\n";
    }
    for Rule { id, reason } in rules {
        text += &format!("  rule {id}: {reason}\n");
    }
    if let Some(role) = would {
        text += &format!("  would do: tidegate access grant {who} {role}{}\n", place.options());
    }
    text
}

/// The rules in force, and the text of the users' own.
pub fn policy_set(set: &PolicySetView) -> String {
    let row = |rule: &Rule| [rule.id.clone(), rule.reason.clone()];
    let mut text = table(["RULE", "SAYS"], &set.rules.iter().map(row).collect::<Vec<_>>());
    for mistake in &set.mistakes {
        text += &format!("cannot be read: {mistake}\n");
    }
    if set.version == 0 {
        return text + "\nno policies of your own; `tidegate policy set FILE…` sets some\n";
    }
    text += &format!("\nversion {} of your own, by {} at {}\n", set.version, set.by, set.at);
    for file in &set.files {
        text += &format!("\n// {}\n{}\n", file.name, file.text.trim_end());
    }
    text
}

/// What was set.
pub fn policies_set(set: &PolicySetView) -> String {
    format!("version {} is in force: {} rules, Tidegate's own included\n", set.version, set.rules.len())
}

/// The cases that are not as expected, and how many are.
pub fn policy_outcomes(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.good) {
        let expected = match outcome.expect {
            Expected::Allow => "allowed",
            Expected::Refuse => "refused",
        };
        let found = if outcome.decision.allowed { "allowed" } else { "refused" };
        let ids = outcome.decision.ids().join(", ");
        let by = if ids.is_empty() { "no rule".to_owned() } else { ids };
        text += &format!(
            "case {}: {}: expected {expected}, is {found} by {by}\n",
            outcome.case, outcome.question
        );
    }
    let good = outcomes.iter().filter(|outcome| outcome.good).count();
    text + &format!("{good} of {} cases are as expected\n", outcomes.len())
}

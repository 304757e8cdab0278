//! What somebody is told who may not do what they ask for: the rule that forbids it, or the role that would allow it.

use tidegate_core::access::{Decision, Holder, Place, Who};

use super::Verdict;
use super::judge::{TOKEN_REACH, TOKEN_ROLE};
use crate::plane::{Refusal, RefusalKind};

/// The code of a refusal by the policies: its HTTP status is 403.
pub const FORBIDDEN: &str = "access::forbidden";

/// The code where a token is for another place: 403 as well.
pub const OUT_OF_REACH: &str = "access::out-of-reach";

/// The refusal of what was judged.
pub fn forbidden(who: &Who, verdict: &Verdict) -> Refusal {
    let Verdict { action, place, decision, hidden } = verdict;
    if *hidden {
        let message = format!("there is no such thing, or {who} may not {action} it");
        return Refusal::new(RefusalKind::Invalid, FORBIDDEN, message).help(whom_to_ask(who, place, None));
    }
    let message = format!("{who} may not {action} {}: {}", at(place), why(decision));
    let code = if decided_by(decision, TOKEN_REACH) { OUT_OF_REACH } else { FORBIDDEN };
    Refusal::new(RefusalKind::Invalid, code, message).help(help(who, place, decision))
}

fn decided_by(decision: &Decision, rule: &str) -> bool {
    decision.rules.iter().any(|one| one.id == rule)
}

fn at(place: &Place) -> String {
    match place {
        Place::Everywhere => "in the whole installation".to_owned(),
        Place::App(_) | Place::Environment(..) => format!("in {place}"),
    }
}

fn why(decision: &Decision) -> String {
    match decision.rules.as_slice() {
        [] => "no rule allows it".to_owned(),
        rules => {
            let rules: Vec<String> =
                rules.iter().map(|rule| format!("{} (rule {})", rule.reason, rule.id)).collect();
            rules.join("; ")
        }
    }
}

fn help(who: &Who, place: &Place, decision: &Decision) -> String {
    if decided_by(decision, TOKEN_REACH) {
        return "say --app and -e, or use another token; `tidegate whoami` says what yours is for".to_owned();
    }
    if decided_by(decision, TOKEN_ROLE) {
        return "use another token; `tidegate whoami` says what yours gives".to_owned();
    }
    if !decision.rules.is_empty() {
        return "no role passes that rule: `tidegate policy show` has it, and administrators can change it"
            .to_owned();
    }
    whom_to_ask(who, place, decision.would.map(|role| role.name()))
}

/// The command that an administrator would type.
fn whom_to_ask(who: &Who, place: &Place, role: Option<&str>) -> String {
    match (Holder::of(who), role) {
        (Some(holder), Some(role)) => {
            format!("ask an administrator for `tidegate access grant {holder} {role}{}`", place.options())
        }
        (Some(holder), None) => {
            format!("ask an administrator: `tidegate access list` says what {holder} may do")
        }
        (None, _) => "log in, or ask an administrator for a token".to_owned(),
    }
}

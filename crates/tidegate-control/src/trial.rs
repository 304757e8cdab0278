//! Whether the gateway will be able to serve a set of flags: tried before anything is reported as done.
//!
//! Called by releases, rollbacks and deploys, with the states as they are to be. A set that is refused as a whole would leave the
//! gateway with what it had, and every later change of the environment, a kill among them, would reach nobody.

use serde_json::Value;
use tidegate_core::model::FlagState;
use tidegate_core::release::compose;
use tidegate_flags::{FlagFileError, FlagSet, Options};

/// Why the definitions with these states cannot be served: one sentence; `None` where they can be.
pub(crate) fn trial(document: &Value, states: &[FlagState]) -> Option<String> {
    let tried = || -> Result<(), FlagFileError> {
        let set = FlagSet::parse(&compose(document, states).to_string(), &Options::default())?;
        // What clients are shown is read once more from the rules as they are written out.
        FlagSet::parse(set.source(), &Options { fractional: set.fractional() }).map(drop)
    };
    tried().err().map(|error| format!("the flags could not be served then: {error}"))
}

/// The states with one of them as it is to be.
pub(crate) fn with(mut states: Vec<FlagState>, state: &FlagState) -> Vec<FlagState> {
    states.retain(|known| known.key != state.key);
    states.push(state.clone());
    states
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_core::model::Serving;

    use super::*;

    #[test]
    fn what_another_flag_asks_for_cannot_be_archived() {
        let flag = |rule: Value| json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": rule});
        let asks = flag(json!({"if": [{"==": [{"flag": "a"}, "on"]}, "on"]}));
        let document = json!({"flags": {"a": flag(json!({})), "b": asks}});
        let state = |archived| FlagState { archived, ..FlagState::untouched("a".parse().unwrap()) };
        assert_eq!(trial(&document, &[state(false)]), None);
        let why = trial(&document, &with(vec![state(false)], &state(true))).unwrap();
        assert!(why.contains("/flags/b") && why.contains("no flag has the key"), "{why}");
        let killed = FlagState { serving: Serving::Killed(String::new()), ..state(false) };
        assert_eq!(trial(&document, &[killed]), None);
    }

    #[test]
    fn the_deepest_rule_that_git_may_have_is_served_to_a_share_and_to_clients() {
        let mut rule = json!({"var": "x"});
        // Two levels each; with the flag around it, and what is around flags, within the levels of a flag file.
        for _ in 0..29 {
            rule = json!({"!": [rule]});
        }
        let rule = json!({"if": [rule, null, null]});
        let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": rule, "metadata": {"clients": true}});
        let asks = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": {"if": [{"==": [{"flag": "a"}, "on"]}, "on"]}});
        let document = json!({"flags": {"a": flag, "b": asks}});
        tidegate_flags::document(&document.to_string()).unwrap();
        let share = tidegate_core::model::Share {
            variant: "on".to_owned(),
            otherwise: "off".to_owned(),
            of: tidegate_core::model::Millionths(250_000),
            by: None,
        };
        let share = Serving::Share(share);
        let steps = vec![
            tidegate_core::model::Scheduled { from_unix_ms: 0, serving: Serving::Killed("off".to_owned()) },
            tidegate_core::model::Scheduled { from_unix_ms: 9, serving: share.clone() },
        ];
        for serving in [share, Serving::Schedule(steps)] {
            let state = FlagState { serving, ..FlagState::untouched("a".parse().unwrap()) };
            assert_eq!(trial(&document, std::slice::from_ref(&state)), None);
            // As the gateway's file has it, and back.
            let bundle = json!({"epoch": 1, "sets": {"a/b": compose(&document, [&state])}}).to_string();
            assert!(serde_json::from_str::<Value>(&bundle).is_ok());
        }
    }
}

//! Whose variant a flag's own rule says, whatever was released: they are told it, and not counted, for nobody drew them. Pure.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_core::release::own_rule;
use tidegate_flags::{Context, FlagSet, Options, Reason};

/// The rules of a set's flags without what was released.
#[derive(Debug)]
pub(super) struct OwnRules {
    /// The flags that have one before what was released.
    keys: BTreeSet<String>,
    set: FlagSet,
}

impl OwnRules {
    /// Of a set as it is served. `None`: no flag has one, as most have none.
    pub(super) fn of(source: &Value) -> Option<Self> {
        let flags = source.get("flags")?.as_object()?;
        let rules = flags.iter().filter_map(|(key, flag)| Some((key.clone(), own_rule(flag)?.clone())));
        let rules: Vec<(String, Value)> = rules.collect();
        if rules.is_empty() {
            return None;
        }
        let mut without = source.clone();
        for (key, rule) in &rules {
            without["flags"][key]["targeting"] = rule.clone();
        }
        // The set with them was understood, so this one is.
        let set = FlagSet::parse(&without.to_string(), &Options::default()).ok()?;
        Some(OwnRules { keys: rules.into_iter().map(|(key, _)| key).collect(), set })
    }

    /// Whether the flag's rule says a variant for them, or nobody knows.
    pub(super) fn decide(&self, key: &str, context: &Context, now_unix_s: i64) -> bool {
        let drawn =
            || self.set.resolve(key, context, now_unix_s).is_ok_and(|it| it.reason == Reason::Default);
        self.keys.contains(key) && !drawn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tidegate_core::model::{FlagState, Millionths, Serving, Share};
    use tidegate_core::release::compose;
    use tidegate_flags::Map;

    fn context(user: &str) -> Context {
        Context::new(Map::from_iter([("targetingKey".to_owned(), user.into())])).unwrap()
    }

    #[test]
    fn whom_a_rule_says_something_of_is_told_from_who_is_drawn() {
        let variants = json!({"on": true, "off": false});
        let rule = json!({"if": [{"starts_with": [{"var": "targetingKey"}, "staff-"]}, "on"]});
        let half = json!({"if": [{"===": [{"fractional": [["a", 50], ["b", 50]]}, "a"]}, "off"]});
        let flag = |targeting: Value| json!({"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": targeting});
        let document =
            json!({"flags": {"new-cart": flag(rule), "half": flag(half.clone()), "free": flag(json!({}))}});
        let share = |key: &str| {
            let share =
                Share { variant: "on".into(), otherwise: "off".into(), of: Millionths(500_000), by: None };
            FlagState { serving: Serving::Share(share), ..FlagState::untouched(key.parse().unwrap()) }
        };
        let states = ["new-cart", "half", "free"].map(share);
        let own = OwnRules::of(&compose(&document, &states)).unwrap();
        for n in 0..100 {
            assert!(own.decide("new-cart", &context(&format!("staff-{n}")), 0));
            assert!(!own.decide("new-cart", &context(&format!("u{n}")), 0));
            assert!(!own.decide("free", &context(&format!("u{n}")), 0));
        }
        // A rule that draws for itself draws as ever.
        let alone = json!({"flags": {"half": flag(half)}});
        let alone = FlagSet::parse(&alone.to_string(), &Options::default()).unwrap();
        let own_draw =
            |user: &str| alone.resolve("half", &context(user), 0).unwrap().reason != Reason::Default;
        let users: Vec<String> = (0..100).map(|n| format!("u{n}")).collect();
        assert!(users.iter().all(|user| own.decide("half", &context(user), 0) == own_draw(user)));
        assert!((20..80).contains(&users.iter().filter(|user| own_draw(user)).count()));
        assert!(OwnRules::of(&document).is_none(), "nothing is released");
    }
}

//! What clients that run with users may see of a set: the flags that say so, and of their metadata what is not ours.

use serde_json::Value;
use tidegate_flags::{FlagFileError, FlagSet, Options};

/// What Tidegate says of flags in their metadata: it is for those who work on them.
const OURS: [&str; 8] = ["class", "clients", "description", "expires", "metric", "owner", "safe", "source"];

/// The flags with `clients: true` in their own metadata, which is not that of the set.
pub(crate) fn view(set: &FlagSet) -> Result<FlagSet, FlagFileError> {
    // What is served is flagd's language alone, so that flags do not need each other any more.
    let mut file: Value = serde_json::from_str(set.source()).unwrap_or_default();
    if let Some(flags) = file.get_mut("flags").and_then(Value::as_object_mut) {
        flags.retain(|_, flag| flag["metadata"]["clients"] == Value::Bool(true));
        for (_, flag) in flags.iter_mut() {
            strip(flag);
        }
    }
    strip(&mut file);
    FlagSet::parse(&file.to_string(), &Options { fractional: set.fractional() })
}

fn strip(of: &mut Value) {
    if let Some(metadata) = of.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name: &String, _| !OURS.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_flags::{Context, Map};

    use super::*;

    fn parsed(file: &Value) -> FlagSet {
        FlagSet::parse(&file.to_string(), &Options::default()).unwrap()
    }

    fn flag(metadata: Value) -> Value {
        json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on", "metadata": metadata })
    }

    #[test]
    fn only_flags_for_clients_without_what_is_ours() {
        let mine = json!({ "clients": true, "owner": "ann", "description": "secret plan", "team": "shop", "class": "rollout" });
        let file = json!({
            "metadata": { "clients": true, "owner": "bob", "fractional": "v3", "place": "here" },
            "flags": { "mine": flag(mine), "theirs": flag(json!({})), "text": flag(json!({ "clients": "true" })) },
        });
        let seen = view(&parsed(&file)).unwrap();
        assert_eq!(seen.keys().collect::<Vec<_>>(), ["mine"]);
        assert!(
            !seen.source().contains("ann") && !seen.source().contains("secret plan"),
            "{}",
            seen.source()
        );
        let metadata = Value::Object(seen.resolve("mine", &Context::empty(), 0).unwrap().metadata.clone());
        assert_eq!(metadata, json!({ "fractional": "v3", "place": "here", "team": "shop" }));
    }

    #[test]
    fn a_flag_that_leans_on_one_that_is_not_seen_is_worth_the_same() {
        let rule = json!({ "if": [{ "$ref": "staff" }, "on", "off"] });
        let shown = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
            "targeting": rule, "metadata": { "clients": true } });
        let file = json!({ "$evaluators": { "staff": { "ends_with": [{ "var": "email" }, "@shop.example"] } },
            "flags": { "shown": shown, "hidden": flag(json!({})) } });
        let (all, seen) = (parsed(&file), view(&parsed(&file)).unwrap());
        for email in ["ann@shop.example", "bob@elsewhere.example"] {
            let context = Context::new(Map::from_iter([("email".to_owned(), json!(email))])).unwrap();
            let worth = |set: &FlagSet| set.resolve("shown", &context, 0).unwrap().variant.map(str::to_owned);
            assert_eq!(worth(&seen), worth(&all), "{email}");
        }
    }
}

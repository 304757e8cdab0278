//! What a deploy's definitions would take from flags that are released.

use serde_json::Value;

use crate::model::{FlagKey, FlagState, Serving};

/// A variant that is served, or about to be, and no longer defined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the flag `{flag}` serves its variant `{variant}`, which is not defined any more")]
pub struct LostVariant {
    /// Of this flag.
    pub flag: FlagKey,
    /// The variant.
    pub variant: String,
}

/// The variants that definitions lack and the states of flags name. A flag that is not defined at all loses nothing: it is
/// not served.
pub fn lost_variants(document: &Value, states: &[FlagState]) -> Vec<LostVariant> {
    let mut lost = Vec::new();
    for state in states.iter().filter(|state| !state.archived || state.waiting.is_some()) {
        let Some(flag) = document.get("flags").and_then(|flags| flags.get(state.key.as_str())) else {
            continue;
        };
        let mut named = Vec::new();
        // Of what is archived nothing is served, but what waits may be.
        if !state.archived {
            name_variants(&state.serving, &mut named);
        }
        state.waiting.iter().for_each(|waiting| name_variants(&waiting.serving, &mut named));
        named.sort_unstable();
        named.dedup();
        // Nothing at all is what a kill serves where nothing is known to be safe.
        named.retain(|variant| !variant.is_empty() && flag["variants"].get(variant).is_none());
        let of = |variant: &str| LostVariant { flag: state.key.clone(), variant: variant.to_owned() };
        lost.extend(named.into_iter().map(of));
    }
    lost
}

fn name_variants<'s>(serving: &'s Serving, named: &mut Vec<&'s str>) {
    match serving {
        Serving::Defined => {}
        Serving::Variant(variant) | Serving::Off(variant) | Serving::Killed(variant) => named.push(variant),
        Serving::Share(share) => named.extend([share.variant.as_str(), share.otherwise.as_str()]),
        Serving::Schedule(steps) => steps.iter().for_each(|step| name_variants(&step.serving, named)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Millionths, Scheduled, Share, Waiting};

    fn state(serving: Serving) -> FlagState {
        FlagState { serving, ..FlagState::untouched("a".parse().unwrap()) }
    }

    fn lost(state: FlagState) -> Vec<String> {
        let document = json!({"flags": {"a": {"variants": {"on": true, "off": false}}}});
        lost_variants(&document, &[state]).into_iter().map(|lost| lost.variant).collect()
    }

    #[test]
    fn a_variant_that_is_served_cannot_go() {
        let share = |variant: &str, otherwise: &str| {
            let (variant, otherwise) = (variant.to_owned(), otherwise.to_owned());
            Serving::Share(Share { variant, otherwise, of: Millionths(1), by: None })
        };
        let later = |serving| Serving::Schedule(vec![Scheduled { from_unix_ms: 1, serving }]);
        for (serving, expected) in [
            (Serving::Defined, vec![]),
            (Serving::Variant("on".into()), vec![]),
            (Serving::Variant("blue".into()), vec!["blue"]),
            (Serving::Killed("grey".into()), vec!["grey"]),
            (Serving::Off("grey".into()), vec!["grey"]),
            (Serving::Killed(String::new()), vec![]),
            (share("blue", "red"), vec!["blue", "red"]),
            (share("blue", "blue"), vec!["blue"]),
            (later(share("on", "red")), vec!["red"]),
        ] {
            assert_eq!(lost(state(serving.clone())), expected, "{serving:?}");
        }
        assert_eq!(lost(FlagState { archived: true, ..state(Serving::Variant("blue".into())) }), [""; 0]);
        let serving = Serving::Variant("red".into());
        let waiting = Waiting { serving, guard: None, by: String::new(), why: None, at_unix_ms: 1 };
        let waits =
            FlagState { archived: true, waiting: Some(waiting), ..state(Serving::Variant("x".into())) };
        assert_eq!(lost(waits), ["red"], "what waits is served once it is ready");
        let gone =
            FlagState { serving: Serving::Variant("x".into()), ..FlagState::untouched("b".parse().unwrap()) };
        assert_eq!(lost(gone), [""; 0]);
    }
}

//! Debt: flags that are left over, and code that asks for what is not there.
//!
//! Called by the control plane for `tidegate flag debt` and at deploys. Nothing here removes anything: it says which branch of
//! the code, or which definition, can go.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{FlagKey, FlagState, Release, ReleaseCause, RevisionNo, Serving};
use crate::release::{Definition, FlagClass};

/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// What is known of one flag.
#[derive(Clone, Debug)]
pub struct Known<'k> {
    /// As Git defines it; `None`: it does not, any more.
    pub definition: Option<&'k Definition>,
    /// What is served.
    pub state: &'k FlagState,
    /// Since when what is served of it is what it is now: milliseconds since the Unix epoch. See [`served_since`].
    pub served_since_unix_ms: Option<u64>,
    /// Since when it is defined: milliseconds since the Unix epoch; `None`: that is not known.
    pub since_unix_ms: Option<u64>,
    /// The serving revisions that mention it.
    pub mentioned: &'k BTreeSet<RevisionNo>,
}

/// What is wrong with a flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Debt {
    /// The flag.
    pub key: FlagKey,
    /// What kind of debt.
    pub kind: DebtKind,
    /// In words, with what to do.
    pub says: String,
}

/// The kinds of debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DebtKind {
    /// The code asks for it and nobody defines it.
    Undefined,
    /// Its day is over.
    Expired,
    /// Everybody has got the same for long: a branch of the code can go.
    OneSided,
    /// No code asks for it.
    Unreferenced,
    /// It was never released.
    NeverReleased,
}

impl DebtKind {
    /// As output spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            DebtKind::Undefined => "undefined",
            DebtKind::Expired => "expired",
            DebtKind::OneSided => "one-sided",
            DebtKind::Unreferenced => "unreferenced",
            DebtKind::NeverReleased => "never released",
        }
    }
}

/// The debt of a flag now. `today` is a day as `2026-12-31`, `days` how long the same for everybody is long.
pub fn debt(known: &Known<'_>, today: &str, days: u64, now_unix_ms: u64) -> Vec<Debt> {
    if known.state.archived {
        return Vec::new();
    }
    let found = match known.definition {
        None => vec![undefined(known)],
        Some(definition) => vec![
            expired(definition, today),
            one_sided(known, definition, days, now_unix_ms),
            unreferenced(known, definition),
            never_released(known, definition, days, now_unix_ms),
        ],
    };
    let key = || known.state.key.clone();
    found.into_iter().flatten().map(|(kind, says)| Debt { key: key(), kind, says }).collect()
}

fn undefined(known: &Known<'_>) -> Option<(DebtKind, String)> {
    let by = listed(known.mentioned)?;
    Some((DebtKind::Undefined, format!("{by} asks for it and nobody defines it: it gets its own default")))
}

fn expired(definition: &Definition, today: &str) -> Option<(DebtKind, String)> {
    let day = definition.text("expires").filter(|day| *day < today)?;
    let says = format!("it should have been gone by {day}: remove its code, then its definition");
    Some((DebtKind::Expired, says))
}

/// Since when what is served of a flag now is served, by its releases, the newest first. A release that waits, or was taken back
/// while it did, changed nothing of it, nor did a schedule before its first moment. `None`: it was never changed.
pub fn served_since(state: &FlagState, history: &[Release], now_unix_ms: u64) -> Option<u64> {
    let begun = match &state.serving {
        Serving::Schedule(steps) => {
            steps.iter().map(|step| step.from_unix_ms).rfind(|from| *from <= now_unix_ms)
        }
        Serving::Defined | Serving::Variant(_) | Serving::Share(_) | Serving::Off(_) | Serving::Killed(_) => {
            None
        }
    };
    let changed = |release: &&Release| {
        let at = release.at_unix_ms;
        release.cause == ReleaseCause::Scheduled || release.before.at(at) != release.after.at(at)
    };
    begun.filter(|from| *from > 0).or_else(|| history.iter().find(changed).map(|release| release.at_unix_ms))
}

/// A switch for operators and a right of customers are meant to stay as they are; a rule of its own makes a flag two-sided, but
/// where it is skipped.
fn one_sided(
    known: &Known<'_>,
    definition: &Definition,
    days: u64,
    now_unix_ms: u64,
) -> Option<(DebtKind, String)> {
    if is_to_stay(definition) || known.state.version == 0 {
        return None;
    }
    let variant = everybody_gets(definition, known.state.serving.at(now_unix_ms))?;
    let age = age_days(known.served_since_unix_ms?, now_unix_ms).filter(|age| *age >= days)?;
    let others: Vec<&str> =
        definition.variants.keys().map(String::as_str).filter(|name| *name != variant).collect();
    let says = format!(
        "everybody has got `{variant}` for {age} days: keep that branch of the code, delete the one for {}",
        others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    );
    Some((DebtKind::OneSided, says))
}

/// The only variant that anybody gets.
fn everybody_gets<'k>(definition: &'k Definition, served: &'k Serving) -> Option<&'k str> {
    match served {
        Serving::Off(variant) | Serving::Killed(variant) => {
            Some(variant.as_str()).filter(|name| !name.is_empty())
        }
        Serving::Variant(variant) if !definition.ruled => Some(variant),
        Serving::Defined if !definition.ruled => definition.default.as_deref(),
        Serving::Defined | Serving::Variant(_) | Serving::Share(_) | Serving::Schedule(_) => None,
    }
}

fn unreferenced(known: &Known<'_>, definition: &Definition) -> Option<(DebtKind, String)> {
    if definition.is_elsewhere() || !known.mentioned.is_empty() {
        return None;
    }
    let says =
        "no code that serves asks for it: safe to remove from Git, then `tidegate flag archive`".to_owned();
    Some((DebtKind::Unreferenced, says))
}

fn never_released(
    known: &Known<'_>,
    definition: &Definition,
    days: u64,
    now_unix_ms: u64,
) -> Option<(DebtKind, String)> {
    if is_to_stay(definition) || definition.ruled || known.state.version > 0 {
        return None;
    }
    let age = age_days(known.since_unix_ms?, now_unix_ms).filter(|age| *age >= days)?;
    let says = format!("it has been defined for {age} days and was never released");
    Some((DebtKind::NeverReleased, says))
}

fn is_to_stay(definition: &Definition) -> bool {
    matches!(definition.class(), Some(FlagClass::Operational | FlagClass::Entitlement))
}

fn age_days(since_unix_ms: u64, now_unix_ms: u64) -> Option<u64> {
    Some(now_unix_ms.checked_sub(since_unix_ms)? / DAY_MS)
}

fn listed(revisions: &BTreeSet<RevisionNo>) -> Option<String> {
    let names: Vec<String> = revisions.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Millionths, Scheduled, Share};

    const NOW: u64 = 100 * DAY_MS;

    fn defined(more: Value, rule: Value) -> Definition {
        let flag = json!({"variants": {"on": true, "off": false}, "defaultVariant": "off", "metadata": more, "targeting": rule});
        let document = json!({"flags": {"a": flag}});
        Definition::find(&document, &"a".parse().unwrap()).unwrap()
    }

    fn released(serving: Serving, day: u64) -> (FlagState, Release) {
        let key: FlagKey = "a".parse().unwrap();
        let state = FlagState { version: 1, serving: serving.clone(), ..FlagState::untouched(key.clone()) };
        let release = Release {
            flag: key,
            version: 1,
            by: "ann".to_owned(),
            why: None,
            cause: ReleaseCause::Asked,
            before: Serving::Defined,
            after: serving,
            at_unix_ms: day * DAY_MS,
        };
        (state, release)
    }

    fn kinds(
        definition: Option<&Definition>,
        state: &FlagState,
        last: Option<u64>,
        by: &[u32],
    ) -> Vec<DebtKind> {
        let mentioned = by.iter().map(|number| RevisionNo(*number)).collect();
        let known = Known {
            definition,
            state,
            served_since_unix_ms: last,
            since_unix_ms: Some(10 * DAY_MS),
            mentioned: &mentioned,
        };
        debt(&known, "2026-06-01", 30, NOW).into_iter().map(|debt| debt.kind).collect()
    }

    #[test]
    fn each_kind_of_debt_is_seen_and_nothing_else() {
        use DebtKind::*;
        let rollout = defined(json!({"class": "rollout", "expires": "2026-06-01"}), Value::Null);
        let late = defined(json!({"class": "rollout", "expires": "2026-05-31"}), Value::Null);
        let ruled = defined(json!({"class": "rollout"}), json!({"if": [true, "on"]}));
        let switch = defined(json!({"class": "operational"}), Value::Null);
        let elsewhere = defined(json!({"class": "rollout", "source": "elsewhere"}), Value::Null);
        let untouched = FlagState::untouched("a".parse().unwrap());
        let (on, _) = released(Serving::Variant("on".into()), 70);
        let (off, _) = released(Serving::Off("off".into()), 70);
        let (killed, _) = released(Serving::Killed("off".into()), 70);
        let (back, _) = released(Serving::Defined, 70);
        let (share, _) = released(half(), 70);
        let begun =
            Serving::Schedule(vec![Scheduled { from_unix_ms: 1, serving: Serving::Variant("on".into()) }]);
        let (scheduled, _) = released(begun, 70);
        let (long_ago, lately) = (Some(70 * DAY_MS), Some(71 * DAY_MS));
        for (definition, state, last, by, expected) in [
            (Some(&rollout), &on, lately, &[1][..], vec![]),
            (Some(&rollout), &on, long_ago, &[1], vec![OneSided]),
            (Some(&rollout), &on, long_ago, &[], vec![OneSided, Unreferenced]),
            (Some(&rollout), &back, long_ago, &[1], vec![OneSided]),
            (Some(&rollout), &killed, long_ago, &[1], vec![OneSided]),
            (Some(&rollout), &scheduled, long_ago, &[1], vec![OneSided]),
            (Some(&rollout), &share, long_ago, &[1], vec![]),
            (Some(&late), &on, lately, &[1], vec![Expired]),
            (Some(&ruled), &on, long_ago, &[1], vec![]),
            (Some(&ruled), &off, long_ago, &[1], vec![OneSided]),
            (Some(&ruled), &untouched, None, &[1], vec![]),
            (Some(&switch), &on, long_ago, &[1], vec![]),
            (Some(&switch), &untouched, None, &[1], vec![]),
            (Some(&elsewhere), &on, lately, &[], vec![]),
            (Some(&rollout), &untouched, None, &[1], vec![NeverReleased]),
            (None, &untouched, None, &[1], vec![Undefined]),
            (None, &on, long_ago, &[], vec![]),
        ] {
            assert_eq!(kinds(definition, state, last, by), expected, "{definition:?} {state:?} {by:?}");
        }
        let archived = FlagState { archived: true, ..on.clone() };
        assert_eq!(kinds(Some(&late), &archived, long_ago, &[]), []);
    }

    fn half() -> Serving {
        let (variant, otherwise) = ("on".to_owned(), "off".to_owned());
        Serving::Share(Share { variant, otherwise, of: Millionths(500_000), by: None })
    }

    #[test]
    fn only_what_changes_what_is_served_begins_its_time_anew() {
        let on = || Serving::Variant("on".into());
        let later = |from_unix_ms, serving| Scheduled { from_unix_ms, serving };
        let told = |cause, before: Serving, after: Serving, day| {
            let (_, release) = released(after, day);
            Release { cause, before, ..release }
        };
        let state = |serving| FlagState { serving, ..FlagState::untouched("a".parse().unwrap()) };
        let asked = told(ReleaseCause::Asked, Serving::Defined, on(), 20);
        let waited = told(ReleaseCause::Waits, on(), on(), 40);
        let withdrawn = told(ReleaseCause::Withdrawn, on(), on(), 50);
        let history = [withdrawn, waited, asked];
        assert_eq!(served_since(&state(on()), &history, NOW), Some(20 * DAY_MS));
        assert_eq!(served_since(&state(on()), &[], NOW), None);
        let ahead = Serving::Schedule(vec![later(0, on()), later(NOW + 1, half())]);
        let planned = told(ReleaseCause::Asked, on(), ahead.clone(), 60);
        let history = [planned, history[2].clone()];
        assert_eq!(served_since(&state(ahead.clone()), &history, NOW), Some(20 * DAY_MS));
        assert_eq!(served_since(&state(ahead), &history, NOW + 1), Some(NOW + 1));
        let begun = told(ReleaseCause::Scheduled, Serving::Schedule(vec![later(1, half())]), half(), 70);
        assert_eq!(served_since(&state(half()), &[begun], NOW), Some(70 * DAY_MS));
    }

    #[test]
    fn what_is_said_names_the_branch_to_delete() {
        let rollout = defined(json!({"class": "rollout"}), Value::Null);
        let (state, last) = released(Serving::Variant("on".into()), 50);
        let mentioned = BTreeSet::from([RevisionNo(3)]);
        let known = Known {
            definition: Some(&rollout),
            state: &state,
            served_since_unix_ms: served_since(&state, &[last], NOW),
            since_unix_ms: None,
            mentioned: &mentioned,
        };
        let says = debt(&known, "2026-01-01", 30, NOW).remove(0).says;
        let expected =
            "everybody has got `on` for 50 days: keep that branch of the code, delete the one for `off`";
        assert_eq!(says, expected);
    }
}

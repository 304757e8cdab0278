//! What an order means for a flag as it is now: which variant to whom.

use super::refused::Refused;
use super::{Definition, Order, Timed};
use crate::model::{Millionths, Scheduled, Serving, Share};

/// Everybody, in millionths.
pub(super) const ALL: u32 = 1_000_000;
/// The most moments of a schedule.
const MOST_MOMENTS: usize = 50;
/// The furthest a schedule looks ahead, in milliseconds: ten years.
const FURTHEST_MS: u64 = 3_653 * 86_400_000;
/// The longest name of an attribute, in bytes.
const LONGEST_ATTRIBUTE: usize = 100;
/// What users are told apart by where nothing else is said.
const TARGETING_KEY: &str = "targetingKey";

/// What is to be served after an order that does not look at the past. `served`: now.
pub(super) fn meaning(
    definition: &Definition,
    served: &Serving,
    order: &Order,
    now_unix_ms: u64,
) -> Result<Serving, Refused> {
    match order {
        Order::On => Ok(Serving::Variant(the_one(definition, definition.on(), "on")?)),
        Order::Off => the_one(definition, definition.off(), "off").map(|off| turned_off(&off)),
        Order::Variant(variant) => known(definition, variant).map(Serving::Variant),
        Order::Share { of, variant, by } => {
            share(definition, served.at(now_unix_ms), (*of, variant.as_deref(), by.as_deref()))
        }
        Order::Schedule(steps) => schedule(definition, served.at(now_unix_ms), steps, now_unix_ms),
        // Where nothing is known to be safe, nothing is served: everybody gets the default in the code.
        Order::Kill => Ok(Serving::Killed(definition.safe().unwrap_or_default().to_owned())),
        Order::Reset => Ok(Serving::Defined),
        Order::Rollback | Order::Undo | Order::Archive => Ok(served.clone()),
    }
}

/// What is served of a flag that is turned off, by a person or by its guard: the flag's own rules are skipped, so that nobody
/// keeps a feature that was turned off because it fails.
pub fn turned_off(variant: &str) -> Serving {
    Serving::Off(variant.to_owned())
}

/// Every variant that a serving names is there.
pub(super) fn still_there(definition: &Definition, serving: &Serving) -> Result<(), Refused> {
    variants(serving)
        .into_iter()
        .filter(|variant| !variant.is_empty())
        .try_for_each(|variant| known(definition, variant).map(drop))
}

/// Whether it serves anything that the code has to know.
pub(super) fn needs_code(definition: &Definition, serving: &Serving) -> bool {
    !serving.skips_rules() && variants(serving).into_iter().any(|variant| Some(variant) != definition.safe())
}

/// The variants that a serving names.
pub(super) fn variants(serving: &Serving) -> Vec<&str> {
    match serving {
        Serving::Defined => Vec::new(),
        Serving::Variant(variant) | Serving::Off(variant) | Serving::Killed(variant) => vec![variant],
        Serving::Share(share) => vec![&share.variant, &share.otherwise],
        Serving::Schedule(steps) => steps.iter().flat_map(|step| variants(&step.serving)).collect(),
    }
}

fn known(definition: &Definition, variant: &str) -> Result<String, Refused> {
    if definition.variants.contains_key(variant) {
        return Ok(variant.to_owned());
    }
    let (key, known) = (definition.key.clone(), names(definition));
    Err(Refused::NoVariant { key, variant: variant.to_owned(), known })
}

fn the_one(definition: &Definition, variant: Option<&str>, word: &'static str) -> Result<String, Refused> {
    let unclear = || Refused::WhichVariant { key: definition.key.clone(), word, known: names(definition) };
    variant.map(str::to_owned).ok_or_else(unclear)
}

fn names(definition: &Definition) -> Vec<String> {
    definition.variants.keys().cloned().collect()
}

type ShareAsked<'a> = (Millionths, Option<&'a str>, Option<&'a str>);

fn share(
    definition: &Definition,
    served: &Serving,
    (of, variant, by): ShareAsked<'_>,
) -> Result<Serving, Refused> {
    if of.0 > ALL {
        return Err(Refused::Invalid("a share is from 0% to 100%".to_owned()));
    }
    let variant = match variant {
        Some(variant) => known(definition, variant)?,
        None => the_one(definition, definition.on(), "a share")?,
    };
    let by = drawn_by(definition, served, by)?;
    let otherwise = the_one(definition, others(definition, served, &variant), "the others")?;
    Ok(match of.0 {
        0 => Serving::Variant(otherwise),
        ALL => Serving::Variant(variant),
        _ => Serving::Share(Share { variant, otherwise, of, by }),
    })
}

/// What those get who are not in the share: what everybody gets now, if that is something else.
fn others<'a>(definition: &'a Definition, served: &'a Serving, variant: &str) -> Option<&'a str> {
    let now = match served {
        Serving::Defined | Serving::Schedule(_) => definition.default.as_deref(),
        Serving::Variant(now) | Serving::Off(now) | Serving::Killed(now) => Some(now.as_str()),
        Serving::Share(share) if share.variant == variant => Some(share.otherwise.as_str()),
        Serving::Share(share) => Some(share.variant.as_str()),
    };
    let other = |name: &&str| *name != variant && definition.variants.contains_key(*name);
    now.filter(other).or_else(|| definition.off().filter(other)).or_else(|| definition.safe().filter(other))
}

/// The attribute that draws: while there is a share it stays, or somebody would lose what they have.
fn drawn_by(
    definition: &Definition,
    served: &Serving,
    asked: Option<&str>,
) -> Result<Option<String>, Refused> {
    let asked = asked.map(attribute).transpose()?;
    let Serving::Share(share) = served else { return Ok(asked.flatten()) };
    let shown = |by: Option<&str>| by.unwrap_or(TARGETING_KEY).to_owned();
    match asked {
        Some(asked) if asked != share.by => Err(Refused::OtherUsers {
            key: definition.key.clone(),
            now: shown(share.by.as_deref()),
            asked: shown(asked.as_deref()),
        }),
        _ => Ok(share.by.clone()),
    }
}

/// The name of an attribute of the context; `None` for the one that is meant anyway.
fn attribute(name: &str) -> Result<Option<String>, Refused> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let good = !name.is_empty() && name.len() <= LONGEST_ATTRIBUTE && name.bytes().all(allowed);
    if !good {
        let message = format!(
            "what users are told apart by has 1 to {LONGEST_ATTRIBUTE} of A-Z, a-z, 0-9, `.`, `_` and `-`"
        );
        return Err(Refused::Invalid(message));
    }
    Ok((name != TARGETING_KEY).then(|| name.to_owned()))
}

fn schedule(
    definition: &Definition,
    served: &Serving,
    steps: &[Timed],
    now_unix_ms: u64,
) -> Result<Serving, Refused> {
    let wrong = |why| Err(Refused::Schedule { key: definition.key.clone(), why });
    let in_order = steps.windows(2).all(|two| two[0].from_unix_ms < two[1].from_unix_ms);
    match steps.last() {
        None => return wrong("has no moment"),
        Some(_) if steps.len() > MOST_MOMENTS => return wrong("has more than 50 moments"),
        Some(_) if !in_order => return wrong("is not in order, the earliest moment first"),
        Some(last) if last.from_unix_ms <= now_unix_ms => {
            return wrong("is over: all of its moments are past");
        }
        Some(last) if last.from_unix_ms - now_unix_ms > FURTHEST_MS => {
            return wrong("looks more than ten years ahead");
        }
        Some(_) => {}
    }
    let mut scheduled: Vec<Scheduled> = Vec::with_capacity(steps.len() + 1);
    if *served != Serving::Defined {
        // A schedule changes nothing before its first moment; a kill least of all.
        scheduled.push(Scheduled { from_unix_ms: 0, serving: served.clone() });
    }
    for step in steps {
        if !matches!(step.order, Order::On | Order::Off | Order::Variant(_) | Order::Share { .. }) {
            return wrong("has something else than variants and shares");
        }
        let before = scheduled.last().map_or(served, |last| &last.serving);
        let serving = meaning(definition, before, &step.order, now_unix_ms)?;
        scheduled.push(Scheduled { from_unix_ms: step.from_unix_ms, serving });
    }
    Ok(Serving::Schedule(scheduled))
}

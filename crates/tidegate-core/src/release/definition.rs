//! What Git says of one flag, as far as releases ask for it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::FlagKey;

/// What a flag is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagClass {
    /// New code on its way to everybody.
    Rollout,
    /// A comparison of variants.
    Experiment,
    /// What somebody has a right to: a release of it says why.
    Entitlement,
    /// A switch of those who operate.
    Operational,
}

/// One flag of a flag file in flagd's format.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its key.
    pub key: FlagKey,
    /// Whether its state is `DISABLED`: whoever asks gets their own default.
    pub disabled: bool,
    /// Its variants with their values.
    pub variants: Map<String, Value>,
    /// The variant of whoever no rule is about.
    pub default: Option<String>,
    /// Whether it has rules.
    pub ruled: bool,
    /// Everything else that is said of it.
    pub metadata: Map<String, Value>,
}

impl FlagClass {
    /// As metadata spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            FlagClass::Rollout => "rollout",
            FlagClass::Experiment => "experiment",
            FlagClass::Entitlement => "entitlement",
            FlagClass::Operational => "operational",
        }
    }
}

impl FromStr for FlagClass {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [FlagClass::Rollout, FlagClass::Experiment, FlagClass::Entitlement, FlagClass::Operational];
        all.into_iter().find(|class| class.as_str() == text).ok_or(())
    }
}

impl fmt::Display for FlagClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Definition {
    /// One flag of a file; `None` where the file has no such flag.
    pub fn find(document: &Value, key: &FlagKey) -> Option<Self> {
        let flag = document.get("flags")?.get(key.as_str())?;
        Some(Self::of(key.clone(), flag, document.get("metadata")))
    }

    /// Every flag of a file, by key. What is no key of a flag is left out: whoever read the file has refused it.
    pub fn all(document: &Value) -> Vec<Self> {
        let flags = document.get("flags").and_then(Value::as_object).into_iter().flatten();
        let keyed = flags.filter_map(|(key, flag)| Some((key.parse().ok()?, flag)));
        keyed.map(|(key, flag)| Self::of(key, flag, document.get("metadata"))).collect()
    }

    /// A flag that no file has any more.
    pub fn gone(key: FlagKey) -> Self {
        Self::of(key, &Value::Null, None)
    }

    fn of(key: FlagKey, flag: &Value, of_set: Option<&Value>) -> Self {
        let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
        let mut metadata = members(of_set);
        metadata.extend(members(flag.get("metadata")));
        Definition {
            key,
            disabled: flag.get("state").and_then(Value::as_str) == Some("DISABLED"),
            variants: members(flag.get("variants")),
            default: flag.get("defaultVariant").and_then(Value::as_str).map(str::to_owned),
            ruled: rule(flag).is_some(),
            metadata,
        }
    }

    /// A text of the metadata.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).and_then(Value::as_str)
    }

    /// Its class, where it has one.
    pub fn class(&self) -> Option<FlagClass> {
        self.text("class").and_then(|class| class.parse().ok())
    }

    /// Whether keys of clients see it.
    pub fn for_clients(&self) -> bool {
        self.metadata.get("clients") == Some(&Value::Bool(true))
    }

    /// Whether its code is in another repository.
    pub fn is_elsewhere(&self) -> bool {
        self.text("source") == Some("elsewhere")
    }

    /// The variant that is on: the one of that name, or the only one with the value true.
    pub fn on(&self) -> Option<&str> {
        self.named_or_valued("on", true)
    }

    /// The variant that is off: the one of that name, or the only one with the value false, or else the safe one.
    pub fn off(&self) -> Option<&str> {
        self.named_or_valued("off", false).or_else(|| self.safe())
    }

    /// The variant to go to when the flag is killed or its code is gone: as said, else the default one, else the one with the
    /// value false.
    pub fn safe(&self) -> Option<&str> {
        let said = self.text("safe").or(self.default.as_deref());
        let known = said.and_then(|name| self.variants.get_key_value(name)).map(|(name, _)| name.as_str());
        known.or_else(|| self.only_valued(false))
    }

    fn named_or_valued(&self, name: &str, value: bool) -> Option<&str> {
        let named = self.variants.get_key_value(name).map(|(name, _)| name.as_str());
        named.or_else(|| self.only_valued(value))
    }

    fn only_valued(&self, value: bool) -> Option<&str> {
        let mut with = self.variants.iter().filter(|(_, of)| **of == Value::Bool(value));
        let only = with.next().map(|(name, _)| name.as_str());
        only.filter(|_| with.next().is_none())
    }
}

/// The rule of a flag as it is written down; `None` where it is the same for everybody.
pub(super) fn rule(flag: &Value) -> Option<&Value> {
    let rule = flag.get("targeting")?;
    let empty = rule.is_null() || rule.as_object().is_some_and(Map::is_empty);
    (!empty).then_some(rule)
}

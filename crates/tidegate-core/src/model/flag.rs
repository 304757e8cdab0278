//! Flags as the rest of Tidegate knows them: their key, what the run time says of them, and how the gateway watches one.
//!
//! What a flag *is* (variants, rules, class) comes from Git and is text of flagd's format; `tidegate-flags` reads it. What is
//! *served* of it now is here: a [`FlagState`], changed by releases alone.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Millionths, RevisionNo};
use crate::time::{Millis, Moment};

/// The key of a flag: 1 to 200 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. OpenFeature's clients put it into paths as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9._-]{1,200}$", "maxLength" = 200))]
pub struct FlagKey(String);

/// What is served of a flag, where the flag's own rules say nothing of who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FlagServing")]
pub enum Serving {
    /// What the definition says: nobody has released it, or what was released was taken back.
    #[default]
    Defined,
    /// One variant to everybody.
    Variant(String),
    /// A variant to a share of the users, another one to the others.
    Share(Share),
    /// One after the other, each from its moment on; before the first what `Defined` means. What was served when it was asked
    /// for is the first of it, from 0 on: it stays until the schedule begins, also where a clock jumps back.
    Schedule(Vec<Scheduled>),
    /// The variant that is off to everybody, whatever the rules say: somebody turned it off, or its guard did.
    Off(String),
    /// The safe variant to everybody, whatever the rules say: the flag is off at once, in whatever situation.
    Killed(String),
}

/// A share of the users. Whoever is in it stays in it when it grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FlagShare")]
pub struct Share {
    /// What they get.
    pub variant: String,
    /// What the others get.
    pub otherwise: String,
    /// How many.
    pub of: Millionths,
    /// The attribute of the context that users are told apart by; `None`: `targetingKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What is served from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FlagScheduled")]
pub struct Scheduled {
    /// Milliseconds since the Unix epoch.
    pub from_unix_ms: u64,
    /// Anything but another schedule.
    pub serving: Serving,
}

/// What the run time says of one flag of an app's environment. Git owns everything else of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagState {
    /// Which.
    pub key: FlagKey,
    /// How often it was changed; 0: never. Who changes it may say which one they saw.
    pub version: u64,
    /// What is served.
    pub serving: Serving,
    /// The watch over its release, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// How the gateway tells users apart that it goes on telling their variant after a guard's end: their app may know of the flag
    /// by that alone. Empty where there never was a guard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<UserKey>,
    /// What is to be served as soon as every serving revision has the flag's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// No longer shown and no longer served; its history is kept.
    #[serde(default)]
    pub archived: bool,
    /// When it was changed last: milliseconds since the Unix epoch.
    pub changed_at_unix_ms: u64,
    /// The same on Tidegate's own time line, which no clock that is set moves; `None`: that was not kept then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Moment>,
    /// When its definition was first in force: milliseconds since the Unix epoch.
    #[serde(default)]
    pub first_seen_unix_ms: u64,
}

/// A release that waits for revisions to have the flag's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is to be served then.
    pub serving: Serving,
    /// The watch over it from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// Who asked, as they call themselves.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When they asked: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// One recorded change of what a flag serves. Never changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The flag.
    pub flag: FlagKey,
    /// The flag's version after it.
    pub version: u64,
    /// Who asked, as they call themselves; `tidegate` for its own.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What brought it about.
    pub cause: ReleaseCause,
    /// What was served before.
    pub before: Serving,
    /// What is served after it.
    pub after: Serving,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// What brought a release about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCause {
    /// Somebody asked for it.
    Asked,
    /// A revision that lacks the flag's code came back: the flag went to its safe value with it.
    RolledBack(RevisionNo),
    /// The guard went on to its next share, or turned the flag off.
    Guard,
    /// A release that waited for revisions to have the flag's code.
    Ready,
    /// A moment of its schedule came.
    Scheduled,
    /// Its definition is in force no more: what was released of it ended.
    Undefined,
    /// Its definition is in force again, with a revision that came back: what was released of it came back.
    Redefined,
    /// A release was asked for that waits for code; what is served stayed as it was.
    Waits,
    /// A release that waited was taken back; what is served stayed as it was.
    Withdrawn,
    /// Nothing of it is served any more.
    Archived,
}

/// How a release is watched on the gateway's own traffic, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FlagGuard")]
pub struct Guard {
    /// How the gateway tells users apart: the first of these that a request has.
    pub user: Vec<UserKey>,
    /// The shares to come, each with how long it is watched at least before the next; the last one is where it ends.
    pub steps: Vec<GuardStep>,
    /// The step it is at.
    pub step: usize,
    /// When it came to that step: milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
}

/// One share of a guarded release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FlagGuardStep")]
pub struct GuardStep {
    /// The share of the users.
    pub of: Millionths,
    /// How long it is watched at least.
    pub hold: Millis,
}

/// What of a request tells its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserKey {
    /// The value of a cookie.
    Cookie(String),
    /// The value of a header field.
    Header(String),
    /// A claim of the JSON web token in `authorization: Bearer`. The token is not verified: it draws a variant, and grants
    /// nothing.
    Claim(String),
}

/// A flag that the gateway evaluates for each request of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagWatch {
    /// Which, of the flags of the upstream's app and environment.
    pub flag: FlagKey,
    /// The version of its state: counts of another one are counts of something else.
    pub version: u64,
    /// How users are told apart: the first of these that a request has. Who has none is not evaluated for.
    pub user: Vec<UserKey>,
    /// The attribute of the context that the share is drawn by, besides `targetingKey`: it gets the user as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether it is only told, not counted: its guard or its experiment has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// Whether its users are told to the control plane, by digests: it is an experiment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub experiment: bool,
}

impl FlagWatch {
    /// So many flags of an upstream are watched at most; those beyond would be neither drawn nor counted, so nobody may ask for
    /// more.
    pub const MOST: usize = 16;
}

/// Why a text is not a [`FlagKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a flag's key has 1 to 200 of A-Z, a-z, 0-9, `.`, `_` and `-`")]
pub struct FlagKeyError;

impl FlagKey {
    /// The longest key, in bytes.
    pub const LONGEST: usize = 200;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FlagKey {
    type Err = FlagKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let good = !text.is_empty() && text.len() <= Self::LONGEST && text.bytes().all(allowed);
        if good { Ok(FlagKey(text.to_owned())) } else { Err(FlagKeyError) }
    }
}

impl TryFrom<String> for FlagKey {
    type Error = FlagKeyError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<FlagKey> for String {
    fn from(key: FlagKey) -> String {
        key.0
    }
}

impl fmt::Display for FlagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UserKey {
    type Err = String;

    /// `cookie:sid`, `header:x-user-id`, `claim:sub`.
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once(':').filter(|(_, name)| !name.is_empty());
        match named.map(|(kind, name)| (kind, name.to_owned())) {
            Some(("cookie", name)) => Ok(UserKey::Cookie(name)),
            Some(("header", name)) => Ok(UserKey::Header(name.to_ascii_lowercase())),
            Some(("claim", name)) => Ok(UserKey::Claim(name)),
            _ => Err(format!("`{text}` is not cookie:NAME, header:NAME or claim:NAME")),
        }
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserKey::Cookie(name) => write!(f, "cookie:{name}"),
            UserKey::Header(name) => write!(f, "header:{name}"),
            UserKey::Claim(name) => write!(f, "claim:{name}"),
        }
    }
}

impl Serving {
    /// What is served at a moment: of a schedule the step that has begun, anything else itself.
    pub fn at(&self, unix_ms: u64) -> &Serving {
        let Serving::Schedule(steps) = self else { return self };
        let begun = steps.iter().rev().find(|step| step.from_unix_ms <= unix_ms);
        begun.map_or(&Serving::Defined, |step| &step.serving)
    }

    /// Whether everybody gets the same whatever the flag's own rules say.
    pub fn skips_rules(&self) -> bool {
        matches!(self, Serving::Off(_) | Serving::Killed(_))
    }

    /// The next moment at which something else is served, in milliseconds since the Unix epoch.
    pub fn next_moment(&self, now_unix_ms: u64) -> Option<u64> {
        let Serving::Schedule(steps) = self else { return None };
        steps.iter().map(|step| step.from_unix_ms).find(|from| *from > now_unix_ms)
    }
}

impl FlagState {
    /// The same, changed at this moment.
    pub fn changed_at(self, now: Moment) -> Self {
        FlagState { changed: Some(now), ..self }
    }

    /// A flag that was never released.
    pub fn untouched(key: FlagKey) -> Self {
        FlagState {
            key,
            version: 0,
            serving: Serving::Defined,
            guard: None,
            told: Vec::new(),
            waiting: None,
            archived: false,
            changed_at_unix_ms: 0,
            changed: None,
            first_seen_unix_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_safe_in_a_path() {
        for good in ["a", "new-cart", "shop.cart_2", &"k".repeat(200)] {
            assert_eq!(good.parse::<FlagKey>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "ä", "a%2f", &"k".repeat(201)] {
            assert_eq!(bad.parse::<FlagKey>(), Err(FlagKeyError), "{bad}");
        }
    }

    #[test]
    fn servings_have_words_of_their_own() {
        let share =
            Share { variant: "on".into(), otherwise: "off".into(), of: Millionths(250_000), by: None };
        let steps = vec![Scheduled { from_unix_ms: 5, serving: Serving::Share(share) }];
        let text = serde_json::to_string(&Serving::Schedule(steps.clone())).unwrap();
        assert_eq!(
            text,
            r#"{"schedule":[{"from_unix_ms":5,"serving":{"share":{"variant":"on","otherwise":"off","of":250000}}}]}"#
        );
        assert_eq!(serde_json::from_str::<Serving>(&text).unwrap(), Serving::Schedule(steps));
    }
}

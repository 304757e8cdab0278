//! What an experiment is meant to find out: read from the metadata of its flag, and fixed from its first user on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::draw::{By, Dealt, dealt};
use super::meaning::Meaning;
use super::metric::{Metric, Source};
use super::said::Said;
use super::split::Drawn;
use crate::model::{FlagKey, FlagState, Name, UserKey};
use crate::time::Millis;

/// The most variants.
pub const MOST_VARIANTS: usize = 10;
/// The most users an experiment counts.
pub const MOST_USERS: u64 = 1_000_000;

/// An experiment as it was meant. Whether two are the same one: [`Design::is_same`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentDesign")]
pub struct Design {
    /// The version of the flag's state that deals users out like that.
    pub version: u64,
    /// Who gets which variant, the one that others are compared with first.
    pub drawn: Vec<Drawn>,
    /// What is measured; the first decides.
    pub metrics: Vec<Metric>,
    /// After so many users it is over, whatever was found; and intervals are narrowest about there.
    pub users: u64,
    /// All intervals hold at all times together with a probability of 1 − `alpha`.
    pub alpha: f64,
    /// So long after a user was first seen their events count.
    pub within: Millis,
    /// The smallest difference of the first metric that is worth having: where none of it is left, it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<f64>,
    /// The flag's rule, as it is written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub rule: Value,
    /// A digest of what the rule comes to, with every name in it written out: with another one other users are dealt out, or in
    /// another way. `None`: of an experiment from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
    /// What of a request tells the gateway its user, the first that a request has; none: the gateway has no part in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<UserKey>,
    /// The attribute that users are drawn by, besides `targetingKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Which experiment of which environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExperimentKey {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The flag.
    pub flag: FlagKey,
}

impl Design {
    /// The experiment that a flag's definition, what its rule comes to and what is served of it make together; `None` where the flag is
    /// none.
    ///
    /// # Errors
    /// What is missing or wrong, in words.
    pub fn of(definition: &Value, meaning: &Meaning, state: &FlagState) -> Option<Result<Design, String>> {
        let metadata = definition.get("metadata").and_then(Value::as_object)?;
        Self::is_meant(metadata).then(|| Self::read(definition, metadata, meaning, state))
    }

    /// Whether a flag of this metadata is to be an experiment.
    pub fn is_meant(metadata: &Map<String, Value>) -> bool {
        metadata.get("class").and_then(Value::as_str) == Some("experiment")
    }

    fn read(
        definition: &Value,
        metadata: &Map<String, Value>,
        meaning: &Meaning,
        state: &FlagState,
    ) -> Result<Design, String> {
        let said = Said::of(metadata)?;
        let Dealt { mut drawn, by } = dealt(definition, &meaning.rule, state)?;
        if drawn.len() > MOST_VARIANTS {
            return Err(format!("{} variants are more than {MOST_VARIANTS}", drawn.len()));
        }
        let default = definition.get("defaultVariant").and_then(Value::as_str);
        let control = said.control.as_deref().or(default).ok_or("say which variant is the `control`")?;
        let at = drawn.iter().position(|drawn| drawn.variant == control);
        let at = at.ok_or_else(|| format!("no user is dealt out to `{control}`, the control"))?;
        drawn[..=at].rotate_right(1);
        Ok(Design {
            version: state.version,
            drawn,
            metrics: said.metrics,
            users: said.users,
            alpha: said.alpha,
            within: said.within,
            worth: said.worth,
            rule: definition.get("targeting").cloned().unwrap_or_default(),
            meant: Some(meaning.digest.clone()),
            by: attribute(by, &said.user)?,
            user: said.user,
        })
    }

    /// Whether users are dealt out and measured alike by both. What a rule comes to counts, not how it is written.
    pub fn is_same(&self, other: &Design) -> bool {
        self.changes(other).is_empty()
    }

    /// What of it would be another thing, in words.
    pub fn changes(&self, other: &Design) -> Vec<&'static str> {
        let same_rule = match (&self.meant, &other.meant) {
            (Some(one), Some(two)) => one == two,
            _ => self.rule == other.rule,
        };
        let differs = [
            (self.version != other.version, "what is released"),
            (self.drawn != other.drawn, "how users are dealt out"),
            (!same_rule, "what its rule comes to"),
            (self.metrics != other.metrics, "what is measured"),
            (self.users != other.users, "after how many users it is over"),
            (self.alpha.to_bits() != other.alpha.to_bits(), "how sure its intervals are"),
            (self.within != other.within, "how long a user's events count"),
            (self.worth != other.worth, "what is worth having"),
            ((&self.user, &self.by) != (&other.user, &other.by), "how the gateway tells users"),
        ];
        differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }

    /// Whether any metric is the gateway's own: of a user it never saw there is no value then.
    pub fn asks_gateway(&self) -> bool {
        self.metrics.iter().any(|metric| metric.source() != Source::Posted)
    }

    /// The place of a variant among those that users are dealt out to.
    pub fn place_of(&self, variant: &str) -> Option<usize> {
        self.drawn.iter().position(|drawn| drawn.variant == variant)
    }

    /// The weights of the variants.
    pub fn weights(&self) -> Vec<u64> {
        self.drawn.iter().map(|drawn| drawn.weight).collect()
    }

    /// How sure each single interval has to be for all of them together to hold: Bonferroni's part of alpha.
    pub fn alpha_each(&self) -> f64 {
        let intervals = (self.drawn.len() - 1) * self.metrics.len();
        self.alpha / intervals.max(1) as f64
    }

    /// How many users of the control and of another variant there will be when all have come.
    pub fn users_of_pair(&self, place: usize) -> f64 {
        let all: u64 = self.drawn.iter().map(|drawn| drawn.weight).sum();
        let pair = self.drawn[0].weight + self.drawn[place].weight;
        self.users as f64 * pair as f64 / all.max(1) as f64
    }
}

/// What the gateway draws by: it knows one name of a user, and can give it as one attribute.
fn attribute(by: By, user: &[UserKey]) -> Result<Option<String>, String> {
    match by {
        _ if user.is_empty() => Ok(None),
        By::Key => Ok(None),
        By::Attribute(name) => Ok(Some(name)),
        By::More => Err("its draw is by more than one attribute, or by a computed one: the gateway knows one name of a user \
                         and cannot draw, so leave `user` out or draw by one"
            .to_owned()),
    }
}

#[cfg(test)]
#[path = "design_tests.rs"]
mod tests;

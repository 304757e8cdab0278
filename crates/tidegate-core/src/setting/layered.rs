//! Variables set at run time, and which of two layers a value is from.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// Variables set at run time: for everything in the environment, and for services or jobs by name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    /// For all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub all: BTreeMap<String, String>,
    /// For one service or job, over those for all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<Name, BTreeMap<String, String>>,
}

/// Where a variable's value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SettingOrigin")]
pub enum Origin {
    /// What was deployed: `env:` of the manifest, or an env file.
    Deployed,
    /// `tidegate config set`.
    Config,
    /// `tidegate config set`, over what was deployed.
    ConfigOverDeployed,
}

/// A variable and where its value is from.
#[derive(Clone, PartialEq, Eq)]
pub struct Layered {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where that is from.
    pub origin: Origin,
}

impl Variables {
    /// The most there may be in all.
    pub const MOST: usize = 300;
    /// The most bytes of names and values in all.
    pub const MOST_BYTES: usize = 256 << 10;

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len() + self.services.values().map(BTreeMap::len).sum::<usize>()
    }

    /// Bytes of names and values.
    pub fn bytes(&self) -> usize {
        let of = |variables: &BTreeMap<String, String>| {
            variables.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        of(&self.all) + self.services.values().map(of).sum::<usize>()
    }

    /// Those of a service or job; without a name those for all.
    pub fn of(&self, name: Option<&Name>) -> BTreeMap<String, String> {
        let mut all = self.all.clone();
        if let Some(own) = name.and_then(|name| self.services.get(name)) {
            all.extend(own.clone());
        }
        all
    }

    /// The layer of a service or job, or of all, to be changed.
    pub fn layer(&mut self, name: Option<&Name>) -> &mut BTreeMap<String, String> {
        match name {
            Some(name) => self.services.entry(name.clone()).or_default(),
            None => &mut self.all,
        }
    }

    /// Leaves out services that have none.
    pub fn tidy(&mut self) {
        self.services.retain(|_, variables| !variables.is_empty());
    }
}

impl Layered {
    /// Every variable of a service or job with where it is from, by name.
    pub fn of(deployed: &BTreeMap<String, String>, set: &BTreeMap<String, String>) -> Vec<Layered> {
        let names: std::collections::BTreeSet<&String> = deployed.keys().chain(set.keys()).collect();
        let one = |name: &String| {
            let (value, origin) = match (deployed.get(name), set.get(name)) {
                (Some(_), Some(value)) => (value, Origin::ConfigOverDeployed),
                (None, Some(value)) => (value, Origin::Config),
                (Some(value), None) => (value, Origin::Deployed),
                (None, None) => return None,
            };
            Some(Layered { name: name.clone(), value: value.clone(), origin })
        };
        names.into_iter().filter_map(one).collect()
    }
}

/// Names, no values.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({} of all, {:?})", self.all.len(), self.services.keys())
    }
}

impl fmt::Debug for Layered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layered({}, {:?})", self.name, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_says_where_it_is_from() {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let layered = Layered::of(&map(&[("A", "1"), ("B", "2")]), &map(&[("B", "3"), ("C", "4")]));
        let told: Vec<_> =
            layered.iter().map(|one| (one.name.as_str(), one.value.as_str(), one.origin)).collect();
        assert_eq!(
            told,
            [
                ("A", "1", Origin::Deployed),
                ("B", "3", Origin::ConfigOverDeployed),
                ("C", "4", Origin::Config)
            ]
        );
    }
}

//! What of two answers to one request is compared.

use serde::{Deserialize, Serialize};

/// How an answer of the candidate is compared with stable's. The status always is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compare {
    /// Fields, in lower case.
    pub headers: Vec<String>,
    /// Places in JSON bodies that are left out, see [`Compare::SEPARATOR`].
    pub ignore: Vec<String>,
}

impl Default for Compare {
    fn default() -> Self {
        Compare { headers: Self::HEADERS.map(str::to_owned).to_vec(), ignore: Vec::new() }
    }
}

impl Compare {
    /// Fields that say what an answer means. Dates, ids, cookies and validators differ from answer to answer and say nothing.
    pub const HEADERS: [&'static str; 5] =
        ["cache-control", "content-encoding", "content-language", "content-type", "location"];
    /// Between the keys of a place in a JSON body: `items.*.id`. [`Compare::ANY`] is any one key or place in a list,
    /// [`Compare::DEEP`] any number of them, once in a place.
    pub const SEPARATOR: char = '.';
    /// See [`Compare::SEPARATOR`].
    pub const ANY: &'static str = "*";
    /// See [`Compare::SEPARATOR`].
    pub const DEEP: &'static str = "**";
    /// Most fields, and most places, that can be named.
    pub const MOST: usize = 32;

    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Compare::default()
    }

    /// The keys of a place; `None` where it is none.
    pub fn keys(place: &str) -> Option<Vec<&str>> {
        let keys: Vec<&str> = place.split(Self::SEPARATOR).collect();
        let deep = keys.iter().filter(|key| **key == Self::DEEP).count();
        let ends_deep = keys.last().is_some_and(|key| *key == Self::DEEP);
        let good = keys.iter().all(|key| !key.is_empty()) && deep <= 1 && !ends_deep;
        good.then_some(keys)
    }
}

/// What copies for a candidate are like besides their share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Copies {
    /// Whether requests that can change something are copied too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsafe_methods: bool,
    /// What is compared.
    #[serde(skip_serializing_if = "Compare::is_default")]
    pub compare: Compare,
}

impl Copies {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Copies::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_keys_with_dots_between_them() {
        assert_eq!(Compare::keys("items.*.id"), Some(vec!["items", "*", "id"]));
        assert_eq!(Compare::keys("**.trace"), Some(vec!["**", "trace"]));
        for wrong in ["", "a..b", ".a", "**", "a.**", "**.a.**.b"] {
            assert_eq!(Compare::keys(wrong), None, "{wrong}");
        }
    }
}

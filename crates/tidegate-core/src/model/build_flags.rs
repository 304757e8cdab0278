//! The flags whose keys a build's source mentions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::FlagKey;

/// See the module. What was looked through is stored as a list of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct BuildFlags {
    /// Their keys.
    pub keys: BTreeSet<FlagKey>,
    /// Whether there was more source than is looked through: other keys may be in it, or not.
    pub partly: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Whole(BTreeSet<FlagKey>),
    Partly { partly: BTreeSet<FlagKey> },
}

impl BuildFlags {
    /// Whether a flag is mentioned.
    pub fn mentions(&self, key: &FlagKey) -> bool {
        self.keys.contains(key)
    }

    /// Whether it is known that a flag is not mentioned.
    pub fn lacks(&self, key: &FlagKey) -> bool {
        !self.partly && !self.mentions(key)
    }

    /// Whether nobody knows.
    pub fn leaves_open(&self, key: &FlagKey) -> bool {
        self.partly && !self.mentions(key)
    }
}

impl From<Stored> for BuildFlags {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Whole(keys) => BuildFlags { keys, partly: false },
            Stored::Partly { partly } => BuildFlags { keys: partly, partly: true },
        }
    }
}

impl From<BuildFlags> for Stored {
    fn from(flags: BuildFlags) -> Self {
        if flags.partly { Stored::Partly { partly: flags.keys } } else { Stored::Whole(flags.keys) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(partly: bool) -> BuildFlags {
        BuildFlags { keys: BTreeSet::from(["new-cart".parse().unwrap()]), partly }
    }

    #[test]
    fn what_was_looked_through_is_a_list_as_it_always_was() {
        for (flags, text) in [(flags(false), r#"["new-cart"]"#), (flags(true), r#"{"partly":["new-cart"]}"#)]
        {
            assert_eq!(serde_json::to_string(&flags).unwrap(), text);
            assert_eq!(serde_json::from_str::<BuildFlags>(text).unwrap(), flags);
        }
    }

    #[test]
    fn what_was_not_looked_through_lacks_nothing() {
        let (there, other) = ("new-cart".parse().unwrap(), "other".parse().unwrap());
        assert!(flags(false).lacks(&other) && !flags(false).leaves_open(&other));
        assert!(!flags(true).lacks(&other) && flags(true).leaves_open(&other));
        assert!(flags(true).mentions(&there) && !flags(true).leaves_open(&there));
    }
}

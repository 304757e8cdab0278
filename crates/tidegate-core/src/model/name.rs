//! Names of apps, environments and services, and the key that finds a service.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of an app, an environment or a service: 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter and not
/// ending with `-`. It is safe in a file name, a host name and a log line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$", "maxLength" = 40))]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than 40 characters.
    #[error("a name has 1 to 40 characters, this one has {0}")]
    Length(usize),
    /// A character that is not allowed where it stands.
    #[error("`{0}` cannot be a name: use a-z, 0-9 and `-`, begin with a letter, do not end with `-`")]
    Shape(String),
}

impl Name {
    /// The longest name, in characters.
    pub const LONGEST: usize = 40;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length == 0 || length > Self::LONGEST {
            return Err(NameError::Length(length));
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let shaped =
            text.bytes().all(allowed) && text.as_bytes()[0].is_ascii_lowercase() && !text.ends_with('-');
        if shaped { Ok(Name(text.to_owned())) } else { Err(NameError::Shape(text.to_owned())) }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which service of which app in which environment. Printed `app/environment/service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The service.
    pub service: Name,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.app, self.environment, self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths_and_hosts() {
        for good in ["a", "web", "web-2", "a0", &"x".repeat(40)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "Web", "2web", "-web", "web-", "we b", "we/b", "..", "wéb", &"x".repeat(41)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}

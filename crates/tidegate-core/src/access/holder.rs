//! Who can have a role: a person, a service token, or a group of people as an identity provider has it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Who;
use crate::model::{Name, NameError};

/// Who has a role. Written `ann`, `token:ci` or `group:platform`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(?:(?:(?:user|token):)?[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?|group:.{1,128})$"))]
pub enum Holder {
    /// A person.
    User(Name),
    /// A service token, by its name.
    Service(Name),
    /// A group: 1 to 128 characters on one line.
    Group(String),
}

/// Why a text is no [`Holder`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HolderError {
    /// Its name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its group is none.
    #[error("a group's name has 1 to {} characters on one line", Holder::LONGEST_GROUP)]
    Group,
}

impl Holder {
    /// The longest name of a group, in characters.
    pub const LONGEST_GROUP: usize = 128;

    /// What a caller holds roles as; `None`: as nobody, because they need none or are not known.
    pub fn of(who: &Who) -> Option<Holder> {
        match who {
            Who::User { name, .. } => Some(Holder::User(name.clone())),
            Who::Service { token } => Some(Holder::Service(token.clone())),
            Who::Owner | Who::Stranger => None,
        }
    }

    /// The caller that this is; `None`: a group asks for nothing itself.
    pub fn who(&self) -> Option<Who> {
        match self {
            Holder::User(name) => Some(Who::User { name: name.clone(), token: None }),
            Holder::Service(token) => Some(Who::Service { token: token.clone() }),
            Holder::Group(_) => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::User(name) => name.fmt(f),
            Holder::Service(token) => f.pad(&format!("token:{token}")),
            Holder::Group(group) => f.pad(&format!("group:{group}")),
        }
    }
}

impl FromStr for Holder {
    type Err = HolderError;

    fn from_str(text: &str) -> Result<Self, HolderError> {
        match text.split_once(':') {
            Some(("token", name)) => Ok(Holder::Service(name.parse()?)),
            Some(("user", name)) => Ok(Holder::User(name.parse()?)),
            Some(("group", group)) => {
                let length = group.chars().count();
                let fits = (1..=Holder::LONGEST_GROUP).contains(&length)
                    && group.trim() == group
                    && !group.contains(char::is_control);
                if fits { Ok(Holder::Group(group.to_owned())) } else { Err(HolderError::Group) }
            }
            Some(_) | None => Ok(Holder::User(text.parse()?)),
        }
    }
}

impl TryFrom<String> for Holder {
    type Error = HolderError;
    fn try_from(text: String) -> Result<Self, HolderError> {
        text.parse()
    }
}

impl From<Holder> for String {
    fn from(holder: Holder) -> String {
        holder.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_read_as_they_are_written() {
        for text in ["ann", "token:ci", "group:Platform Team", "group:a:b"] {
            assert_eq!(text.parse::<Holder>().unwrap().to_string(), text);
        }
        assert_eq!("user:ann".parse::<Holder>().unwrap().to_string(), "ann");
        for bad in ["", "token:", "group:", "group: x", "group:a\nb", "Ann", "robot:x"] {
            assert!(bad.parse::<Holder>().is_err(), "{bad}");
        }
        assert!(format!("group:{}", "x".repeat(129)).parse::<Holder>().is_err());
    }
}

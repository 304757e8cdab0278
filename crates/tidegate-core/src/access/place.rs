//! Where something is done: everywhere, in an app, or in one of its environments.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Name, NameError};

/// What a role is given for, and what an action touches. Written `*` (no app is called that), `shop` or `shop/production`; told to
/// people as `everywhere`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(?:\\*|[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?(?:/[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?)?)$"))]
pub enum Place {
    /// The installation: every app, and what is of no app.
    Everywhere,
    /// An app with all of its environments.
    App(Name),
    /// An environment of an app.
    Environment(Name, Name),
}

/// Why a text is no [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// A part of it is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An environment of no app.
    #[error("an environment is of an app: say which")]
    NoApp,
}

impl Place {
    /// How everywhere is written: not in letters, which an app could be called.
    pub const EVERYWHERE: &'static str = "*";

    /// From the parts that are named.
    ///
    /// # Errors
    /// Where there is an environment and no app.
    pub fn of(app: Option<&Name>, environment: Option<&Name>) -> Result<Place, PlaceError> {
        match (app, environment) {
            (None, None) => Ok(Place::Everywhere),
            (Some(app), None) => Ok(Place::App(app.clone())),
            (Some(app), Some(environment)) => Ok(Place::Environment(app.clone(), environment.clone())),
            (None, Some(_)) => Err(PlaceError::NoApp),
        }
    }

    /// As it is written, to be read again.
    pub fn key(&self) -> String {
        match self {
            Place::Everywhere => Place::EVERYWHERE.to_owned(),
            Place::App(app) => app.to_string(),
            Place::Environment(app, environment) => format!("{app}/{environment}"),
        }
    }

    /// The app, where it is of one.
    pub fn app(&self) -> Option<&Name> {
        match self {
            Place::Everywhere => None,
            Place::App(app) | Place::Environment(app, _) => Some(app),
        }
    }

    /// The environment, where it is one.
    pub fn environment(&self) -> Option<&Name> {
        match self {
            Place::Everywhere | Place::App(_) => None,
            Place::Environment(_, environment) => Some(environment),
        }
    }

    /// Whether what is given for this place counts at another one.
    pub fn covers(&self, other: &Place) -> bool {
        match self {
            Place::Everywhere => true,
            Place::App(app) => other.app() == Some(app),
            Place::Environment(..) => self == other,
        }
    }

    /// The options of the command line that name it: ` --app shop -e production`.
    pub fn options(&self) -> String {
        match self {
            Place::Everywhere => String::new(),
            Place::App(app) => format!(" --app {app}"),
            Place::Environment(app, environment) => format!(" --app {app} -e {environment}"),
        }
    }
}

/// For people.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Everywhere => f.pad("everywhere"),
            Place::App(_) | Place::Environment(..) => f.pad(&self.key()),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        match text.split_once('/') {
            None if text == Place::EVERYWHERE => Ok(Place::Everywhere),
            None => Ok(Place::App(text.parse()?)),
            Some((app, environment)) => Ok(Place::Environment(app.parse()?, environment.parse()?)),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;
    fn try_from(text: String) -> Result<Self, PlaceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        place.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_covers_what_is_in_it_and_nothing_beside_it() {
        let all = ["*", "shop", "shop/staging", "shop/production", "billing", "billing/staging"];
        let covered = |of: &str| -> Vec<&str> {
            all.into_iter().filter(|other| place(of).covers(&place(other))).collect()
        };
        assert_eq!(covered("*"), all);
        assert_eq!(covered("shop"), ["shop", "shop/staging", "shop/production"]);
        assert_eq!(covered("shop/staging"), ["shop/staging"]);
        assert_eq!(covered("billing"), ["billing", "billing/staging"]);
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["*", "shop", "shop/production"] {
            assert_eq!(place(text).key(), text);
        }
        assert_eq!(
            place("everywhere"),
            Place::App("everywhere".parse().unwrap()),
            "an app can be called that"
        );
        for bad in ["", "/", "shop/", "/staging", "shop/a/b", "Shop"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        let staging = "staging".parse().unwrap();
        assert_eq!(Place::of(None, Some(&staging)), Err(PlaceError::NoApp));
    }
}

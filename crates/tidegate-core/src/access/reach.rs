//! Where a token opens anything: everywhere, in one app, or in one of its environments.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Name;

/// See the module. The default is everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Only this app.
    pub app: Option<Name>,
    /// Only this environment of the app.
    pub environment: Option<Name>,
}

impl Reach {
    /// Whether it is everywhere.
    pub fn is_everywhere(&self) -> bool {
        self.app.is_none() && self.environment.is_none()
    }

    /// Whether what is asked of an app and an environment is within it. What is not said is not within anything narrower.
    pub fn covers(&self, app: Option<&str>, environment: Option<&str>) -> bool {
        let within = |own: &Option<Name>, asked: Option<&str>| {
            own.as_ref().is_none_or(|own| asked == Some(own.as_str()))
        };
        within(&self.app, app) && within(&self.environment, environment)
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.app, &self.environment) {
            (None, None) => f.write_str("everywhere"),
            (Some(app), None) => app.fmt(f),
            (None, Some(environment)) => write!(f, "*/{environment}"),
            (Some(app), Some(environment)) => write!(f, "{app}/{environment}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_within_nothing_narrower() {
        let shop = Reach { app: Some("shop".parse().unwrap()), environment: None };
        let staging = Reach { environment: Some("staging".parse().unwrap()), ..shop.clone() };
        assert!(Reach::default().covers(None, None) && Reach::default().covers(Some("shop"), Some("qa")));
        assert!(shop.covers(Some("shop"), None) && shop.covers(Some("shop"), Some("qa")));
        assert!(!shop.covers(None, None) && !shop.covers(Some("blog"), None));
        assert!(staging.covers(Some("shop"), Some("staging")));
        assert!(!staging.covers(Some("shop"), None) && !staging.covers(Some("shop"), Some("qa")));
    }
}

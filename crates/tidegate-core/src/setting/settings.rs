//! What of configuration, parameters and secrets belongs to a revision.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::reference::Reference;
use super::{SecretName, Variables};
use crate::model::Name;

/// What a revision has besides its build and its manifest: configuration of the run time and which versions its references mean.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Variables set at run time; `None`: none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Configured>,
    /// The secrets it refers to. Their values are elsewhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<SecretName, PinnedSecret>,
    /// The parameters it refers to, as the reference is written, with what they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, PinnedParameter>,
}

/// Variables set at run time.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// Which version of the environment's configuration.
    pub version: u32,
    /// The variables.
    #[serde(flatten)]
    pub variables: Variables,
}

/// A version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedSecret {
    /// The version.
    pub version: u32,
    /// Whether it is the app's; else the environment's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wide: bool,
}

/// A version of a parameter and its value, which is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedParameter {
    /// The version.
    pub version: u32,
    /// Its value.
    pub value: String,
}

/// A version of an environment's configuration as the store keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigVersion {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// Its number, from 1.
    pub version: u32,
    /// Everything that is set from it on.
    pub variables: Variables,
    /// What it changed, in words without values.
    pub changes: Vec<String>,
    /// Who asked.
    pub by: String,
    /// Why, in their words; may be empty.
    pub why: String,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

impl Settings {
    /// Whether a revision has none.
    pub fn is_empty(&self) -> bool {
        *self == Settings::default()
    }

    /// The variables of a service, of a job, or (without a name) of the migration: the deployed ones, and over them those that were set
    /// at run time.
    pub fn over(&self, deployed: &BTreeMap<String, String>, of: Option<&Name>) -> BTreeMap<String, String> {
        let mut all = deployed.clone();
        if let Some(config) = &self.config {
            all.extend(config.variables.of(of));
        }
        all
    }

    /// What differs from these to those, without any value: `secret.db_url v3 → v4`.
    pub fn changes_to(&self, to: &Settings) -> Vec<String> {
        let mut changes = Vec::new();
        let version = |settings: &Settings| settings.config.as_ref().map(|config| config.version);
        changes.extend(change("config", version(self), version(to)));
        let secrets = self.secrets.keys().chain(to.secrets.keys());
        let secrets: std::collections::BTreeSet<_> = secrets.collect();
        changes.extend(secrets.into_iter().filter_map(|name| {
            let of = |settings: &Settings| settings.secrets.get(name).copied();
            secret_change(name, of(self), of(to))
        }));
        let paths = self.parameters.keys().chain(to.parameters.keys());
        let paths: std::collections::BTreeSet<_> = paths.collect();
        changes.extend(paths.into_iter().filter_map(|path| {
            let of = |settings: &Settings| settings.parameters.get(path).map(|pinned| pinned.version);
            change(path, of(self), of(to))
        }));
        changes
    }

    /// The value of a parameter it refers to.
    pub fn parameter(&self, reference: &Reference) -> Option<String> {
        self.parameters.get(&reference.to_string()).map(|pinned| pinned.value.clone())
    }
}

fn change(what: &str, from: Option<u32>, to: Option<u32>) -> Option<String> {
    match (from, to) {
        (Some(from), Some(to)) if from != to => Some(format!("{what} v{from} → v{to}")),
        (None, Some(to)) => Some(format!("{what} v{to} is new")),
        (Some(from), None) => Some(format!("{what} v{from} is used no more")),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn secret_change(name: &SecretName, from: Option<PinnedSecret>, to: Option<PinnedSecret>) -> Option<String> {
    let what = format!("secret.{name}");
    let number = |pinned: Option<PinnedSecret>| pinned.map(|pinned| pinned.version);
    match (from, to) {
        (Some(a), Some(b)) if a.wide != b.wide => {
            let owner = |pinned: PinnedSecret| if pinned.wide { "the app's" } else { "the environment's" };
            Some(format!("{what} {} v{} → {} v{}", owner(a), a.version, owner(b), b.version))
        }
        _ => change(&what, number(from), number(to)),
    }
}

/// Values of variables are for who may see configuration, not for logs.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Configured(v{})", self.version)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({:?}, {:?}, {:?})", self.config, self.secrets, self.parameters.keys())
    }
}

impl fmt::Debug for ConfigVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigVersion({}/{} v{})", self.app, self.environment, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(version: u32, wide: bool) -> Settings {
        let secrets = [("db_url".parse().unwrap(), PinnedSecret { version, wide })].into();
        Settings { secrets, ..Settings::default() }
    }

    #[test]
    fn changes_are_told_by_versions() {
        assert_eq!(with(3, false).changes_to(&with(4, false)), ["secret.db_url v3 → v4"]);
        assert!(with(3, false).changes_to(&with(3, false)).is_empty());
        assert_eq!(
            with(3, true).changes_to(&with(1, false)),
            ["secret.db_url the app's v3 → the environment's v1"]
        );
        assert_eq!(Settings::default().changes_to(&with(1, false)), ["secret.db_url v1 is new"]);
        assert_eq!(with(1, false).changes_to(&Settings::default()), ["secret.db_url v1 is used no more"]);
    }

    #[test]
    fn what_is_set_at_run_time_wins_and_is_in_no_debug_text() {
        let variables = Variables {
            all: [("A".to_owned(), "run-time".to_owned())].into(),
            services: [("web".parse().unwrap(), [("B".to_owned(), "of-web".to_owned())].into())].into(),
        };
        let config = Some(Configured { version: 2, variables });
        let settings = Settings { config, ..Settings::default() };
        let deployed = [("A", "manifest"), ("B", "manifest"), ("C", "manifest")];
        let deployed = deployed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let web: Name = "web".parse().unwrap();
        let of_web = settings.over(&deployed, Some(&web));
        assert_eq!(
            (of_web["A"].as_str(), of_web["B"].as_str(), of_web["C"].as_str()),
            ("run-time", "of-web", "manifest")
        );
        assert_eq!(settings.over(&deployed, None)["B"], "manifest");
        assert!(!format!("{settings:?}").contains("run-time"));
    }

    #[test]
    fn none_leaves_a_revision_as_it_was() {
        assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
        assert!(Settings::default().is_empty());
    }
}

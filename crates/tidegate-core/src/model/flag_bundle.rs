//! What the control plane has of flags by app and environment, and the one file by which the gateway gets it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FlagKey, Name, RevisionNo};

/// What Git says of the flags of an app's environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlagDefinitions {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The deploy that brought them into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy: Option<u64>,
    /// The revision they came with; `None` where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionNo>,
    /// A flag file of flagd's format as JSON: `flags`, `$evaluators`, `segments`, `metadata`.
    pub document: serde_json::Value,
}

/// Who may ask for the flags of an app's environment: what is kept of a key, never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagAccess {
    /// Its id, by which it is revoked.
    pub id: String,
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// What it may see.
    pub kind: FlagAccessKind,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// SHA-256 of the key, in hex.
    pub digest: String,
    /// When it was made: milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
}

/// What a key may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagAccessKind {
    /// Every flag, with everything said of it. For programs nobody else can read.
    Server,
    /// The values of flags that say they are for clients. For browsers and apps, where everybody can read the key.
    Client,
}

/// What the gateway serves of flags: the file `flags.json` in its directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlagBundle {
    /// Higher than that of any before it.
    pub epoch: u64,
    /// A flag file of flagd's format for each `app/environment`.
    pub sets: BTreeMap<String, serde_json::Value>,
    /// Who may ask.
    #[serde(default)]
    pub keys: Vec<BundleKey>,
    /// The set of whoever has no key; `None`: those get nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// Flags of a set that are experiments, for the data plane: in one file with the set, so that a user is told under the design
    /// by which they were dealt out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub experiments: BTreeMap<String, BundleExperiments>,
}

/// The experiments of one set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleExperiments {
    /// The key of users' digests in this environment, in hex: with it the gateway makes the digests that the control plane makes of the
    /// users of posted events. It is a secret.
    pub salt: String,
    /// By flag.
    pub flags: BTreeMap<FlagKey, BundleExperiment>,
}

/// One experiment, as the gateway needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BundleExperiment {
    /// A digest of its design, given back with its users.
    pub design: String,
    /// The variants that only chance gives.
    pub variants: Vec<String>,
}

impl std::fmt::Debug for BundleExperiments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleExperiments").field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// One key of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleKey {
    /// SHA-256 of the key, in hex.
    pub digest: String,
    /// Whose flags: `app/environment`.
    pub set: String,
    /// What it may see.
    pub kind: FlagAccessKind,
    /// What it is for.
    #[serde(default)]
    pub name: String,
}

impl FlagBundle {
    /// The name of an environment's set.
    pub fn set_name(app: &Name, environment: &Name) -> String {
        format!("{app}/{environment}")
    }
}

impl FlagAccess {
    /// As the gateway gets it.
    pub fn in_bundle(&self) -> BundleKey {
        BundleKey {
            digest: self.digest.clone(),
            set: FlagBundle::set_name(&self.app, &self.environment),
            kind: self.kind,
            name: self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_reads_as_the_gateway_expects_it() {
        let text = r#"{"epoch":12,"sets":{"shop/production":{"flags":{}}},"keys":[{"digest":"aa","set":"shop/production","kind":"client","name":"web pages"}],"open":"shop/production"}"#;
        let bundle: FlagBundle = serde_json::from_str(text).unwrap();
        assert_eq!(bundle.keys[0].kind, FlagAccessKind::Client);
        assert_eq!(serde_json::to_string(&bundle).unwrap(), text);
        let least: FlagBundle = serde_json::from_str(r#"{"epoch":1,"sets":{}}"#).unwrap();
        assert_eq!((least.keys.len(), least.open), (0, None));
    }
}

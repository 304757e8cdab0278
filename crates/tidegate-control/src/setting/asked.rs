//! What is asked of configuration, parameters and secrets. Printing one shows no value.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Name;
use tidegate_core::setting::{Label, ParameterPath, SecretName};

use crate::source::Hidden;

/// A change of what is set at run time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigChange {
    /// The service or job it is for; left out: all.
    #[serde(default)]
    pub service: Option<Name>,
    /// What is changed.
    pub act: ConfigAct,
    /// The version it is a change of: refused where there is a newer one. Left out: whatever there is.
    #[serde(default)]
    pub expect: Option<u32>,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Why a protected environment is changed by hand.
    #[serde(default)]
    pub break_glass: Option<String>,
}

/// What is changed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigAct {
    /// These variables have these values.
    Set(BTreeMap<String, String>),
    /// These variables are what was deployed again.
    Unset(Vec<String>),
    /// All of it is as in this version; 0: nothing is set.
    Rollback(u32),
}

/// A new value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// Its name.
    pub name: SecretName,
    /// Its value.
    pub value: Hidden,
    /// Whether nothing is rolled out: it counts from the next deploy on.
    #[serde(default)]
    pub later: bool,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
    /// Why a protected environment is changed by hand.
    #[serde(default)]
    pub break_glass: Option<String>,
}

/// The end of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecret {
    /// Its name.
    pub name: SecretName,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
}

/// A new key for all secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateKey {
    /// Who asks, as they call themselves.
    pub by: String,
}

/// A new value of a parameter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetParameter {
    /// Its path.
    pub path: ParameterPath,
    /// Its value: no secret.
    pub value: String,
    /// A label for the new version.
    #[serde(default)]
    pub label: Option<Label>,
    /// Whether what refers to it is rolled out with it; else it counts from each next deploy on.
    #[serde(default)]
    pub rollout: bool,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Why protected environments are changed by hand.
    #[serde(default)]
    pub break_glass: Option<String>,
}

/// A label for a version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelParameter {
    /// Its path.
    pub path: ParameterPath,
    /// The label.
    pub label: Label,
    /// The version that gets it.
    pub version: u32,
    /// Whether what refers to the label is rolled out with it.
    #[serde(default)]
    pub rollout: bool,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
    /// Why protected environments are changed by hand.
    #[serde(default)]
    pub break_glass: Option<String>,
}

impl fmt::Debug for ConfigChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigChange({:?})", self.act)
    }
}

impl fmt::Debug for ConfigAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigAct::Set(variables) => write!(f, "Set({:?})", variables.keys()),
            ConfigAct::Unset(names) => write!(f, "Unset({names:?})"),
            ConfigAct::Rollback(version) => write!(f, "Rollback({version})"),
        }
    }
}

impl fmt::Debug for SetParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetParameter({})", self.path)
    }
}

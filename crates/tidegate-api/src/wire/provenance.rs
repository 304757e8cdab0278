//! What is asked about builds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_control::{BreakGlass, Scope};
use tidegate_core::model::Name;
use tidegate_core::sbom::Component;

/// Which build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BuildParams {
    /// A revision (`r3`), the number of a run, or the beginning of a build's name.
    pub what: String,
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment of a revision; left out where there is just one.
    pub environment: Option<Name>,
}

impl BuildParams {
    /// In this scope.
    pub fn new(what: impl Into<String>, scope: Scope) -> Self {
        BuildParams { what: what.into(), app: scope.app, environment: scope.environment }
    }

    /// The scope.
    pub fn scope(&self) -> Scope {
        Scope { app: self.app.clone(), environment: self.environment.clone() }
    }
}

/// The body that lets a build in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmitBody {
    /// Which build, and where to.
    pub build: BuildParams,
    /// Who, and why.
    pub break_glass: BreakGlass,
}

/// The body that asks about packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DependenciesBody {
    /// The packages.
    pub components: Vec<Component>,
}

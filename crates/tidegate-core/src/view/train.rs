//! A train, in `tidegate plan` and `tidegate rollout show`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::RolloutId;

/// The train a rollout is part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrainView {
    /// Its name.
    pub name: String,
    /// How far the rollout is in it: `assembling`, `waiting`, `going`, `arrived`, `passed`.
    pub leg: String,
    /// All of it, those that call before those they call.
    pub members: Vec<TrainMember>,
}

/// One service of a train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrainMember {
    /// The service.
    pub service: String,
    /// Its rollout.
    pub rollout: RolloutId,
    /// Where that is.
    pub phase: String,
    /// How far it is in the train.
    pub leg: String,
}

/// A train that a deploy would begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedTrain {
    /// Its name.
    pub name: String,
    /// The services that would be rolled out as one, those that call before those they call.
    pub services: Vec<String>,
    /// What will happen, in words.
    pub steps: Vec<String>,
}

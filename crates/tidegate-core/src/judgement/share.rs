//! How requests are shared out between the arms, as far as a comparison of them depends on it.

use serde::{Deserialize, Serialize};

use crate::model::{ArmRule, RevisionNo, Routing};

/// Equal as long as a request has the same chance to meet each revision. Which instances there are does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    weights: Vec<(RevisionNo, u32)>,
    rules: Vec<ArmRule>,
}

impl Share {
    /// That of a service.
    pub fn of(routing: &Routing) -> Share {
        Share {
            weights: routing.arms.iter().map(|arm| (arm.revision, arm.weight)).collect(),
            rules: routing.rules.clone(),
        }
    }
}

//! A bad instance is left out, and the judgement begins anew without it: it is replaced, not held against the revision.

use serde::{Deserialize, Serialize};

use super::Judgement;
use crate::judge::instances::{Suspicion, is_about_errors};
use crate::judge::{Instances, Judge};
use crate::model::{ArmRole, BAD_INSTANCE, InstanceId, Judged, Verdict};

/// An instance that was bad where its siblings were not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub instance: InstanceId,
    /// Whose.
    pub role: ArmRole,
    /// When it was found: seconds since the rollout was made.
    pub second: u64,
    /// What was seen of it.
    pub message: String,
}

impl LeftOut {
    /// For the planner, which replaces it.
    pub(super) fn judged(&self) -> Judged {
        Judged {
            verdict: Verdict::Continue,
            code: BAD_INSTANCE.to_owned(),
            message: self.message.clone(),
            instance: Some(self.instance.clone()),
        }
    }
}

impl Judgement {
    /// The instance to blame, where one is. One of each side: a second bad instance is no accident any more.
    pub(super) fn found_bad(&self, second: u64) -> Option<LeftOut> {
        let policy = self.judge.policy();
        let aborts = is_about_errors(&self.judge.decided());
        let sides = [
            (ArmRole::Candidate, self.instances.suspicion(policy, aborts)),
            (ArmRole::Stable, self.stable_instances.suspicion(policy, false)),
        ];
        let open = |role| self.left_out.iter().all(|out| out.role != role);
        sides.into_iter().find_map(|(role, suspicion)| match suspicion {
            Suspicion::Of(row) if open(role) => {
                let (instance, message) = (row.instance().clone(), row.blame());
                Some(LeftOut { instance, role, second, message })
            }
            Suspicion::Of(_) | Suspicion::Perhaps(_) | Suspicion::Nobody => None,
        })
    }

    /// Everything that was seen until now had it in it.
    pub(super) fn begin_anew(&mut self, without: LeftOut) {
        self.left_out.push(without);
        self.judge = Judge::new(self.judge.policy().clone());
        self.instances = Instances::default();
        self.stable_instances = Instances::default();
    }
}

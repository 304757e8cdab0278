//! For which runs something is, and which branches are deployed where.

use super::pattern::matches;
use crate::model::{EnvironmentPolicy, Name, RunFilter};

impl RunFilter {
    /// Whether it is for a run of a commit of this branch into this environment. A commit of no branch fits no pattern.
    pub fn fits(&self, branch: Option<&str>, environment: &Name) -> bool {
        let branches = self.branches.is_empty() || branch.is_some_and(|branch| any(&self.branches, branch));
        branches && (self.environments.is_empty() || self.environments.contains(environment))
    }

    /// Why it is not for this run.
    pub fn why_not(&self, branch: Option<&str>, environment: &Name) -> Option<String> {
        if self.fits(branch, environment) {
            return None;
        }
        let mut only = Vec::new();
        if !self.environments.is_empty() && !self.environments.contains(environment) {
            let names: Vec<&str> = self.environments.iter().map(Name::as_str).collect();
            only.push(format!("into {}", names.join(", ")));
        }
        if !self.branches.is_empty() && !branch.is_some_and(|branch| any(&self.branches, branch)) {
            only.push(format!("of the branches {}", self.branches.join(", ")));
        }
        Some(format!("only for runs {}", only.join(" and ")))
    }
}

/// Whether a push to the branch is deployed by an environment with this policy. One that is promoted to takes no pushes: its
/// patterns say which commits may be promoted.
pub fn takes_pushes(policy: &EnvironmentPolicy, branch: &str) -> bool {
    policy.promote_from.is_none() && any(&policy.branches, branch)
}

/// Whether a build of this branch that succeeded in `from` may be promoted into an environment with this policy.
pub fn promotes_from(policy: &EnvironmentPolicy, from: &Name, branch: Option<&str>) -> bool {
    let branches = policy.branches.is_empty() || branch.is_some_and(|branch| any(&policy.branches, branch));
    policy.promote_from.as_ref() == Some(from) && branches
}

fn any(patterns: &[String], branch: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, branch))
}

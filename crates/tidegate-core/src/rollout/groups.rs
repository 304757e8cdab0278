//! The instances of a service sorted by the part their revision plays.

use crate::model::{Instance, RevisionNo, Routing};

/// The part a revision plays in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is the stable revision.
    Stable,
    /// It is the candidate of the rollout in progress.
    Candidate,
    /// Neither: left over from a rollout that was taken back or superseded.
    Other,
}

/// Numbers of one group's instances; those that are to be replaced are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Meant to run.
    pub wanted: u32,
    /// Of those, taking requests.
    pub ready: u32,
    /// Of the ready ones, in rotation already. An instance without a port works as soon as it is ready.
    pub in_rotation: u32,
}

/// Numbers of all groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The stable revision's.
    pub stable: Count,
    /// The candidate's.
    pub candidate: Count,
    /// The others'.
    pub others: Count,
    /// All instances there are, stopping ones too.
    pub all: u32,
}

/// Which revisions play a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The stable revision.
    pub stable: Option<RevisionNo>,
    /// The candidate.
    pub candidate: Option<RevisionNo>,
}

impl Parts {
    /// The part of a revision.
    pub fn role(&self, revision: RevisionNo) -> Role {
        if self.candidate == Some(revision) {
            Role::Candidate
        } else if self.stable == Some(revision) {
            Role::Stable
        } else {
            Role::Other
        }
    }

    /// Counts the instances of each part.
    pub fn count(&self, instances: &[Instance], routing: &Routing) -> Counts {
        let mut counts = Counts { all: instances.len() as u32, ..Counts::default() };
        for instance in instances.iter().filter(|instance| instance.is_counted_on()) {
            let count = match self.role(instance.revision) {
                Role::Stable => &mut counts.stable,
                Role::Candidate => &mut counts.candidate,
                Role::Other => &mut counts.others,
            };
            count.wanted += 1;
            count.ready += u32::from(instance.is_ready());
            let works = instance.port.is_none() || routing.serves(&instance.id);
            count.in_rotation += u32::from(instance.is_ready() && works);
        }
        counts
    }
}

//! What was decided, as it is kept with a service and read by whoever wants to know how many instances there should be.

use serde::{Deserialize, Serialize};

use super::track::Track;
use crate::model::{RevisionNo, ServiceSpec, ServiceState};
use crate::time::Moment;

/// What the load of a service asks for. Kept with the service: a restart neither forgets nor begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Autoscaled {
    /// Of the stable revision: enough for all of the traffic. `None`: its number is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable: Option<Track>,
    /// Of the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateTracks>,
    /// Since when there has been nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<Moment>,
}

/// Numbers for the candidate of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateTracks {
    /// Whose.
    pub revision: RevisionNo,
    /// Enough for all of the traffic.
    pub whole: Track,
    /// Enough for the traffic it has.
    pub share: Track,
}

impl CandidateTracks {
    /// Instances a candidate of this weight (in percent) needs, by what all of the traffic would ask of it and by what it
    /// uses now.
    pub fn at_weight(&self, weight: u32) -> u32 {
        let part = (u64::from(self.whole.wanted) * u64::from(weight.min(100))).div_ceil(100);
        (part as u32).max(if weight == 0 { 0 } else { self.share.wanted })
    }

    /// Instances it needs before it gets all of the traffic, and keeps once it has.
    pub(super) fn all(&self) -> u32 {
        self.whole.wanted.max(self.share.wanted)
    }

    /// The same as what a stable revision keeps.
    pub(super) fn promoted(&self) -> Track {
        if self.share.wanted > self.whole.wanted { self.share.clone() } else { self.whole.clone() }
    }
}

/// Instances of a revision that are wanted for all of the traffic: by hand, by load, or fixed.
pub fn wanted(state: &ServiceState, spec: &ServiceSpec, revision: RevisionNo) -> u32 {
    if let Some(by_hand) = state.scale {
        return by_hand;
    }
    if spec.autoscale.is_none() {
        return spec.scale.min;
    }
    let autoscaled = state.autoscaled.as_ref();
    let candidate = autoscaled.and_then(|it| it.candidate.as_ref()).filter(|it| it.revision == revision);
    let by_load = match candidate {
        Some(tracks) => Some(tracks.all()),
        None => autoscaled.and_then(|it| it.stable.as_ref()).map(|track| track.wanted),
    };
    let scheduled = spec.autoscale.iter().flat_map(|policy| &policy.schedule).map(|scheduled| scheduled.max);
    let most = scheduled.fold(spec.scale.max, u32::max);
    by_load.unwrap_or(spec.scale.min.max(1)).min(most)
}

/// Instances a candidate needs for the requests it has just now; 0 where its number does not follow its load.
pub fn own_need(state: &ServiceState, revision: RevisionNo) -> u32 {
    let candidate = state.autoscaled.as_ref().and_then(|it| it.candidate.as_ref());
    let own = candidate.filter(|it| it.revision == revision && state.scale.is_none());
    own.map_or(0, |it| it.share.wanted)
}

/// Whether a rollout to this revision only shows that it can run: nothing of the service is to run just now, but an instance
/// has to have been ready before the revision counts as good.
pub fn proves_only(state: &ServiceState, spec: &ServiceSpec, revision: RevisionNo) -> bool {
    spec.scale.max > 0 && wanted(state, spec, revision) == 0
}

//! Who gets requests: a service's arms, and the table the gateway works by.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Address, ArmRule, FlagWatch, InstanceId, Lane, Mirror, OutcomeRule, RevisionNo, RoutePolicy, Sticky,
    TrafficPolicy,
};
use crate::shared::Shared;
use crate::time::Millis;

/// A service's share-out, decided by the planner. Weights sum to 100, or there are no arms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The arms with a weight over 0.
    pub arms: Vec<RoutingArm>,
    /// Arms of weight 0, asked only where no endpoint of the others can be: the stable revision kept warm.
    #[serde(default)]
    pub spare: Vec<RoutingArm>,
    /// The revision whose routes are in force.
    pub routes_of: Option<RevisionNo>,
    /// Requests that reach the candidate by what they are, before the service's own rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ArmRule>,
    /// Copies for the candidate, instead of the service's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// Keeps clients on their arm, where the service's own settings do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// What is counted of clients that keep to their arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// The lane of the train that is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
}

/// One arm of a service: a revision, its share and its instances in rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingArm {
    /// Stable or candidate.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// Its share, in percent.
    pub weight: u32,
    /// Its instances in rotation, sorted.
    pub instances: Vec<InstanceId>,
}

/// Which side of a rollout an arm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArmRole {
    /// The revision that served before.
    Stable,
    /// The revision that is being rolled out.
    Candidate,
}

impl ArmRole {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ArmRole::Stable => "stable",
            ArmRole::Candidate => "candidate",
        }
    }
}

impl Routing {
    /// Whether the gateway may send the instance a request at all.
    pub fn contains(&self, id: &InstanceId) -> bool {
        self.arms.iter().chain(&self.spare).any(|arm| arm.instances.contains(id))
    }

    /// Whether the instance is in rotation.
    pub fn serves(&self, id: &InstanceId) -> bool {
        self.arms.iter().any(|arm| arm.instances.contains(id))
    }

    /// Whether a request can reach the candidate at all.
    pub fn has_candidate(&self) -> bool {
        self.arms.iter().chain(&self.spare).any(|arm| arm.role == ArmRole::Candidate)
    }

    /// The candidate's share, in percent.
    pub fn candidate_weight(&self) -> u32 {
        self.arms.iter().filter(|arm| arm.role == ArmRole::Candidate).map(|arm| arm.weight).sum()
    }
}

/// The whole routing table of a gateway. A table with a higher epoch replaces a lower one at once and whole. Tables that
/// follow each other share what they have alike, so that to keep one, or to find what another has changed, costs little.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its number; the gateway refuses an older one.
    pub epoch: u64,
    /// Host and path to upstream. The most specific host wins, then the longest path.
    pub routes: Vec<Shared<Route>>,
    /// Upstreams by the name the routes use: the service key printed.
    pub upstreams: BTreeMap<String, Shared<Upstream>>,
    /// Where the gateway itself runs, spelled as [`Endpoint::zone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Lower-case host name without port, `*.suffix`, or `*`.
    pub host: String,
    /// Path prefix, matched at a `/` boundary.
    pub path: String,
    /// The upstream it leads to; empty where the policy answers every request.
    pub to: String,
    /// What is done besides.
    #[serde(default, skip_serializing_if = "RoutePolicy::is_none")]
    pub policy: RoutePolicy,
}

/// Where a service's requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its arms; weights sum to 100. Empty: no ready endpoint, the gateway holds requests or answers 503.
    pub arms: Vec<Arm>,
    /// How requests are shared out among them.
    #[serde(default, skip_serializing_if = "TrafficPolicy::is_default")]
    pub policy: TrafficPolicy,
    /// How long an endpoint that left the table is kept for what is in flight on it; long-lived connections are sent away
    /// in the first part of that. `None`: [`super::ServiceSpec::DRAIN`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Millis>,
    /// Where nothing runs while nobody asks for it: requests are held until something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Requests that are on a lane keep to its side, whatever else is said of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// Flags that are evaluated for each request, passed on and counted by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<FlagWatch>,
}

/// How requests are held for a service of which nothing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// At most so many; one more is answered with 503.
    pub most: u32,
    /// At most so long; 503 after it.
    pub within: Millis,
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Stable or candidate.
    pub role: ArmRole,
    /// The revision, passed upstream in `tidegate-revision`.
    pub revision: RevisionNo,
    /// Its share, in percent; 0: asked only where no endpoint of the other arms can be reached.
    pub weight: u32,
    /// Its endpoints; empty only where there is a site.
    pub endpoints: Vec<Endpoint>,
    /// Files of a build that are served instead of asking an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

/// Static files of one build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The folder, absolute. Nothing outside it is served, whatever links it contains.
    pub root: PathBuf,
    /// Paths without a file get `/index.html` (single-page applications), not 404.
    #[serde(default)]
    pub spa: bool,
    /// The file for 404, within the folder.
    #[serde(default)]
    pub not_found: Option<String>,
    /// Folders of other builds, the newest first: files whose names are made from their content are looked for there as well, for
    /// pages of those builds that are still open or cached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<PathBuf>,
}

/// Where one instance listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The instance.
    pub id: InstanceId,
    /// Its address.
    pub address: Address,
    /// Its share among the endpoints of its arm, against 100 of the others.
    #[serde(default = "full", skip_serializing_if = "is_full")]
    pub weight: u32,
    /// Where it runs, as `Geographic` and zone preference take it: `eu-west/a` (region, zone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

const fn full() -> u32 {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_full(weight: &u32) -> bool {
    *weight == 100
}

impl Endpoint {
    /// An endpoint of usual weight, anywhere.
    pub fn new(id: InstanceId, address: impl Into<Address>) -> Self {
        Endpoint { id, address: address.into(), weight: full(), zone: None }
    }
}

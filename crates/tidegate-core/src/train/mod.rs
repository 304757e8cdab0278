//! What the members of a train mean for each other: several services of an app that are rolled out as one.
//!
//! The service reconciler asks [`signal`] for every rollout that is part of a train, right before it plans it, and hands the
//! answer to the planner ([`crate::rollout::plan()`]), which obeys it. Nothing is kept here: everything is said by the
//! rollouts as they are stored, so that a kill between two members changes nothing.
//!
//! Two sentences make it one rollout. Whoever sees a member taken back is taken back; whoever sees a member promoted is
//! promoted. The first member is promoted only once all have passed, and nothing takes a member back after that, so both
//! can never be true.

mod couple;

use std::collections::BTreeMap;

pub use couple::couple;

use crate::model::{Cause, Instance, InstanceId, Intent, Leg, Phase, Rollout, RolloutId};

/// The code of a cause that lies with another member.
pub const CODE: &str = "train";

/// A member of a train as it is now.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its rollout.
    pub rollout: Rollout,
    /// Whether instances that it leaves behind may still send requests to the others; see [`still_sends`].
    pub sends: bool,
}

/// What the others of its train mean for a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// It may go by its own strategy: all candidates can be reached, and those before it have arrived.
    pub turn: bool,
    /// All others are ready for all the traffic.
    pub arrived: bool,
    /// It may be promoted: all others have passed, and nothing of the stable revision calls it any more.
    pub promote: bool,
    /// Another one is promoted: nothing takes this one back any more.
    pub committed: bool,
    /// Why it is to be taken back: another one was.
    pub lost: Option<Cause>,
    /// Its candidate may leave: no candidate calls it any more.
    pub released: bool,
    /// Who is waited for, by what: for people.
    pub waits: Option<String>,
}

/// What the others mean for the rollout `of`. `members` are in the order of the train, `of` among them.
pub fn signal(members: &[Member], of: RolloutId) -> Signal {
    let others = Others::of(members, of);
    let committed =
        members.iter().any(|member| member.rollout.id != of && member.rollout.phase == Phase::Succeeded);
    let own = members.iter().map(|member| &member.rollout).find(|rollout| rollout.id == of);
    Signal {
        turn: others.assembling.is_none() && others.walking.is_none(),
        arrived: others.coming.is_none(),
        promote: others.baking.is_none() && others.calling.is_none(),
        committed,
        lost: if committed { None } else { cause_of(members, of) },
        released: others.leaving.is_none(),
        waits: own.and_then(|own| others.waits(own)),
    }
}

/// Who is not so far yet, the first of each kind.
struct Others<'a> {
    /// Its candidate is not ready.
    assembling: Option<&'a Member>,
    /// It goes first and is on its way.
    walking: Option<&'a Member>,
    /// It is not ready for all the traffic.
    coming: Option<&'a Member>,
    /// Its bake time is not over.
    baking: Option<&'a Member>,
    /// Its stable revision still calls.
    calling: Option<&'a Member>,
    /// Its candidate still calls.
    leaving: Option<&'a Member>,
}

impl<'a> Others<'a> {
    fn of(members: &'a [Member], of: RolloutId) -> Self {
        let place = members.iter().position(|member| member.rollout.id == of).unwrap_or(members.len());
        let before = || members[..place].iter();
        let others = || members.iter().filter(|member| member.rollout.id != of);
        let behind = |leg: Leg| move |member: &&Member| !is_at(&member.rollout, leg);
        Others {
            assembling: others().find(behind(Leg::Waiting)),
            walking: before().find(behind(Leg::Arrived)),
            coming: others().find(behind(Leg::Arrived)),
            baking: others().find(behind(Leg::Passed)),
            calling: before().find(|member| member.rollout.phase != Phase::Succeeded || member.sends),
            leaving: before().find(|member| !member.rollout.phase.is_final() || member.sends),
        }
    }

    /// Whom a rollout waits for, in words.
    fn waits(&self, own: &Rollout) -> Option<String> {
        let say = |member: Option<&Member>, what: &str| Some(format!("{}{what}", service(member?)));
        match (own.phase, own.train.as_ref()?.leg) {
            (Phase::Progressing, Leg::Waiting) => {
                say(self.assembling, ", of the same train, is not ready yet")
                    .or_else(|| say(self.walking, ", of the same train, goes first"))
            }
            (Phase::Progressing, Leg::Arrived) => say(self.coming, ", of the same train, has not arrived"),
            (Phase::Promoting, Leg::Passed) => say(self.baking, ", of the same train, has not passed")
                .or_else(|| say(self.calling, "'s stable instances finish their requests first")),
            (Phase::Aborting, _) => say(self.leaving, "'s candidate leaves first"),
            (_, _) => None,
        }
    }
}

/// Whether a rollout is so far, or further.
fn is_at(rollout: &Rollout, leg: Leg) -> bool {
    let far = rollout.train.as_ref().is_some_and(|carriage| carriage.leg >= leg);
    far || rollout.phase == Phase::Succeeded
}

/// What took another member back; the one it began with, where several were.
fn cause_of(members: &[Member], of: RolloutId) -> Option<Cause> {
    let lost: Vec<&Member> =
        members.iter().filter(|member| member.rollout.id != of && is_lost(member.rollout.phase)).collect();
    let began = |member: &&&Member| member.rollout.cause.as_ref().is_some_and(|cause| cause.code != CODE);
    let first = lost.iter().find(began).or(lost.first())?;
    let why = first.rollout.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
    let message = format!("{}, of the same train, was taken back{why}", service(first));
    Some(Cause { code: CODE.to_owned(), message, instance: None })
}

fn is_lost(phase: Phase) -> bool {
    match phase {
        Phase::Aborting | Phase::Aborted | Phase::Failed | Phase::Superseded => true,
        Phase::Pending | Phase::Progressing | Phase::Paused | Phase::Promoting | Phase::Succeeded => false,
    }
}

fn service(member: &Member) -> &str {
    member.rollout.key.service.as_str()
}

/// Whether what a rollout leaves behind may still send requests: instances of the stable revision once it has succeeded, of
/// the candidate otherwise, that may have one in flight. `inflight`: requests in flight by instance, where that is known.
pub fn still_sends(
    rollout: &Rollout,
    instances: &[Instance],
    inflight: Option<&BTreeMap<InstanceId, u32>>,
) -> bool {
    let left = if rollout.phase == Phase::Succeeded { rollout.from } else { Some(rollout.to) };
    let busy = |instance: &Instance| {
        inflight.is_none_or(|inflight| inflight.get(&instance.id).is_some_and(|count| *count > 0))
    };
    instances.iter().filter(|instance| Some(instance.revision) == left).any(|instance| {
        match instance.intent {
            Intent::Run => true,
            Intent::Drain { since } => since.is_none() || busy(instance),
            Intent::Stop { .. } => false,
        }
    })
}

/// Whether all of a train's candidates have all the traffic, so that a newer rollout starts from them; or none counts.
pub fn serves_alone<'a>(members: impl IntoIterator<Item = &'a Rollout>) -> bool {
    members.into_iter().all(|member| {
        member.phase == Phase::Succeeded
            || (crate::rollout::begin::serves_alone(member) && member.progress > 0)
    })
}

#[cfg(test)]
mod tests;

//! The decision: from what was wanted and what was measured to what is wanted now.

use super::measured::Measured;
use super::need::{Need, need};
use super::state::{Autoscaled, CandidateTracks, wanted};
use super::track::Track;
use crate::event::Event;
use crate::model::{Autoscale, RevisionNo, ServiceSpec, ServiceState};
use crate::time::{Millis, Moment};

/// Bounds in force: the manifest's, or those of the time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
}

impl Bounds {
    /// Those of a service at a time, in milliseconds since the Unix epoch.
    pub fn of(spec: &ServiceSpec, unix_ms: u64) -> Self {
        let schedule = spec.autoscale.iter().flat_map(|policy| &policy.schedule);
        let now = schedule.into_iter().find(|scheduled| scheduled.holds_at(unix_ms));
        now.map_or(Bounds { min: spec.scale.min, max: spec.scale.max }, |it| Bounds {
            min: it.min,
            max: it.max,
        })
    }
}

/// One revision of a service.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its number.
    pub revision: RevisionNo,
    /// The service as it has it.
    pub spec: &'a ServiceSpec,
    /// Between how many instances.
    pub bounds: Bounds,
}

/// What a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The service.
    pub state: &'a ServiceState,
    /// Its stable revision.
    pub stable: Option<Part<'a>>,
    /// The candidate of its rollout in progress.
    pub candidate: Option<Part<'a>>,
    /// Its load.
    pub measured: &'a Measured,
    /// Now.
    pub now: Moment,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// To be kept with the service.
    pub autoscaled: Option<Autoscaled>,
    /// What users are told.
    pub events: Vec<Event>,
    /// Why it is so, one line for each revision.
    pub report: Vec<String>,
}

/// Decides how many instances are wanted now.
pub fn decide(input: &Input<'_>) -> Decision {
    let policies = [input.stable, input.candidate].into_iter().flatten().filter_map(|part| policy(&part));
    if policies.count() == 0 {
        return Decision { autoscaled: None, events: Vec::new(), report: Vec::new() };
    }
    if let Some(by_hand) = input.state.scale {
        return pinned(input, by_hand);
    }
    let mut decider = Decider::new(input);
    decider.autoscaled.quiet_since = decider.quiet_since();
    decider.stable();
    decider.candidate();
    Decision { autoscaled: Some(decider.autoscaled), events: decider.events, report: decider.report }
}

fn policy<'a>(part: &Part<'a>) -> Option<&'a Autoscale> {
    part.spec.autoscale.as_ref()
}

/// Set by hand: what the load asks for begins from there once it counts again.
fn pinned(input: &Input<'_>, by_hand: u32) -> Decision {
    let before = input.state.autoscaled.as_ref().and_then(|it| it.stable.clone());
    let track = before.filter(|track| track.wanted == by_hand).unwrap_or_else(|| Track::new(by_hand));
    let service = &input.state.key.service;
    let report =
        format!("{by_hand} by hand; `tidegate scale {service}=auto` has the number follow the load again");
    let autoscaled = Autoscaled { stable: Some(track), ..Autoscaled::default() };
    Decision { autoscaled: Some(autoscaled), events: Vec::new(), report: vec![report] }
}

struct Decider<'a> {
    input: &'a Input<'a>,
    autoscaled: Autoscaled,
    events: Vec<Event>,
    report: Vec<String>,
}

impl<'a> Decider<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        let before = input.state.autoscaled.clone().unwrap_or_default();
        let autoscaled = Autoscaled {
            stable: stable_from(input, &before),
            candidate: candidate_from(input, &before),
            quiet_since: before.quiet_since,
        };
        Decider { input, autoscaled, events: Vec::new(), report: Vec::new() }
    }

    /// Since when there has been nothing to do, as far as is known.
    fn quiet_since(&self) -> Option<Moment> {
        let stable = self.input.stable.as_ref().and_then(policy);
        let queue = stable.is_some_and(|policy| policy.queue.is_some());
        match self.input.measured.is_quiet(queue) {
            Some(true) => Some(self.autoscaled.quiet_since.unwrap_or(self.input.now)),
            Some(false) | None => None,
        }
    }

    fn stable(&mut self) {
        let Some(part) = self.input.stable else { return };
        let (Some(policy), Some(mut track)) = (policy(&part), self.autoscaled.stable.take()) else { return };
        let before = track.wanted;
        let (load, telling) = self.input.measured.whole_of_stable();
        let mut need = need(policy, &load, Some(self.input.measured.queue), before);
        need.certain &= telling || policy.only_rates();
        let why = self.follow(&mut track, part, policy, need);
        self.tell(part, before, track.wanted, &why);
        self.autoscaled.stable = Some(track);
    }

    fn candidate(&mut self) {
        let Some(part) = self.input.candidate else { return };
        let (Some(policy), Some(mut tracks)) = (policy(&part), self.autoscaled.candidate.take()) else {
            return;
        };
        let before = tracks.all();
        let measured = self.input.measured;
        let (load, telling) = measured.whole_of_candidate();
        let mut whole = need(policy, &load, Some(measured.queue), tracks.whole.wanted);
        whole.certain &= telling || policy.only_rates();
        let share = need(policy, &measured.candidate, None, tracks.share.wanted);
        let own = share.instances > whole.instances;
        let why_whole = self.follow(&mut tracks.whole, part, policy, whole);
        let why_share = self.follow(&mut tracks.share, part, policy, share);
        self.tell(part, before, tracks.all(), if own { &why_share } else { &why_whole });
        self.autoscaled.candidate = Some(tracks);
    }

    /// Moves a track towards a need; why it is where it is, in words.
    fn follow(&self, track: &mut Track, part: Part<'_>, policy: &Autoscale, need: Need) -> String {
        let now = self.input.now;
        let least = part.bounds.min.max(1);
        let most = part.bounds.max.max(least);
        if let Some(idle) = policy.idle.filter(|_| part.bounds.min == 0) {
            if self.sleeps(track, idle, &need) {
                track.jump(0, now);
                return format!("no request for {idle}");
            }
            if track.wanted == 0 {
                track.jump(1, now);
                return self.woken(&need);
            }
        }
        let asked = need.instances.clamp(least, most);
        let asked = if need.certain { asked } else { asked.max(track.wanted) };
        track.follow(asked, policy, (least, most), now);
        explained(track.wanted, asked, policy, need)
    }

    /// Whether nothing is to run: after a while without anything to do, and then until there is something.
    fn sleeps(&self, track: &Track, idle: Millis, need: &Need) -> bool {
        if track.wanted == 0 {
            return self.input.measured.waiting == 0 && need.instances == 0;
        }
        let quiet = self.autoscaled.quiet_since.is_some_and(|since| self.input.now.since(since) >= idle);
        quiet && self.input.candidate.is_none()
    }

    fn woken(&self, need: &Need) -> String {
        match self.input.measured.waiting {
            0 => need.why.clone(),
            1 => "a request waits for it".to_owned(),
            waiting => format!("{waiting} requests wait for it"),
        }
    }

    fn tell(&mut self, part: Part<'_>, before: u32, now: u32, why: &str) {
        let (key, Bounds { min, max }) = (&self.input.state.key, part.bounds);
        let of = if Some(part.revision) == self.input.state.stable { "" } else { " of the candidate" };
        if before != now {
            let message = format!("{}: {before} → {now} instances{of}: {why}", key.service);
            self.events.push(Event::of(key, "service.autoscaled", Some(part.revision), message));
        }
        self.report.push(format!("{now} instances{of} wanted, of {min} to {max}: {why}"));
    }
}

impl Autoscale {
    /// Whether requests a second and a queue are all that counts: these are the service's, whichever arm has them.
    fn only_rates(&self) -> bool {
        self.concurrency.is_none() && self.cpu.is_none() && self.p95.is_none()
    }
}

fn stable_from(input: &Input<'_>, before: &Autoscaled) -> Option<Track> {
    let part = input.stable?;
    policy(&part)?;
    // The candidate became stable: it keeps what it has.
    let promoted = before.candidate.as_ref().filter(|tracks| tracks.revision == part.revision);
    let kept = promoted.map(CandidateTracks::promoted).or_else(|| before.stable.clone());
    Some(kept.unwrap_or_else(|| Track::new(part.bounds.min.max(1))))
}

fn candidate_from(input: &Input<'_>, before: &Autoscaled) -> Option<CandidateTracks> {
    let part = input.candidate?;
    policy(&part)?;
    let kept = before.candidate.clone().filter(|tracks| tracks.revision == part.revision);
    kept.or_else(|| {
        let fixed = || input.stable.map(|stable| wanted(input.state, stable.spec, stable.revision));
        let begin = stable_from(input, before).or_else(|| fixed().map(Track::new));
        let whole = begin.unwrap_or_else(|| Track::new(part.bounds.min.max(1)));
        let share = Track::new(whole.wanted.min(1));
        Some(CandidateTracks { revision: part.revision, whole, share })
    })
}

/// Why so many are wanted while `asked` are asked for.
fn explained(wanted: u32, asked: u32, policy: &Autoscale, need: Need) -> String {
    let why = if need.why.is_empty() { "nothing asks for more".to_owned() } else { need.why };
    if !need.certain && wanted >= asked {
        return format!("{why}; not everything could be measured, so it is not made fewer");
    }
    match wanted.cmp(&asked) {
        std::cmp::Ordering::Greater => {
            format!("{why}; fewer once that has been so for {}", policy.down_after)
        }
        std::cmp::Ordering::Less => format!("{why}; more once that has been so for {}", policy.up_after),
        std::cmp::Ordering::Equal => why,
    }
}

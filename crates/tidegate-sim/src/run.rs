//! One run: a story from a seed, played to its end and looked at when everything is at rest.

use tidegate_backend::fake::Behaviour;
use tidegate_core::model::{DeployPhase, Phase, Request};
use tidegate_core::time::Millis;
use tidegate_store::StoreError;

use crate::ask;
use crate::gateway::Requests;
use crate::invariants::{self as check, Held, Violation};
use crate::log::Log;
use crate::rng::Rng;
use crate::sim::{Sim, Tally};
use crate::story::{self, Act, Faults, Story, When};

/// Longest wait for an act's moment.
const PATIENCE: Millis = Millis::seconds(90);
/// Longest time from the end of the story to rest.
const TO_REST: Millis = Millis::seconds(1_800);

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Its numbers.
    pub tally: Tally,
    /// Its requests.
    pub requests: Requests,
    /// Virtual time it took.
    pub virtual_ms: u64,
    /// How it ended, names of instances and times apart.
    pub end: String,
    /// The broken invariant.
    pub violation: Option<Violation>,
    /// What happened, where it was wanted.
    pub trace: Vec<String>,
}

/// Plays the story of a seed.
pub fn play(seed: u64, faults: Faults, trace: bool) -> Report {
    let story = story::make_up(&mut Rng::new(seed), faults);
    play_story(&story, seed, faults, trace)
}

/// Plays a story without crashes and with them: both must end the same.
pub fn play_twice(seed: u64) -> Report {
    let story = story::make_up(&mut Rng::new(seed), Faults::Crash);
    let without = play_story(&story, seed, Faults::None, false);
    if without.violation.is_some() {
        return without;
    }
    let mut with = play_story(&story, seed, Faults::Crash, false);
    if with.violation.is_none() {
        with.violation = check::equivalence::invariant_a_kill_changes_nothing(&without.end, &with.end).err();
    }
    with
}

/// Plays a story.
pub fn play_story(story: &Story, seed: u64, faults: Faults, trace: bool) -> Report {
    let log = Log::new(trace);
    let mut sim = Sim::new(seed, faults, log.clone()).expect("a store in memory can always be opened");
    let begin = sim.now;
    if faults == Faults::Judged {
        sim.gateway.count();
        sim.rush = 5;
    }
    let outcome = tell(&mut sim, story);
    let end = summary(&sim).unwrap_or_default();
    Report {
        tally: sim.tally,
        requests: sim.gateway.requests(),
        virtual_ms: sim.now.since(begin).0,
        end,
        violation: outcome.err(),
        trace: log.lines(),
    }
}

fn tell(sim: &mut Sim, story: &Story) -> Held {
    sim.send_requests_to(&story.routed);
    sim.expect_trouble(&story.faults);
    for (when, act) in &story.acts {
        sim.wait_for(*when)?;
        sim.act(act).map_err(failed)?;
    }
    // What was asked last is under way before the story counts as over.
    sim.run_until(Millis::seconds(8), |_| false)?;
    sim.come_to_rest()
}

fn failed(error: StoreError) -> Violation {
    Violation { invariant: "invariant_the_store_takes_it", what: error.to_string() }
}

impl Sim {
    fn wait_for(&mut self, when: When) -> Held {
        let found = match when {
            When::After(span) => self.run_until(span, |_| false)?,
            When::AtRest => self.run_until(PATIENCE, |sim| sim.is_at_rest())?,
            When::InPhase(phase) => self.run_until(PATIENCE, |sim| {
                sim.view.active.iter().any(|rollout| rollout.phase == phase) || sim.is_at_rest()
            })?,
        };
        let _ = found;
        Ok(())
    }

    /// A person does something.
    pub fn act(&mut self, act: &Act) -> Result<bool, StoreError> {
        let time = self.time();
        let store = &mut self.store;
        let done = match act {
            Act::Deploy(plan) => ask::deploy(store, plan, time).map(|_| true),
            Act::Ask(key, request) => ask::request(store, key, *request),
            Act::Rollback(key) => ask::rollback(store, key, time),
            Act::Retry(key) => ask::retry(store, key, time),
            Act::Scale(key, instances) => ask::scale(store, key, *instances),
        }?;
        self.log.say(|| format!("ASKED {} {}", in_words(act), if done { "" } else { "(refused)" }));
        self.nudge(Millis(1));
        Ok(done)
    }

    /// Nothing moves and nothing is about to.
    pub fn is_at_rest(&mut self) -> bool {
        self.view.active.is_empty()
            && self.next_pass > self.now
            && self.store.open_deploys().is_ok_and(|deploys| {
                deploys.iter().all(|d| !matches!(d.phase, DeployPhase::Building | DeployPhase::Migrating))
            })
            && self.view.services.values().all(|service| {
                service.is_as_wanted()
                    && service.instances.iter().all(|instance| {
                        let spec = service.specs.get(&instance.revision);
                        let good =
                            spec.and_then(|s| s.run.parse::<Behaviour>().ok()).is_some_and(|b| b.is_good());
                        instance.is_ready() || !good
                    })
            })
    }

    /// All faults end, whatever is paused goes on, and then nothing moves any more.
    pub fn come_to_rest(&mut self) -> Held {
        self.calm_down();
        let until = self.now + TO_REST;
        loop {
            self.resume_all()?;
            if self.run_until(Millis::seconds(10), |sim| sim.is_at_rest())? {
                break;
            }
            if self.now >= until {
                return check::rest::invariant_every_story_comes_to_rest(false, || self.why_not_at_rest());
            }
        }
        self.run_until(Millis::seconds(3), |_| false)?;
        self.check_rest()
    }

    fn resume_all(&mut self) -> Held {
        for rollout in self.view.active.clone() {
            if rollout.phase == Phase::Paused || rollout.request == Some(Request::Pause) {
                self.act(&Act::Ask(rollout.key, Request::Resume)).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn check_rest(&mut self) -> Held {
        check::rest::invariant_rest_is_what_is_wanted(&self.view)?;
        check::rest::invariant_no_orphans(&self.view, &self.store, &self.backend)?;
        check::rest::invariant_rest_has_an_empty_outbox(&self.store)?;
        for (app, environment) in self.store.apps().map_err(failed)? {
            for deploy in self.store.deploys_of(&app, &environment, 100).map_err(failed)? {
                check::migration::invariant_a_migration_runs_once(&deploy, &self.backend)?;
                check::migration::invariant_nothing_follows_a_failed_migration(&deploy, &self.store)?;
            }
        }
        Ok(())
    }

    fn why_not_at_rest(&self) -> String {
        let mut why: Vec<String> = self.view.active.iter().map(|rollout| format!("{rollout:?}")).collect();
        for (key, service) in &self.view.services {
            let wanted = service.desired(service.state.stable);
            why.push(format!("{key}: stable {:?} wants {wanted}", service.state.stable));
            why.extend(service.instances.iter().map(|instance| format!("  {instance:?}")));
        }
        why.join("\n")
    }
}

fn in_words(act: &Act) -> String {
    match act {
        Act::Deploy(plan) => {
            let service = |(name, spec): (&String, &tidegate_core::model::ServiceSpec)| {
                let (kind, batch) = (spec.strategy.kind, spec.strategy.batch);
                format!("{name} x{} {kind}/{batch} {:?} `{}`", spec.scale.min, spec.port, spec.run)
            };
            let services: Vec<String> = plan.services.iter().map(service).collect();
            let (build, migrate) = (&plan.build, &plan.migrate);
            format!(
                "deploy {} {} build {build:?} migrate {migrate:?}: {}",
                plan.app,
                plan.snapshot,
                services.join("; ")
            )
        }
        Act::Ask(key, request) => format!("{request:?} {key}"),
        Act::Rollback(key) => format!("rollback {key}"),
        Act::Retry(key) => format!("retry {key}"),
        Act::Scale(key, instances) => format!("scale {key} to {instances}"),
    }
}

/// How everything ended: what a kill must not change.
fn summary(sim: &Sim) -> Result<String, StoreError> {
    let mut lines = Vec::new();
    for (key, service) in &sim.view.services {
        let state = &service.state;
        let counts = service.instances.iter().filter(|i| Some(i.revision) == state.stable).count();
        lines.push(format!(
            "{key} stable {:?} previous {:?} scale {:?}: {counts} of {} instances",
            state.stable,
            state.previous,
            state.scale,
            service.instances.len()
        ));
        for rollout in sim.store.rollouts_of(key, 100)?.into_iter().rev() {
            let (id, kind, from, to, phase) =
                (rollout.id, rollout.kind, rollout.from, rollout.to, rollout.phase);
            lines.push(format!("  rollout {id} {kind:?} {from:?} to {to} {phase}"));
        }
    }
    for (app, environment) in sim.store.apps()? {
        for deploy in sim.store.deploys_of(&app, &environment, 100)?.into_iter().rev() {
            let migrated = deploy.migration.is_some();
            lines.push(format!(
                "deploy {} {:?} {:?} {:?} {migrated}",
                deploy.id, deploy.phase, deploy.revision, deploy.error
            ));
        }
    }
    lines.extend(
        sim.store
            .builds()?
            .iter()
            .map(|build| format!("build {} {:?}", build.id.0, phase_word(&build.phase))),
    );
    Ok(lines.join("\n"))
}

fn phase_word(phase: &tidegate_core::model::BuildPhase) -> &'static str {
    use tidegate_core::model::BuildPhase;
    match phase {
        // Whether a build nobody needs was already removed is a matter of the minute.
        BuildPhase::Ready | BuildPhase::Pruned => "ready",
        BuildPhase::Failed(_) => "failed",
        BuildPhase::Waiting | BuildPhase::Unpacking | BuildPhase::Running(_) | BuildPhase::Sealing => {
            "unfinished"
        }
    }
}

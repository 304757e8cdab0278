//! Environments of branches in virtual time: runs bring them, others push them out, time passes, and the control plane is killed
//! between any two of its effects. In the end there is nothing left of any of them.

use tidegate_core::model::{EnvironmentPolicy, Name, PipelineRun, PreviewPolicy, RunPreview, RunSource};
use tidegate_core::time::Millis;
use tidegate_store::{EventFilter, StoreError};

use crate::ask;
use crate::invariants::{Held, Violation, ensure};
use crate::log::Log;
use crate::pipeline::{broken, enter, run_of};
use crate::rng::Rng;
use crate::sim::Sim;
use crate::story::Faults;

const APP: &str = "shop";
const BRANCHES: [&str; 4] = ["login", "cart", "pay", "mail"];
const MOST: u32 = 2;
const STAYS: Millis = Millis::seconds(120);
/// Every run of a story is over by then.
const ALL_OVER: Millis = Millis::seconds(900);
/// Drains, stops and a look once a period.
const SETTLED: Millis = Millis::seconds(100);

/// What a story came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreviewTally {
    /// Environments that were made.
    pub made: usize,
    /// Environments that were gone in the end.
    pub removed: usize,
    /// Crashes of the control plane.
    pub crashes: u64,
}

/// Plays the story of a seed.
///
/// # Errors
/// The invariant that broke.
pub fn play(seed: u64, faults: Faults) -> Result<PreviewTally, Violation> {
    let mut rng = Rng::new(seed);
    let mut sim = Sim::new(seed, faults, Log::new(false)).map_err(broken)?;
    for _ in 0..rng.within(4, 7) {
        let branch = BRANCHES[rng.within(0, BRANCHES.len() as u64 - 1) as usize];
        push(&mut sim, &mut rng, branch).map_err(broken)?;
        sim.run_until(Millis(rng.within(10, 30_000)), |_| false)?;
    }
    let over = |sim: &mut Sim| sim.store.open_pipeline_runs().is_ok_and(|open| open.is_empty());
    let ended = sim.run_until(ALL_OVER, over)?;
    ensure("invariant_every_run_ends", ended, || format!("{:#?}", sim.store.open_pipeline_runs()))?;
    sim.faults = Faults::None;
    sim.run_until(SETTLED, |_| false)?;
    invariant_no_more_than_there_may_be(&sim)?;
    sim.run_until(STAYS, |_| false)?;
    sim.run_until(SETTLED, |_| false)?;
    invariant_nothing_is_left(&sim)?;
    let (made, removed) = (told(&sim, "environment.made")?, told(&sim, "environment.removed")?);
    Ok(PreviewTally { made, removed, crashes: sim.tally.crashes })
}

/// How often something happened.
fn told(sim: &Sim, kind: &str) -> Result<usize, Violation> {
    let events = sim.store.events(0, &EventFilter::default(), 100_000).map_err(broken)?;
    Ok(events.iter().filter(|event| event.event.kind == kind).count())
}

/// A run of a branch into its environment.
fn push(sim: &mut Sim, rng: &mut Rng, branch: &str) -> Result<(), StoreError> {
    let source = RunSource { branch: Some(format!("feature/{branch}")), ..RunSource::default() };
    let environment: Name = ask::name(&format!("preview-{branch}"));
    let run = run_of(sim, rng, APP, (environment, source))?;
    let preview = PreviewPolicy { most: MOST, stays: STAYS };
    let policy = EnvironmentPolicy { preview: Some(preview), ..EnvironmentPolicy::default() };
    let of = RunPreview { base: ask::name("preview"), slug: branch.to_owned() };
    enter(sim, &PipelineRun { policy, preview: Some(of), push: None, ..run })
}

/// Once nothing is on its way.
fn invariant_no_more_than_there_may_be(sim: &Sim) -> Held {
    let previews = sim.store.previews().map_err(broken)?;
    ensure("invariant_no_more_than_there_may_be", previews.len() <= MOST as usize, || {
        format!("{previews:#?}")
    })
}

/// No row, no process, no route.
fn invariant_nothing_is_left(sim: &Sim) -> Held {
    let rows = sim.store.previews().map_err(broken)?.len()
        + sim.store.services().map_err(broken)?.len()
        + sim.store.all_instances().map_err(broken)?.len()
        + sim.store.apps().map_err(broken)?.len();
    let table = sim.store.routing().map_err(broken)?;
    let nothing = rows == 0 && table.upstreams.is_empty() && table.routes.is_empty();
    ensure("invariant_nothing_is_left", nothing && sim.backend.units().is_empty(), || {
        format!("{rows} rows, {table:?}, {:?}", sim.backend.units().keys())
    })
}

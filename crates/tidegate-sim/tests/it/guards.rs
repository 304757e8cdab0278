//! The guard reconciler with the real engine and store: what holds a share, what does not, and that nothing of it ends the loop.

use serde_json::json;
use tidegate_backend::fake::FakeBackend;
use tidegate_control::engine::{Engine, EngineConfig, Time, World};
use tidegate_control::seams::RouteSink;
use tidegate_core::experiment::{Design, Experiment, ExperimentKey, Meaning};
use tidegate_core::model::{
    Build, BuildFlags, BuildId, BuildPhase, BuildSource, CountsReport, FLAG_CELLS, FlagCounts,
    FlagDefinitions, FlagKey, FlagState, GatewayObservation, Guard, GuardStep, Histogram, Millionths, Name,
    Outcomes, Revision, RevisionNo, RevisionSpec, RouteTable, ServiceKey, ServiceState, Serving, Share,
};
use tidegate_core::time::{Millis, Moment};
use tidegate_sim::workshop::FakeWorkshop;
use tidegate_sim::workspace::FakeWorkspaces;
use tidegate_store::{EventFilter, Store};

/// How long each share is watched, in seconds.
const HOLD: u64 = 60;
/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

/// A gateway that says what it is told to say.
struct Gateway(CountsReport);

impl RouteSink for Gateway {
    fn push(&mut self, _: &RouteTable) {}

    fn observe(&mut self) -> GatewayObservation {
        GatewayObservation { alive: true, counts: Some(self.0.clone()), ..GatewayObservation::default() }
    }
}

/// A control plane with a guarded release of `new-cart` at 40 %, then 80 % and everybody.
struct Rig {
    store: Store,
    engine: Engine,
    gateway: Gateway,
    second: u64,
    /// How far the wall clock is off, in milliseconds.
    wall: i64,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn flag() -> FlagKey {
    "new-cart".parse().unwrap()
}

fn place() -> (Name, Name) {
    (name("shop"), name("production"))
}

fn document() -> serde_json::Value {
    json!({"flags": {"new-cart": {
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"fractional": [["on", 40], ["off", 60]]},
        "metadata": {"class": "experiment", "experiment": {"metric": "bought", "users": 1000, "within": "1h"}}
    }}})
}

fn guarded() -> FlagState {
    let step = |of| GuardStep { of: Millionths(of), hold: Millis::seconds(HOLD) };
    let steps = vec![step(400_000), step(800_000), step(1_000_000)];
    let share = Share { variant: "on".into(), otherwise: "off".into(), of: Millionths(400_000), by: None };
    let guard = Guard { user: Vec::new(), steps, step: 0, since_unix_ms: 0 };
    FlagState {
        serving: Serving::Share(share),
        guard: Some(guard),
        version: 1,
        ..FlagState::untouched(flag())
    }
}

impl Rig {
    fn new() -> Self {
        let mut store = Store::in_memory().unwrap();
        let (app, environment) = place();
        let definitions = FlagDefinitions {
            app: app.clone(),
            environment: environment.clone(),
            deploy: None,
            revision: None,
            document: document(),
        };
        let put = |tx: &tidegate_store::Tx<'_>| {
            tx.put_flag_definitions(&definitions)?;
            tx.put_flag_state(&app, &environment, &guarded())
        };
        store.transaction(put).unwrap();
        let report = CountsReport { incarnation: "g1".to_owned(), ..CountsReport::default() };
        let mut rig = Rig { store, engine: engine(), gateway: Gateway(report), second: 1, wall: 0 };
        rig.seconds(1);
        rig
    }

    /// So many seconds, in each of which one user of every cell asks a service for each variant. `bad`: with the variant.
    fn seconds(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second += 1;
            self.ask("shop/production/web", false);
            self.pass();
        }
    }

    fn ask(&mut self, service: &str, bad: bool) {
        let version = self.state().version;
        self.gateway.0.flags.retain(|row| row.version == version);
        for variant in ["on", "off"] {
            let like = |row: &&mut FlagCounts| row.upstream == service && row.variant == variant;
            if !self.gateway.0.flags.iter_mut().any(|mut row| like(&mut row)) {
                self.gateway.0.flags.push(row(service, variant, version));
            }
            let row = self.gateway.0.flags.iter_mut().find(like).unwrap();
            row.requests.iter_mut().for_each(|n| *n += 1_000);
            if bad && variant == "on" {
                row.bad.iter_mut().for_each(|n| *n += 1_000);
            }
        }
    }

    fn pass(&mut self) {
        let now = Moment(self.second * 1_000);
        let unix_ms = (1_700_000_000_000_i64 + self.wall + now.0 as i64) as u64;
        let (mut backend, mut workshop, mut workspaces) =
            (FakeBackend::new(), FakeWorkshop::default(), FakeWorkspaces::default());
        let mut world = World {
            store: &mut self.store,
            backend: &mut backend,
            routes: &mut self.gateway,
            workshop: &mut workshop,
            workspaces: &mut workspaces,
            repositories: None,
            vault: None,
        };
        self.engine.pass(&mut world, Time { now, unix_ms }).unwrap();
    }

    fn state(&self) -> FlagState {
        let (app, environment) = place();
        self.store.flag_state(&app, &environment, &flag()).unwrap()
    }

    fn step(&self) -> Option<usize> {
        self.state().guard.map(|guard| guard.step)
    }

    /// What was told of a kind.
    fn told(&self, kind: &str) -> Vec<String> {
        let events = self.store.events(0, &EventFilter::default(), 10_000).unwrap();
        let of_kind = events.into_iter().filter(|stored| stored.event.kind == kind);
        of_kind.map(|stored| stored.event.message).collect()
    }
}

fn engine() -> Engine {
    Engine::new(EngineConfig::default(), Default::default())
}

fn row(service: &str, variant: &str, version: u64) -> FlagCounts {
    FlagCounts {
        upstream: service.to_owned(),
        flag: flag(),
        version,
        variant: variant.to_owned(),
        revision: RevisionNo(1),
        outcomes: Outcomes::default(),
        latencies: Histogram::default(),
        requests: vec![0; FLAG_CELLS],
        bad: vec![0; FLAG_CELLS],
    }
}

#[test]
fn a_clock_that_jumps_neither_cuts_a_watch_short_nor_draws_it_out() {
    for jump in [HOUR, -HOUR] {
        let mut rig = Rig::new();
        rig.seconds(20);
        rig.wall = jump;
        rig.seconds(HOLD - 21);
        assert_eq!(rig.step(), Some(0), "{jump} ms: its time is not over");
        rig.seconds(2);
        assert_eq!(rig.step(), Some(1), "{jump} ms: its time is over");
        rig.wall = -jump;
        rig.engine = engine();
        rig.seconds(HOLD - 2);
        assert_eq!(rig.step(), Some(1), "{jump} ms: the next one is not over");
        rig.seconds(3);
        assert_eq!(rig.step(), None, "{jump} ms: it is where it was to end");
        assert_eq!(rig.state().serving, Serving::Variant("on".to_owned()));
    }
}

#[test]
fn a_share_stays_while_an_experiment_runs_on_the_flag() {
    let mut rig = Rig::new();
    let (app, environment) = place();
    let key = ExperimentKey { app, environment, flag: flag() };
    let state = FlagState::untouched(flag());
    let definition = &document()["flags"]["new-cart"];
    let (rule, digest) = (definition["targeting"].clone(), String::new());
    let design = Design::of(definition, &Meaning { rule, digest }, &state).unwrap().unwrap();
    let experiment = Experiment::begin(1, key, design, 1);
    rig.store.transaction(|tx| tx.put_experiment(&experiment)).unwrap();
    rig.seconds(HOLD + 10);
    assert_eq!(rig.step(), Some(0));
    let told = rig.told("flag.guard.held");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("an experiment runs on it"), "{told:?}");
    rig.ask("shop/production/web", true);
    rig.second += 1;
    rig.pass();
    assert_eq!(rig.step(), None, "a variant that fails is turned off all the same");
}

#[test]
fn a_share_stays_while_a_revision_that_serves_lacks_the_code() {
    let mut rig = Rig::new();
    let (app, environment) = place();
    let build = BuildId("b".repeat(64));
    let made = Build {
        id: build.clone(),
        app: app.clone(),
        snapshot: String::new(),
        run: None,
        within_ms: 1_000,
        phase: BuildPhase::Ready,
        content: None,
        size: 0,
        source: BuildSource { commit: None, dirty: false },
        made_at_unix_ms: 0,
    };
    let revision = Revision {
        app: app.clone(),
        environment: environment.clone(),
        number: RevisionNo(1),
        digest: String::new(),
        spec: RevisionSpec {
            build: build.clone(),
            services: Default::default(),
            routes: Vec::new(),
            migrate: None,
            jobs: Default::default(),
            trains: Default::default(),
            settings: Default::default(),
        },
        commit: None,
        dirty: false,
        made_at_unix_ms: 0,
    };
    let key = ServiceKey { app, environment, service: name("web") };
    let service = ServiceState { stable: Some(RevisionNo(1)), ..ServiceState::new(key) };
    let put = |tx: &tidegate_store::Tx<'_>| {
        tx.put_build(&made)?;
        tx.put_revision(&revision)?;
        tx.put_build_flags(&build, &BuildFlags { keys: Default::default(), partly: false })?;
        tx.put_service(&service)
    };
    rig.store.transaction(put).unwrap();
    rig.seconds(HOLD + 10);
    assert_eq!(rig.step(), Some(0));
    let told = rig.told("flag.guard.held");
    assert!(told.len() == 1 && told[0].contains("its code is not in every revision"), "{told:?}");
    let has = BuildFlags { keys: [flag()].into_iter().collect(), partly: false };
    rig.store.transaction(|tx| tx.put_build_flags(&build, &has)).unwrap();
    rig.seconds(2);
    assert_eq!(rig.step(), Some(1), "{:?}", rig.told("flag.guard.held"));
}

#[test]
fn more_than_can_be_kept_holds_a_share_and_ends_nothing() {
    let mut rig = Rig::new();
    let services: Vec<String> = (0..400).map(|n| format!("shop/production/s{n}")).collect();
    for _ in 0..3 {
        services.iter().for_each(|service| rig.ask(service, false));
        rig.seconds(1);
    }
    rig.seconds(3);
    assert_eq!((rig.step(), rig.told("flag.guard.held").len()), (Some(0), 1));
    assert!(rig.told("flag.guard.held")[0].contains("more than can be kept"));
    services.iter().for_each(|service| rig.ask(service, true));
    rig.seconds(1);
    assert_eq!(rig.step(), None);
    assert!(rig.told("flag.guard.off")[0].contains("`on` errs more than `off`"));
}

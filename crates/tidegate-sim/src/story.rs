//! What people do and what goes wrong, made up from a seed before the run begins.

use std::collections::BTreeMap;

use tidegate_core::model::{
    Audience, Candidates, Check, CheckSource, CheckSpec, Inconclusive, Limits, Match, Phase, PortSpec, Probe,
    Probes, Request, Scale, ServiceKey, ServiceSpec, Step, StopSpec, Strategy, StrategyKind, TrafficPolicy,
    Unreachable,
};
use tidegate_core::time::Millis;

use crate::ask::{self, DeployPlan};
use crate::rng::Rng;
use crate::train;

/// Something a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Deploys.
    Deploy(Box<DeployPlan>),
    /// Asks something of a rollout.
    Ask(ServiceKey, Request),
    /// Rolls back.
    Rollback(ServiceKey),
    /// Retries.
    Retry(ServiceKey),
    /// Scales.
    Scale(ServiceKey, u32),
}

/// When it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// This long after the act before.
    After(Millis),
    /// Once nothing moves any more.
    AtRest,
    /// Once a rollout is in this phase, or nothing moves any more.
    InPhase(Phase),
}

/// What goes wrong outside the control plane, or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The backend shows for this long what it shows now.
    FreezeView(Millis),
    /// One view leaves out a unit.
    HideUnit(usize),
    /// A call to the backend fails; done or not.
    RefuseCall(bool),
    /// An instance is ended from outside.
    KillInstance(usize),
    /// The gateway dies and is back after this long.
    KillGateway(Millis),
    /// The gateway is slow and loses and repeats its reports for this long.
    SlowGateway(Millis),
    /// The control loop does nothing for this long.
    Stall(Millis),
    /// The wall clock jumps by this many milliseconds.
    JumpClock(i64),
}

/// Which faults a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// None.
    None,
    /// The control plane is killed and begins again at once; nothing else.
    Crash,
    /// Everything.
    All,
    /// Everything, and candidates are judged by what the gateway counts of their answers.
    Judged,
}

impl Faults {
    /// Whether anything at all may go wrong.
    pub fn is_all(self) -> bool {
        matches!(self, Faults::All | Faults::Judged)
    }
}

/// A story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The acts in order.
    pub acts: Vec<(When, Act)>,
    /// The faults by time since the start, ordered.
    pub faults: Vec<(Millis, Fault)>,
    /// Services that clients send requests to.
    pub routed: Vec<ServiceKey>,
}

/// A service with the simulation's short times.
pub fn service(port: PortSpec, instances: u32, strategy: Strategy, command: &str) -> ServiceSpec {
    let ready = (port != PortSpec::None).then(|| Probe::new(Check::Tcp));
    ServiceSpec {
        run: command.to_owned(),
        port,
        probes: Probes {
            startup: None,
            start_within: Millis::seconds(8),
            ready,
            live: Some(Probe::new(Check::Tcp)),
        },
        scale: Scale { min: instances, max: instances },
        strategy,
        drain: Millis::seconds(4),
        stop: StopSpec { signal: 15, grace: Millis::seconds(2) },
        limits: Limits::default(),
        env: BTreeMap::new(),
        traffic: TrafficPolicy::default(),
        site: None,
        autoscale: None,
    }
}

/// A strategy with the simulation's short times.
pub fn strategy(kind: StrategyKind, batch: u32) -> Strategy {
    Strategy { batch, bake: Millis::seconds(6), deadline: Millis::seconds(40), ..Strategy::new(kind) }
}

/// A check that runs this command, with the simulation's short times.
pub fn check(command: &str, guard: bool) -> CheckSpec {
    CheckSpec {
        source: CheckSource::Command(command.to_owned()),
        min: None,
        max: None,
        every: Millis::seconds(1),
        timeout: Millis::seconds(2),
        failures: 2,
        unreachable: Unreachable::Hold,
        guard,
    }
}

/// Steps by chance, short ones: shares that grow, groups, copies, waits and decisions between them.
fn steps(rng: &mut Rng) -> Vec<Step> {
    let mut percent = 0;
    let mut steps = Vec::new();
    for n in 0..rng.within(1, 5) {
        let hold = Millis(rng.within(0, 4_000));
        steps.push(match rng.within(0, 11) {
            0 => Step::Pause { hold: None },
            1 => Step::Pause { hold: Some(hold) },
            2 => Step::Approve,
            3 | 4 => Step::Analyse { max: Millis::seconds(8) },
            5 => Step::Scale(Candidates::Count(rng.within(1, 4) as u32)),
            6 => Step::Mirror { percent: rng.within(1, 100) as u32, hold },
            7 => Step::Audience { who: group(n), hold },
            _ if percent >= 95 => Step::Approve,
            _ => {
                percent = rng.within(u64::from(percent) + 1, 95.min(u64::from(percent) + 40)) as u32;
                Step::Weight { percent, hold }
            }
        });
    }
    steps
}

fn group(n: u64) -> Audience {
    let one = Match::Header { name: format!("x-group-{n}"), value: None };
    Audience { label: format!("header x-group-{n}"), any: vec![one] }
}

/// What is to be said of a candidate that goes by steps.
fn verdict(rng: &mut Rng) -> String {
    match rng.within(0, 9) {
        0..5 => "judge:promote".to_owned(),
        5 => "judge:unsure".to_owned(),
        6 => "judge:none".to_owned(),
        7 => "judge:abort@bake errs:10%".to_owned(),
        _ => format!("judge:abort@{} errs:40%", rng.within(0, 4)),
    }
}

/// A service as all deploys of a story have it.
struct Cast {
    app: String,
    service: String,
    port: PortSpec,
}

/// Makes up a story. `alone`: one whose end depends on nothing but what people do: no timing, no chance.
pub fn make_up(rng: &mut Rng, faults: Faults) -> Story {
    let alone = !faults.is_all();
    let casts = cast(rng, alone);
    let steady = alone && casts.len() > 1;
    let mut serial = 0;
    let mut acts = Vec::new();
    for app in apps(&casts) {
        acts.push((When::AtRest, Act::Deploy(Box::new(deploy(rng, &casts, &app, &mut serial, true)))));
    }
    for _ in 0..rng.within(2, 7) {
        let who = rng.pick(&casts);
        let key = ask::key(&who.app, &who.service);
        let act = match rng.within(0, 99) {
            0..45 => {
                let good = is_good(serial);
                Act::Deploy(Box::new(deploy(rng, &casts, &who.app, &mut serial, good)))
            }
            45..55 => Act::Rollback(key),
            55..60 => Act::Retry(key),
            60..68 => Act::Scale(key, *rng.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 4])),
            68..76 => Act::Ask(key, Request::Abort),
            76..84 => Act::Ask(key, Request::Pause),
            84..92 => Act::Ask(key, Request::Promote),
            _ => Act::Ask(key, Request::Resume),
        };
        acts.push((when(rng, alone, steady), act));
    }
    // Last, so that what the seed made up before stays what it was.
    if rng.percent(30) {
        acts.iter_mut().for_each(|(_, act)| train::couple(act));
    }
    let routed = casts.iter().filter(|c| c.port != PortSpec::None);
    let routed = routed.map(|c| ask::key(&c.app, &c.service)).collect();
    let faults = if faults.is_all() { trouble(rng) } else { Vec::new() };
    Story { acts, faults, routed }
}

/// Every third deploy or so is meant to go well.
fn is_good(serial: u32) -> bool {
    serial.is_multiple_of(3)
}

fn cast(rng: &mut Rng, alone: bool) -> Vec<Cast> {
    let mut casts = Vec::new();
    for app in &["shop", "blog"][..if rng.percent(25) { 2 } else { 1 }] {
        for service in &["web", "api", "worker"][..rng.within(1, if alone { 2 } else { 3 }) as usize] {
            let port = match rng.within(0, 9) {
                0 | 1 => PortSpec::None,
                2 => PortSpec::Fixed(8_000 + casts.len() as u16),
                _ => PortSpec::Auto,
            };
            casts.push(Cast { app: (*app).to_owned(), service: (*service).to_owned(), port });
        }
    }
    casts
}

fn apps(casts: &[Cast]) -> Vec<String> {
    let mut apps: Vec<String> = casts.iter().map(|cast| cast.app.clone()).collect();
    apps.dedup();
    apps
}

fn when(rng: &mut Rng, alone: bool, steady: bool) -> When {
    match rng.within(0, 9) {
        _ if steady => When::AtRest,
        0..3 => When::AtRest,
        3..5 => When::InPhase(Phase::Progressing),
        5..7 => When::InPhase(Phase::Promoting),
        _ if alone => When::InPhase(Phase::Progressing),
        _ => When::After(Millis(rng.within(0, 12_000))),
    }
}

fn deploy(rng: &mut Rng, casts: &[Cast], app: &str, serial: &mut u32, good: bool) -> DeployPlan {
    *serial += 1;
    let bad_input = if good { 100 } else { rng.within(0, 99) };
    let snapshot = match bad_input {
        0..2 => format!("torn-{serial}"),
        2..4 => format!("unsealable-{serial}"),
        _ => format!("snapshot-{serial}"),
    };
    let build = rng.percent(60).then(|| match bad_input {
        4..8 => format!("build {serial} exits-after:1s code:1"),
        8..10 => format!("build {serial} hangs"),
        _ => format!("build {serial} exits-after:{}ms code:0", rng.within(100, 3_000)),
    });
    let migrate = rng.percent(25).then(|| match bad_input {
        10..30 => format!("migrate {serial} exits-after:1s code:1"),
        30..40 => format!("migrate {serial} hangs"),
        _ => format!("migrate {serial} exits-after:{}ms code:0", rng.within(100, 3_000)),
    });
    let mine: Vec<&Cast> = casts.iter().filter(|cast| cast.app == app).collect();
    // Now and then a service is left out: it is removed.
    let left_out = (!good && mine.len() > 1 && rng.percent(10)).then(|| rng.index(mine.len()));
    let services = mine.iter().enumerate().filter(|(n, _)| Some(*n) != left_out).map(|(_, cast)| {
        let kind = *rng.pick(&StrategyKind::ALL);
        let batch = rng.within(1, 3) as u32;
        let instances = if matches!(cast.port, PortSpec::Fixed(_)) { 1 } else { rng.within(1, 4) as u32 };
        let mut strategy = strategy(kind, batch);
        let mut command = format!("serve {serial} {}", behaviour(rng, good));
        if serial.is_multiple_of(4) {
            // Not by chance, so that the stories of a seed stay what they were.
            strategy.checks = [("guard".to_owned(), check("guard exits-after:200ms code:0", true))].into();
        }
        if kind.has_steps() {
            strategy.steps = steps(rng);
            strategy.inconclusive =
                *rng.pick(&[Inconclusive::Hold, Inconclusive::Abort, Inconclusive::Promote]);
            strategy.keep_failed = Millis(*rng.pick(&[0, 0, 5_000]));
            let said = if good { "judge:promote".to_owned() } else { verdict(rng) };
            command = format!("{command} {said}");
        }
        (cast.service.clone(), service(cast.port, instances, strategy, &command))
    });
    let services = services.collect();
    DeployPlan {
        app: app.to_owned(),
        snapshot,
        build,
        migrate,
        services,
        jobs: BTreeMap::new(),
        trains: BTreeMap::new(),
    }
}

fn behaviour(rng: &mut Rng, good: bool) -> String {
    let stops = if rng.percent(15) { "ignores-stop" } else { "stops-after:80ms" };
    let ready = rng.within(100, 2_500);
    match if good { 0 } else { rng.within(0, 99) } {
        0..65 => format!("ready-after:{ready}ms {stops}"),
        65..72 => format!("never-ready {stops}"),
        72..80 => format!("ready-after:2s exits-after:{}ms code:1", rng.within(10, 1_000)),
        80..86 => format!("ready-after:300ms exits-after:1500ms code:3 {stops}"),
        86..90 => format!("ready-after:300ms hangs-after:1500ms {stops}"),
        90..94 => format!("ready-after:300ms unready-after:1500ms unready-for:60s {stops}"),
        94..97 => format!("ready-after:{ready}ms unready-after:4s unready-for:2s {stops}"),
        _ => format!("ready-after:7s {stops}"),
    }
}

fn trouble(rng: &mut Rng) -> Vec<(Millis, Fault)> {
    let mut faults: Vec<(Millis, Fault)> = (0..rng.within(0, 14))
        .map(|_| {
            let fault = match rng.within(0, 10) {
                0 | 1 => Fault::FreezeView(Millis(rng.within(50, 3_000))),
                2 => Fault::HideUnit(rng.index(8)),
                3 | 4 => Fault::RefuseCall(rng.percent(50)),
                5 => Fault::KillInstance(rng.index(8)),
                6 => Fault::KillGateway(Millis(rng.within(100, 8_000))),
                7 | 8 => Fault::SlowGateway(Millis(rng.within(1_000, 20_000))),
                9 => Fault::Stall(Millis(rng.within(500, 60_000))),
                _ => Fault::JumpClock(if rng.percent(50) { 3_600_000 } else { -3_600_000 }),
            };
            (Millis(rng.within(0, 90_000)), fault)
        })
        .collect();
    faults.sort_by_key(|(at, _)| *at);
    faults
}

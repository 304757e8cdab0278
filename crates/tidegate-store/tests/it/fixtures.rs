//! Values to store: small ones with every field set that matters, built from a number or a text.

use std::collections::BTreeMap;

use tempfile::TempDir;
use tidegate_core::check::CheckState;
use tidegate_core::event::Event;
use tidegate_core::model::*;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Store, StoreError, Tx};

/// A store in a directory of its own.
pub struct OnDisk {
    pub directory: TempDir,
    pub store: Store,
}

impl OnDisk {
    pub fn new() -> OnDisk {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("tidegate.db")).unwrap();
        OnDisk { directory, store }
    }

    pub fn reopened(self) -> OnDisk {
        let OnDisk { directory, store } = self;
        drop(store);
        let store = Store::open(&directory.path().join("tidegate.db")).unwrap();
        OnDisk { directory, store }
    }
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn key(service: &str) -> ServiceKey {
    ServiceKey { app: name("shop"), environment: name("production"), service: name(service) }
}

pub fn build(id: &str) -> Build {
    Build {
        id: BuildId(id.to_owned()),
        app: name("shop"),
        snapshot: "5a".repeat(32),
        run: Some("npm ci".to_owned()),
        within_ms: 1_800_000,
        phase: BuildPhase::Ready,
        content: Some("c0".repeat(32)),
        size: u64::MAX,
        source: BuildSource { commit: Some("abc".to_owned()), dirty: true },
        made_at_unix_ms: 1_800_000_000_000,
    }
}

pub fn service_spec(env: &str) -> ServiceSpec {
    ServiceSpec {
        run: "exec ./web".to_owned(),
        port: PortSpec::Auto,
        probes: Probes {
            startup: Some(Probe::new(Check::Http("/up".to_owned()))),
            start_within: Probes::START_WITHIN,
            ready: Some(Probe::new(Check::Tcp)),
            live: None,
        },
        scale: Scale { min: 2, max: 8 },
        strategy: Strategy::new(StrategyKind::BlueGreen),
        drain: ServiceSpec::DRAIN,
        stop: StopSpec::default(),
        limits: Limits { pids: Some(100), ..Limits::default() },
        env: BTreeMap::from([("GREETING".to_owned(), env.to_owned())]),
        traffic: TrafficPolicy::default(),
        site: None,
        autoscale: None,
    }
}

pub fn revision(number: u32, build: &str, env: &str) -> Revision {
    let spec = RevisionSpec {
        build: BuildId(build.to_owned()),
        services: BTreeMap::from([(name("web"), service_spec(env))]),
        routes: vec![RouteSpec {
            host: "*".to_owned(),
            path: "/".to_owned(),
            to: Some(name("web")),
            policy: RoutePolicy::default(),
        }],
        migrate: None,
        jobs: BTreeMap::new(),
        trains: BTreeMap::from([(name("all"), vec![name("web"), name("api")])]),
        settings: Default::default(),
    };
    Revision {
        app: name("shop"),
        environment: name("production"),
        number: RevisionNo(number),
        digest: format!("digest-{number}"),
        spec,
        commit: None,
        dirty: false,
        made_at_unix_ms: 7,
    }
}

pub fn rollout(id: u64, service: &str, phase: Phase) -> Rollout {
    Rollout {
        id: RolloutId(id),
        key: key(service),
        kind: RolloutKind::Deploy,
        deploy: Some(id),
        from: None,
        to: RevisionNo(1),
        effective: Effective {
            strategy: Strategy::new(StrategyKind::Rolling),
            why: Some("one instance".to_owned()),
            zero_downtime: false,
        },
        phase,
        resume_to: None,
        request: Some(Request::Pause),
        skip_bake: false,
        created_at: Moment(1),
        progress_at: Moment(2),
        progress: 1,
        baking_since: None,
        ended_at: None,
        checks: [("smoke".to_owned(), CheckState::begin(Moment(4)))].into(),
        position: Position { step: 2, since: Some(Moment(3)), held: Some(Held::Approval) },
        train: Some(Carriage {
            train: name("all"),
            rollouts: vec![RolloutId(id), RolloutId(id + 1)],
            leg: Leg::Waiting,
        }),
        smoke: None,
        cause: Some(Cause { code: "asked".to_owned(), message: "by hand".to_owned(), instance: None }),
        evidence: Some(Evidence {
            last_output: vec!["a \"last\"\nword\0".to_owned()],
            ..Evidence::default()
        }),
        made_at_unix_ms: 3,
        ended_at_unix_ms: None,
    }
}

/// From JSON, so that a field the core adds with a default needs no change here.
pub fn instance(id: &str) -> Instance {
    let stored = serde_json::json!({
        "id": id, "revision": "r1", "generation": 3,
        "intent": { "drain": { "since": 9 } }, "seen": "ready",
        "created_at": 1, "started_at": 2, "ready_since": 3, "ever_ready": true,
        "restarts": 1, "crashes": 0, "port": 40_001, "pid": 4_242,
        "last_exit": { "code": 3, "out_of_memory": false, "ran_ms": 5_000 },
        "last_probe": { "probe": "ready", "good": true, "answer": "HTTP 200" },
    });
    serde_json::from_value(stored).unwrap()
}

pub fn deploy(id: u64, build: &str, phase: DeployPhase) -> Deploy {
    Deploy {
        id,
        app: name("shop"),
        environment: name("production"),
        build: BuildId(build.to_owned()),
        source: BuildSource::default(),
        spec: revision(1, build, "hello").spec,
        flags: None,
        phase,
        revision: Some(RevisionNo(1)),
        rollouts: vec![RolloutId(1)],
        error: None,
        migration: None,
        smoke: false,
        by: "ann".to_owned(),
        created_at: Moment(1),
        made_at_unix_ms: 2,
    }
}

pub fn job(id: &str, build: &str) -> Job {
    Job {
        id: InstanceId(id.to_owned()),
        kind: JobKind::Migrate,
        command: "npm run migrate".to_owned(),
        build: BuildId(build.to_owned()),
        of: Some((key("web"), RevisionNo(1))),
        env: BTreeMap::from([("A".to_owned(), "b=c".to_owned())]),
        phase: JobPhase::Stopping { why: "too long".to_owned() },
        created_at: Moment(1),
        within_ms: Millis::seconds(60).0,
        step: None,
    }
}

pub fn routing(epoch: u64) -> RouteTable {
    let endpoint =
        Endpoint::new(InstanceId("web-1".to_owned()), Address::Tcp("[::1]:40001".parse().unwrap()));
    let arm = Arm {
        role: ArmRole::Stable,
        revision: RevisionNo(1),
        weight: 100,
        endpoints: vec![endpoint],
        site: None,
    };
    RouteTable {
        epoch,
        routes: vec![
            Route {
                host: "*".to_owned(),
                path: "/".to_owned(),
                to: key("web").to_string(),
                policy: RoutePolicy::default(),
            }
            .into(),
        ],
        upstreams: BTreeMap::from([(
            key("web").to_string(),
            Upstream { arms: vec![arm], ..Upstream::default() }.into(),
        )]),
        ..RouteTable::default()
    }
}

pub fn event(service: &str, message: &str) -> Event {
    Event::of(&key(service), "instance.ended", Some(RevisionNo(1)), message)
}

pub fn put_service(tx: &Tx<'_>, service: &str) -> Result<(), StoreError> {
    tx.put_service(&ServiceState::new(key(service)))
}

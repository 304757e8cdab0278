//! A data directory with a control loop on it, in this process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_backend::process::{ProcessBackend, ProcessConfig, RunAs, SegmentLogs, stop_all};
use tidegate_backend::{LogCursor, Logs};
use tidegate_control::engine::EngineConfig;
use tidegate_control::run::{Parts, Published, Signal, run, signals};
use tidegate_control::seams::RouteSink;
use tidegate_control::workshop::DirWorkshop;
use tidegate_control::workspace::DirWorkspaces;
use tidegate_core::model::{
    Build, BuildId, BuildPhase, BuildSource, EnvironmentPolicy, GatewayObservation, Limits, PipelineRun,
    PipelineSpec, RevisionSpec, RouteTable, RunFilter, RunInput, RunNo, RunSource, StageSpec, StageWork,
    StepSpec,
};
use tidegate_core::pipeline::{NewRun, begin};
use tidegate_core::time::Millis;
use tidegate_store::{Counter, Reader, Store, StoreError};

pub const WITHIN: Duration = Duration::from_secs(30);

/// A gateway that has every table at once.
struct Routes(u64);

impl RouteSink for Routes {
    fn push(&mut self, table: &RouteTable) {
        self.0 = table.epoch;
    }
    fn observe(&mut self) -> GatewayObservation {
        GatewayObservation { acked: self.0, ..GatewayObservation::default() }
    }
}

/// The thread of a loop.
type Loop = JoinHandle<Result<Parts, StoreError>>;

/// A data directory, and the loop on it while it runs.
pub struct Yard {
    data: tempfile::TempDir,
    running: Option<(Sender<Signal>, Loop)>,
    pub logs: SegmentLogs,
}

impl Yard {
    pub fn new() -> Yard {
        let data = tempfile::tempdir().unwrap();
        let snapshot = DirWorkshop::snapshot_dir(data.path(), "s1");
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(snapshot.join("file"), "of the commit\n").unwrap();
        let mut yard = Yard { logs: SegmentLogs::new(data.path().join("logs")), data, running: None };
        yard.start();
        yard
    }

    pub fn path(&self) -> &Path {
        self.data.path()
    }

    pub fn start(&mut self) {
        let (sender, receiver) = signals();
        let waking = std::sync::Mutex::new(sender.clone());
        let waker: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            let _ = waking.lock().unwrap().send(Signal::Look);
        });
        let data = self.path().to_owned();
        let config = ProcessConfig {
            root: data.join("units"),
            logs: data.join("logs"),
            cache: data.join("cache"),
            shim_command: vec![env!("CARGO_BIN_EXE_tidegate").into(), "shim".into()],
            run_as: RunAs::Unprivileged,
            app_users: Some(tidegate_core::model::UserRange::default()),
            metadata: false,
        };
        let backend = ProcessBackend::open(config, waker.clone()).unwrap();
        let parts = Parts {
            store: Store::open(&data.join("tidegate.db")).unwrap(),
            logs: Arc::new(backend.logs()),
            backend: Box::new(backend),
            routes: Box::new(Routes(0)),
            workshop: Box::new(DirWorkshop::new(&data, None, waker.clone()).unwrap()),
            workspaces: Box::new(DirWorkspaces::new(&data, waker).unwrap()),
            repositories: None,
            config: EngineConfig { steps_at_once: 2, ..EngineConfig::default() },
            data,
        };
        let looping = std::thread::spawn(move || run(parts, &receiver, &Published::default()));
        self.running = Some((sender, looping));
    }

    /// The loop ends; what it has in memory is gone.
    pub fn end(&mut self) {
        let (sender, looping) = self.running.take().unwrap();
        sender.send(Signal::Stop).unwrap();
        drop(looping.join().unwrap().unwrap());
    }

    pub fn begin(&self, stages: Vec<StageSpec>) {
        let (sender, _) = self.running.as_ref().unwrap();
        let ask = Box::new(move |world: &mut tidegate_control::engine::World<'_>, time| {
            let (build, run) = made(stages, time);
            let written = world.store.transaction(|tx| {
                tx.use_ids_below(Counter::Run, 2)?;
                tx.put_build(&build)?;
                tx.put_pipeline_run(&run)
            });
            written.unwrap();
        });
        sender.send(Signal::Ask(ask)).unwrap();
    }

    pub fn see(&self) -> Option<PipelineRun> {
        Reader::open(&self.path().join("tidegate.db")).unwrap().pipeline_run(RunNo(1)).unwrap()
    }

    pub fn until(&self, what: &str, wanted: impl Fn(&PipelineRun) -> bool) -> PipelineRun {
        let deadline = Instant::now() + WITHIN;
        loop {
            let seen = self.see();
            match seen {
                Some(run) if wanted(&run) => return run,
                seen => assert!(Instant::now() < deadline, "never seen: {what}: {seen:#?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn over(&self) -> PipelineRun {
        self.until("the end", |run| run.state.is_over())
    }

    pub fn output(&self, run: &PipelineRun, stage: usize) -> Vec<String> {
        let units: Vec<_> = run.stages[stage].steps.iter().flat_map(|step| step.attempts.clone()).collect();
        let (lines, _) = self.logs.after(&units, &LogCursor::default(), 1_000).unwrap();
        lines.into_iter().map(|line| line.line).collect()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.end();
        }
        let _ = stop_all(&self.path().join("units"));
    }
}

fn made(stages: Vec<StageSpec>, time: tidegate_control::engine::Time) -> (Build, PipelineRun) {
    let id = BuildId("b".repeat(64));
    let revision = RevisionSpec {
        build: id.clone(),
        services: BTreeMap::new(),
        routes: Vec::new(),
        migrate: None,
        jobs: BTreeMap::new(),
        trains: BTreeMap::new(),
        settings: Default::default(),
    };
    let input = RunInput {
        snapshot: "s1".to_owned(),
        build: id.clone(),
        build_run: None,
        build_within_ms: 60_000,
        revision,
        flags: None,
        mentioned: Default::default(),
        source: BuildSource::default(),
        manifest: (String::new(), String::new()),
    };
    let new = NewRun {
        number: RunNo(1),
        environment: "staging".parse().unwrap(),
        source: RunSource { commit: Some("c".repeat(40)), ..RunSource::default() },
        push: None,
        now: time.now,
        unix_ms: time.unix_ms,
    };
    let app: tidegate_core::model::Name = "shop".parse().unwrap();
    let run = begin(app.clone(), new, input, PipelineSpec { stages }, EnvironmentPolicy::default());
    let build = Build {
        id,
        app,
        snapshot: "s1".to_owned(),
        run: None,
        within_ms: 60_000,
        phase: BuildPhase::Waiting,
        content: None,
        size: 0,
        source: BuildSource::default(),
        made_at_unix_ms: time.unix_ms,
    };
    (build, run)
}

/// A step that says no more than its command.
pub fn step(name: &str, run: &str) -> StepSpec {
    StepSpec {
        name: name.to_owned(),
        run: run.to_owned(),
        env: BTreeMap::new(),
        secrets: Vec::new(),
        timeout: Millis::seconds(60),
        retries: 0,
        cache: Vec::new(),
        artifacts: Vec::new(),
        reports: Vec::new(),
        beside: BTreeMap::new(),
        limits: Limits::default(),
        offline: false,
    }
}

/// A stage that is for every run.
pub fn stage(name: &str, work: StageWork, needs: &[&str]) -> StageSpec {
    StageSpec {
        name: name.parse().unwrap(),
        work,
        needs: needs.iter().map(|needed| needed.parse().unwrap()).collect(),
        when: RunFilter::default(),
        parallel: false,
        timeout: Millis::seconds(120),
    }
}

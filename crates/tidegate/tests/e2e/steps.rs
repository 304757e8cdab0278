//! Steps of pipelines as real processes in real workspaces, under a control loop that is ended and begun again between them. It runs in
//! this process: what a kill of it leaves is what dropping it leaves, for shims hold the steps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
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
    BesideSpec, Build, BuildId, BuildPhase, BuildSource, EnvironmentPolicy, GatewayObservation, Limits,
    PipelineRun, PipelineSpec, RevisionSpec, RouteTable, RunFilter, RunInput, RunNo, RunSource, RunState,
    StageSpec, StageState, StageWork, StepSpec,
};
use tidegate_core::pipeline::{NewRun, begin};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Counter, Reader, Store, StoreError};

const WITHIN: Duration = Duration::from_secs(30);

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
struct Yard {
    data: tempfile::TempDir,
    running: Option<(Sender<Signal>, Loop)>,
    logs: SegmentLogs,
}

impl Yard {
    fn new() -> Yard {
        let data = tempfile::tempdir().unwrap();
        let snapshot = DirWorkshop::snapshot_dir(data.path(), "s1");
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(snapshot.join("file"), "of the commit\n").unwrap();
        let mut yard = Yard { logs: SegmentLogs::new(data.path().join("logs")), data, running: None };
        yard.start();
        yard
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    fn start(&mut self) {
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
        };
        let looping = std::thread::spawn(move || run(parts, &receiver, &Published::default()));
        self.running = Some((sender, looping));
    }

    /// The loop ends; what it has in memory is gone.
    fn end(&mut self) {
        let (sender, looping) = self.running.take().unwrap();
        sender.send(Signal::Stop).unwrap();
        drop(looping.join().unwrap().unwrap());
    }

    fn begin(&self, stages: Vec<StageSpec>) {
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

    fn see(&self) -> Option<PipelineRun> {
        Reader::open(&self.path().join("tidegate.db")).unwrap().pipeline_run(RunNo(1)).unwrap()
    }

    fn until(&self, what: &str, wanted: impl Fn(&PipelineRun) -> bool) -> PipelineRun {
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

    fn over(&self) -> PipelineRun {
        self.until("the end", |run| run.state.is_over())
    }

    fn output(&self, run: &PipelineRun, stage: usize) -> Vec<String> {
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

fn step(name: &str, run: &str) -> StepSpec {
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
    }
}

fn stage(name: &str, work: StageWork, needs: &[&str]) -> StageSpec {
    StageSpec {
        name: name.parse().unwrap(),
        work,
        needs: needs.iter().map(|needed| needed.parse().unwrap()).collect(),
        when: RunFilter::default(),
        parallel: false,
        timeout: Millis::seconds(120),
    }
}

fn span(from: Option<Moment>, to: Option<Moment>) -> u64 {
    to.unwrap().since(from.unwrap()).0
}

#[test]
fn a_step_has_its_files_its_neighbours_and_what_came_before_it() {
    let yard = Yard::new();
    let secrets: PathBuf = yard.path().join("secrets/shop.env");
    fs::write(&secrets, "TOKEN=s3cret\nOTHER=x\n").unwrap();
    fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let db = BesideSpec {
        run: "exec python3 -m http.server --bind 127.0.0.1 \"$PORT\"".to_owned(),
        env: BTreeMap::new(),
        within: Millis::seconds(20),
    };
    let ask = "import os,urllib.request; print(urllib.request.urlopen('http://'+os.environ['DB_ADDRESS']+'/file').read().decode())";
    let unit = StepSpec {
        artifacts: vec!["out/*".to_owned()],
        beside: [("db".parse().unwrap(), db)].into(),
        ..step(
            "unit",
            &format!(
                "mkdir out && cp file out/copy && python3 -c \"{ask}\"; echo ${{TOKEN:-none}} $TIDEGATE_STEP"
            ),
        )
    };
    let secret = StepSpec {
        secrets: vec!["TOKEN".to_owned()],
        ..step("secret", "test \"$TOKEN\" = s3cret && test -z \"$OTHER\"")
    };
    let after = step("after", "cat out/copy; exit 3");
    let failing = StepSpec { retries: 1, ..after };
    yard.begin(vec![
        stage("build", StageWork::Build, &[]),
        stage("test", StageWork::Steps(vec![unit, secret]), &["build"]),
        stage("last", StageWork::Steps(vec![failing]), &["test"]),
        stage("deploy", StageWork::Deploy, &["last"]),
    ]);
    let run = yard.over();
    assert_eq!(run.state, RunState::Failed, "{run:#?}");
    assert_eq!(run.why.as_deref(), Some("`last` failed: after: exit code 3"));
    let states: Vec<StageState> = run.stages.iter().map(|stage| stage.state).collect();
    use StageState::{Cancelled, Failed, Succeeded};
    assert_eq!(states, [Succeeded, Succeeded, Failed, Cancelled]);
    let said = yard.output(&run, 1);
    assert!(said.contains(&"of the commit".to_owned()) && said.contains(&"none unit".to_owned()), "{said:?}");
    assert_eq!(yard.output(&run, 2), ["of the commit", "of the commit"], "two attempts");
    let left = |dir: &str| fs::read_dir(yard.path().join(dir)).unwrap().count();
    let deadline = Instant::now() + WITHIN;
    while left("workspaces") + left("units") > 0 {
        assert!(Instant::now() < deadline, "something is left behind");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_loop_that_is_ended_again_and_again_runs_each_step_once() {
    let mut yard = Yard::new();
    let steps: Vec<StepSpec> =
        (0..4).map(|n| step(&format!("s{n}"), &format!("sleep 0.3; echo step {n}"))).collect();
    yard.begin(vec![
        stage("build", StageWork::Build, &[]),
        stage("test", StageWork::Steps(steps), &["build"]),
        stage("deploy", StageWork::Deploy, &["test"]),
    ]);
    yard.until("its entry", |_| true);
    let mut ends = 0;
    let deadline = Instant::now() + WITHIN;
    while yard.see().is_none_or(|run| !run.state.is_over()) {
        assert!(Instant::now() < deadline, "{:#?}", yard.see());
        // Not in step with what it does.
        std::thread::sleep(Duration::from_millis(37 + 61 * (ends % 5)));
        yard.end();
        yard.start();
        ends += 1;
    }
    let run = yard.over();
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
    assert!(ends > 3, "it was ended {ends} times");
    assert_eq!(yard.output(&run, 1), ["step 0", "step 1", "step 2", "step 3"]);
    let attempts: BTreeSet<usize> = run.stages[1].steps.iter().map(|step| step.attempts.len()).collect();
    assert_eq!(attempts, [1].into());
    let store = Reader::open(&yard.path().join("tidegate.db")).unwrap();
    let environment = "staging".parse().unwrap();
    assert_eq!(store.deploys_of(&run.app, &environment, 10).unwrap().len(), 1);
}

#[test]
fn a_step_costs_little_more_than_its_command() {
    let yard = Yard::new();
    let steps: Vec<StepSpec> = (0..20).map(|n| step(&format!("s{n}"), "true")).collect();
    yard.begin(vec![stage("test", StageWork::Steps(steps), &[])]);
    let run = yard.over();
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
    let stage = &run.stages[0];
    let each = span(stage.began_at, stage.ended_at) as f64 / 20.0;
    let first = span(Some(run.created_at), stage.steps[0].began_at);
    println!("{each:.1} ms a step, the first {first} ms after the run was entered");
    // A debug build on a busy machine.
    assert!(each < 500.0, "{each} ms a step");
}

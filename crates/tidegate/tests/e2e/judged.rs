//! Bad versions under live traffic: how many users they meet before the judge takes them back, and what is left in peace.
//! `bench/canary` runs all of it and prints the table.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::model::ArmRole;
use tidegate_core::view::RolloutView;
use tidegate_load::report::Report;

use crate::support::{App, Load, Mix, Tidegate, eventually, figures, get_with};

/// Requests a second.
const RATE: f64 = 300.0;
const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(240);
const STEPS: &str = "10% for 10s, analyse until decided (max 4m), 50% for 10s";

/// Stable serves under load, the candidate is about to come.
pub struct Scene {
    pub tidegate: Tidegate,
    pub app: App,
    pub load: Load,
}

impl Scene {
    /// `stable` changes the app before its first version is deployed.
    pub fn new(rate: f64, steps: &str, stable: impl FnOnce(&mut App) -> &mut App) -> Self {
        Self::under(Mix::Plain, rate, steps, stable)
    }

    /// The same with other requests.
    pub fn under(mix: Mix, rate: f64, steps: &str, stable: impl FnOnce(&mut App) -> &mut App) -> Self {
        let (tidegate, mut app) = (Tidegate::up(), App::new());
        app.set("strategy", &format!("{{ canary: {{ bake: 2s, steps: [{steps}] }} }}"));
        stable(&mut app);
        tidegate.deploy_well(&app);
        let load = Load::start(&tidegate, HOST, rate, mix, None);
        Scene { tidegate, app, load }
    }

    /// Lets stable serve until it is known how fast it is.
    pub fn known(self) -> Self {
        let token = std::fs::read_to_string(self.tidegate.data().join("token")).unwrap();
        let with_token = format!("authorization: Bearer {}\r\n", token.trim());
        eventually("stable is known", LONG, || {
            let metrics = get_with(self.tidegate.api(), "localhost", "/metrics", &with_token).ok()?.body;
            let of_requests = metrics.lines().filter(|line| line.starts_with("tidegate_requests_total{"));
            let counts = of_requests.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            (counts.sum::<u64>() > 1_000).then_some(())
        });
        self
    }

    /// Rolls the next version out and waits for its end.
    pub fn roll_out(&mut self, phase: &str) -> RolloutView {
        self.begin();
        self.ends(phase)
    }

    fn begin(&mut self) {
        let before = self.tidegate.rollout().id;
        self.tidegate.deploy_begin(self.app.next_version());
        eventually("it begins", LONG, || (self.tidegate.rollout().id != before).then_some(()));
    }

    fn ends(&self, phase: &str) -> RolloutView {
        eventually(&format!("it is {phase}"), LONG, || {
            let view = self.tidegate.rollout();
            let wrong =
                ["succeeded", "aborted", "failed"].contains(&view.phase.as_str()) && view.phase != phase;
            assert!(!wrong, "{}", self.tidegate.story());
            (view.phase == phase).then_some(view)
        })
    }

    /// Ends the load; prints what the candidate did.
    pub fn end(self, what: &str, view: &RolloutView) -> Report {
        let report = self.load.finish();
        let candidate = candidate(view);
        figures::show(&[
            what.to_owned(),
            view.phase.clone(),
            view.code.clone().unwrap_or_default(),
            report.sent.to_string(),
            candidate.0.to_string(),
            candidate.1.to_string(),
            format!("{:.1}", view.seconds),
        ]);
        report
    }
}

/// Requests and bad answers of the candidate.
pub fn candidate(view: &RolloutView) -> (u64, u64) {
    let arm = view.arms.iter().find(|arm| arm.role == ArmRole::Candidate).expect("the candidate is counted");
    (arm.requests, arm.bad)
}

/// The candidate is taken back for this reason after at most so many of its requests.
fn taken_back(what: &str, code: &str, most: u64, worse: impl FnOnce(&mut App) -> &mut App) {
    let mut scene = Scene::new(RATE, STEPS, |app| app.env("ERROR_PERCENT", "0.1")).known();
    worse(&mut scene.app);
    let view = scene.roll_out("aborted");
    assert_eq!(view.code.as_deref(), Some(code), "{}", scene.tidegate.story());
    let (requests, bad) = candidate(&view);
    assert!(requests <= most, "{requests} requests, {bad} bad\n{}", scene.tidegate.story());
    assert_eq!(scene.tidegate.service().weight, 0);
    scene.end(what, &view);
}

#[test]
fn five_percent_of_errors_are_found_and_the_proof_says_the_same() {
    let mut scene = Scene::new(RATE, STEPS, |app| app.env("ERROR_PERCENT", "0.1")).known();
    scene.app.env("ERROR_PERCENT", "5");
    let view = scene.roll_out("aborted");
    assert_eq!(view.code.as_deref(), Some("error-rate"), "{}", scene.tidegate.story());
    let (requests, bad) = candidate(&view);
    assert!(requests <= 900 && bad <= 60, "{requests} requests, {bad} bad");
    // Whoever has the proof comes to the same verdict, without the server.
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof.json");
    let exported = scene.tidegate.run(&["rollout", "export", "web"]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    std::fs::write(&proof, &exported.stdout).unwrap();
    let replayed = scene.tidegate.run(&["judge", "replay", proof.to_str().unwrap(), "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(said["verdict"], "abort", "{said}");
    names_bad_requests(&scene, &view, &exported.stdout);
    scene.end("5 % errors on 0.1 %", &view);
}

/// Some of the bad answers, by the ids that are in logs: of the rollout, its proof, and its explanation.
fn names_bad_requests(scene: &Scene, view: &RolloutView, proof: &[u8]) {
    let first = view.bad_requests.first().expect("bad answers are named");
    assert_eq!((first.path.as_str(), first.status), ("/", 500));
    assert!(first.id.len() >= 16 && first.instance.is_some(), "{first:?}");
    let proof: serde_json::Value = serde_json::from_slice(proof).unwrap();
    assert_eq!(proof["sample_requests"][0], first.to_string());
    let explained = scene.tidegate.run(&["explain"]).stdout;
    assert!(String::from_utf8_lossy(&explained).contains(&first.to_string()));
}

#[test]
fn an_outage_of_both_is_not_the_candidates_fault() {
    let folder = tempfile::Builder::new().prefix("tidegate-outage-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let outage = folder.path().join("outage");
    let steps = "20% for 15s, 50% for 5s";
    let mut scene = Scene::new(RATE, steps, |app| app.env("OUTAGE_FILE", outage.to_str().unwrap())).known();
    scene.begin();
    eventually("the candidate serves", LONG, || (candidate_of(&scene).0 > 100).then_some(()));
    std::fs::write(&outage, "").unwrap();
    eventually("both err", LONG, || (candidate_of(&scene).1 > 60).then_some(()));
    std::fs::remove_file(&outage).unwrap();
    let view = scene.ends("succeeded");
    scene.end("shared outage", &view);
}

fn candidate_of(scene: &Scene) -> (u64, u64) {
    let view = scene.tidegate.rollout();
    if view.arms.is_empty() { (0, 0) } else { candidate(&view) }
}

#[test]
fn with_next_to_no_traffic_it_is_inconclusive_and_waits_for_a_person() {
    let mut scene = Scene::new(2.0, "50%, analyse until decided (max 8s)", |app| app);
    let begun = Instant::now();
    let view = scene.roll_out("paused");
    assert!(begun.elapsed() >= Duration::from_secs(8));
    assert!(
        view.waiting.iter().any(|line| line.contains("inconclusive") || line.contains("decided")),
        "{view:?}"
    );
    scene.end("2 requests/s", &view);
}

#[test]
fn a_longer_tail_is_found() {
    taken_back("one in five takes 400 ms more", "latency", 20_000, |app| {
        app.env("SLOW_PERCENT", "20").env("SLOW_MS", "400")
    });
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn one_percent_of_errors_is_found() {
    taken_back("1 % errors on 0.1 %", "error-rate", 3_000, |app| app.env("ERROR_PERCENT", "1"));
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn half_a_percent_of_errors_is_found() {
    taken_back("0.5 % errors on 0.1 %", "error-rate", 12_000, |app| app.env("ERROR_PERCENT", "0.5"));
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn a_crash_after_half_a_minute_is_found() {
    taken_back("exits after 30 s", "crash-loop", 20_000, |app| {
        app.behave("exits-after-5s").env("EXIT_AFTER_SECONDS", "30")
    });
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn a_memory_leak_is_found() {
    taken_back("memory leak", "crash-loop", 20_000, |app| app.behave("memory-leak"));
}

#[test]
fn failing_fast_attracts_nobody() {
    let mut scene =
        Scene::new(RATE, STEPS, |app| app.set("scale", "2\n    traffic: { balance: least-request }")).known();
    scene.app.behave("answers-500");
    let view = scene.roll_out("aborted");
    let (requests, bad) = candidate(&view);
    assert!(requests <= 400, "{requests} requests, {bad} bad");
    scene.end("fails in 1 ms, least-request", &view);
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn the_same_build_again_is_left_in_peace() {
    let mut scene = Scene::new(RATE, "20% for 4s, 50% for 4s", |app| app.env("ERROR_PERCENT", "1")).known();
    let mut view = scene.roll_out("succeeded");
    for _ in 1..50 {
        view = scene.roll_out("succeeded");
    }
    scene.end("the same again, 50 times", &view);
}

#[test]
#[ignore = "takes minutes: bench/canary"]
fn the_plan_says_what_each_step_will_show() {
    let mut scene =
        Scene::new(50.0, "5% for 10s, analyse until decided (max 1m), 50% for 5m", |app| app).known();
    scene.app.next_version();
    // A minute is written down once it is over.
    let plan = eventually("a minute was recorded", LONG, || {
        let plan = scene.tidegate.command(&["plan"]).arg(scene.app.path()).output().unwrap();
        let plan = String::from_utf8(plan.stdout).unwrap();
        plan.contains("requests/s, 0 % of them bad").then_some(plan)
    });
    for wanted in [
        "5% of requests go to the candidate for 10s, by 2 instances; errors of 20 % or more show in that time",
        "warning: web: `analyse until decided (max 1m)` will most likely be inconclusive at",
    ] {
        assert!(plan.contains(wanted), "{wanted}\n{plan}");
    }
}

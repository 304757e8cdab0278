//! Bad versions: each is taken back, or held, with the stable revision answering, and `explain` names the true cause.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tidegate_core::model::RevisionNo;
use tidegate_core::view::{DoctorFinding, DoctorReport, Explanation, Severity};
use tidegate_load::report::Report;

use crate::support::{App, Deployed, Load, Mix, Process, Tidegate, eventually, get};

const HOST: &str = "bad.localhost";
/// Requests a second while the bad version is tried.
const RATE: f64 = 50.0;
/// A candidate that all the traffic had and that dies may cost this many of them: those until its end is seen.
const LOST_AT_MOST: u64 = 15;
/// What instances wrote may take this much of the disk, however much they write.
const OUTPUT_AT_MOST: u64 = 48 << 20;

/// What came of a bad version.
struct Story {
    tidegate: Tidegate,
    app: App,
    deployed: Deployed,
    report: Report,
}

/// A good version, then this one under load.
fn deploy(behaviour: &str, change: impl FnOnce(&mut App)) -> Story {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("startup", "{ http: /up, within: 3s }").set("ready", "{ http: /up, every: 200ms }");
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    change(app.behave(behaviour).next_version());
    let deployed = tidegate.deploy(&app);
    // What comes after the end belongs to it: the version that is left has to answer.
    let answered = get(tidegate.gateway(), HOST, "/version").unwrap();
    assert_eq!(answered.status, 200, "{answered:?}");
    Story { tidegate, app, deployed, report: load.finish() }
}

impl Story {
    /// It was taken back for this reason, and the first version serves as if nothing had been.
    fn taken_back(&self, code: &str) -> Explanation {
        let service = &self.deployed.services[0];
        assert_eq!((self.deployed.exit, service.phase.as_str()), (1, "aborted"), "{}", self.tidegate.story());
        assert_eq!(service.revision, RevisionNo(2));
        let now =
            self.tidegate.wait_for("only stable instances are left", Duration::from_secs(10), |service| {
                service.instances.len() == 2
            });
        let stable = now.stable.as_ref().map(|stable| (stable.revision, stable.ready, stable.desired));
        assert_eq!((now.phase.as_str(), stable, now.weight), ("idle", Some((RevisionNo(1), 2, 2)), 0));
        assert_eq!(get(self.tidegate.gateway(), HOST, "/version").unwrap().body, "1\n");
        let explanation = self.tidegate.explain();
        let rollout = explanation.rollout.as_ref().unwrap();
        assert_eq!(rollout.code.as_deref(), Some(code), "{explanation:#?}");
        assert_eq!(service.reason, rollout.reason, "deploy and explain say the same");
        assert!(explanation.summary.contains("r1 serves"), "{}", explanation.summary);
        explanation
    }

    /// No request reached the bad version, and none was lost.
    fn nobody_noticed(&self) {
        assert!(self.report.is_clean(), "{}", self.report);
        assert_eq!(self.report.revisions.keys().collect::<Vec<_>>(), ["1"], "{}", self.report);
    }

    /// The bad version had the traffic when it died: what that may cost.
    fn few_noticed(&self) {
        assert!(self.report.failed <= LOST_AT_MOST, "{}", self.report);
        assert_eq!(self.report.unsent + self.report.unfinished, 0, "{}", self.report);
    }

    /// It is stable, for all it does wrong; then a good version takes its place and nothing of it is left.
    fn held_and_replaced(mut self) {
        assert_eq!(self.deployed.exit, 0, "{}", self.tidegate.story());
        let bad: Vec<u32> =
            Process::all_of(&self.tidegate.data()).iter().map(|process| process.pid).collect();
        self.app.behave("good").next_version();
        self.tidegate.deploy_well(&self.app);
        self.tidegate.wait_for("only the good version is left", Duration::from_secs(15), |service| {
            service.instances.len() == 2 && service.instances.iter().all(|i| i.revision == RevisionNo(3))
        });
        let expected = 2 + 2 * 2; // control plane, gateway, and for each instance its shim and its process
        let left = eventually("no process of the bad version is left", Duration::from_secs(10), || {
            let left = Process::all_of(&self.tidegate.data());
            (left.len() == expected).then_some(left)
        });
        let kept = left.iter().filter(|process| bad.contains(&process.pid)).count();
        assert_eq!(kept, 2, "the control plane and the gateway alone have stayed: {left:#?}");
        assert!(self.report.is_clean(), "{}", self.report);
    }
}

fn last_output(explanation: &Explanation) -> String {
    explanation.evidence.as_ref().unwrap().last_output.join("\n")
}

#[test]
fn never_ready_is_taken_back_with_its_last_answer() {
    let story = deploy("never-ready", |_| {});
    let explanation = story.taken_back("start-deadline");
    assert!(
        explanation.summary.contains("not ready within 3s: HTTP 503 from /up"),
        "{}",
        explanation.summary
    );
    let evidence = explanation.evidence.clone().unwrap();
    assert_eq!(evidence.last_probe.unwrap().answer, "HTTP 503 from /up");
    assert_eq!(evidence.listening, evidence.port.map(|port| vec![port]));
    assert!(last_output(&explanation).contains("(never-ready) listens on"), "{explanation:#?}");
    story.nobody_noticed();
}

#[test]
fn what_exits_at_once_is_taken_back_with_its_last_words() {
    let story = deploy("exits-at-once", |_| {});
    let explanation = story.taken_back("crash-loop");
    assert!(explanation.summary.contains("before it was ready: exit code 1"), "{}", explanation.summary);
    assert_eq!(explanation.evidence.clone().unwrap().exit.unwrap().code, Some(1));
    assert!(last_output(&explanation).contains("error: DATABASE_URL is not set"), "{explanation:#?}");
    story.nobody_noticed();
}

#[test]
fn what_exits_later_is_taken_back_in_the_bake_time() {
    let story = deploy("exits-after-5s", |app| {
        app.set("strategy", "{ blue-green: { bake: 60s } }");
    });
    let explanation = story.taken_back("crash-loop");
    assert!(explanation.summary.contains("exit code 3"), "{}", explanation.summary);
    assert!(
        last_output(&explanation).contains("error: lost the connection to the database"),
        "{explanation:#?}"
    );
    assert!(story.deployed.seconds < 20.0, "long before the bake time is over: {:?}", story.deployed);
    story.few_noticed();
}

#[test]
fn the_wrong_port_is_named() {
    let story = deploy("wrong-port", |_| {});
    let explanation = story.taken_back("start-deadline");
    let evidence = explanation.evidence.clone().unwrap();
    let (asked, really) = (evidence.port.unwrap(), evidence.listening.unwrap()[0]);
    assert_ne!(asked, really);
    let remark =
        format!("connection refused on port {asked}; it listens on {really}, not on $PORT ({asked})");
    assert!(explanation.summary.contains(&remark), "{}", explanation.summary);
    story.nobody_noticed();
}

#[test]
fn a_failed_migration_is_quoted() {
    let story = deploy("fails-migration", |_| {});
    let explanation = story.taken_back("migration-failed");
    assert!(explanation.summary.contains("the migration failed: exit code 4"), "{}", explanation.summary);
    let said = last_output(&explanation);
    assert!(said.contains("step 1 of 2") && said.contains("column \"total\" of relation"), "{said}");
    let started = story.tidegate.events().iter().filter(|e| e.kind == "instance.ready").count();
    assert_eq!(started, 2, "no instance of the candidate was ever started");
    story.nobody_noticed();
}

#[test]
fn who_takes_too_much_memory_is_taken_back_for_it() {
    if !memory_is_limited() {
        println!("skipped: this machine cannot limit memory");
        return;
    }
    let story = deploy("memory-leak", |app| {
        app.set("strategy", "{ blue-green: { bake: 60s } }").set("limits", "{ memory: 64MiB }");
    });
    let explanation = story.taken_back("crash-loop");
    assert!(explanation.summary.contains("over its memory limit"), "{}", explanation.summary);
    assert!(explanation.evidence.clone().unwrap().exit.unwrap().out_of_memory, "{explanation:#?}");
    story.few_noticed();
}

#[test]
fn output_without_end_is_taken_back_and_kept_within_bounds() {
    let story = deploy("fills-its-output", |app| {
        app.set("strategy", "{ blue-green: { bake: 30s } }");
    });
    let explanation = story.taken_back("output-flood");
    assert!(explanation.summary.contains("writes output without end"), "{}", explanation.summary);
    assert!(size_of(&story.tidegate.data()) < OUTPUT_AT_MOST);
    assert!(story.report.is_clean(), "{}", story.report);
}

#[test]
fn nothing_is_left_of_children_wherever_they_went() {
    let story = deploy("forks-children", |_| {});
    let sleeping = |process: &Process| process.command == "sleep 987654";
    assert_eq!(Process::all_of(&story.tidegate.data()).iter().filter(|p| sleeping(p)).count(), 6);
    story.held_and_replaced();
}

#[test]
fn who_ignores_sigterm_is_killed_after_its_grace() {
    let story = deploy("ignores-sigterm", |app| {
        app.set("stop", "{ signal: SIGTERM, grace: 1s }");
    });
    story.held_and_replaced();
}

/// Looked up before: where nothing stops it, the leak would take the machine's memory.
fn memory_is_limited() -> bool {
    let output = Tidegate::up().run(&["doctor", "--json"]);
    let report: DoctorReport = serde_json::from_slice(&output.stdout).unwrap();
    let good = |finding: &DoctorFinding| {
        finding.severity == Severity::Ok && finding.message.starts_with("memory limits: enforced")
    };
    report.findings.iter().any(good)
}

fn size_of(folder: &Path) -> u64 {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items
        .map(|item| match item.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&item.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

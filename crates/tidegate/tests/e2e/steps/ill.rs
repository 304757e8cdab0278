//! Steps that do not behave: each is bounded, and says so.

use std::fs;
use std::time::{Duration, Instant};

use tidegate_backend::Logs;
use tidegate_core::model::{Limits, RunState, StageSpec, StageState, StageWork, StepSpec};
use tidegate_core::time::Millis;
use tidegate_core::units::ByteSize;

use super::yard::{WITHIN, Yard, stage, step};

/// What each does, how much it may, and how it ends in words.
const ILL: [(&str, &str, &str); 5] = [
    ("fills", "while head -c 4194304 /dev/zero >> large; do :; done", "it wrote"),
    ("forks", "f() { f & f & wait; }; f 2>/dev/null; exit 7", "exit code 7"),
    ("deaf", "trap '' TERM; while :; do sleep 0.1; done", "it took longer than 1s"),
    ("leaves", "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' & exit 0", "exit code 0"),
    ("floods", "head -c 30000000 /dev/zero | tr '\\0' '\\n'; exit 5", "exit code 5"),
];

#[test]
fn steps_that_do_not_behave_are_bounded_and_say_so() {
    let yard = Yard::new();
    let steps = ILL.map(|(name, run, _)| {
        let limits = Limits { disk: Some(ByteSize(32 << 20)), pids: Some(40), ..Limits::default() };
        let timeout = if name == "deaf" { Millis::seconds(1) } else { Millis::seconds(60) };
        StepSpec { limits, timeout, ..step(name, run) }
    });
    let all = StageSpec { parallel: true, ..stage("all", StageWork::Steps(steps.into()), &[]) };
    yard.begin(vec![all, stage("deploy", StageWork::Deploy, &["all"])]);
    let run = yard.over();
    assert_eq!(run.state, RunState::Failed, "{run:#?}");
    for ((name, _, wanted), step) in ILL.iter().zip(&run.stages[0].steps) {
        let how = step.exit.as_ref().unwrap().to_string();
        // Without control groups nobody counts processes: the bomb ends with its time.
        assert!(
            how.starts_with(wanted) || (*name == "forks" && step.state == StageState::Failed),
            "{name}: {how}"
        );
    }
    let ends_with = |step: usize, wanted: &str| {
        let lines = yard.logs.tail(&run.stages[0].steps[step].attempts, 50).unwrap();
        lines.iter().any(|line| line.line.contains(wanted))
    };
    assert!(ends_with(4, "left out: more than 1MiB of output a second"));
    assert!(
        ends_with(1, "[tidegate] it met its limit of 40 processes") || ends_with(1, "limits not enforced")
    );
    let deadline = Instant::now() + WITHIN;
    while fs::read_dir(yard.path().join("units")).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "a process is left behind");
        std::thread::sleep(Duration::from_millis(20));
    }
}

//! `tidegate pipeline run`: a pipeline on the machine of whoever types.

use std::io::{Read, Write};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::terminal::Terminal;

const APP: &str = "app: shop\nbuild: { run: 'echo made > made.txt' }\nservices: { web: { run: x } }\n";

/// What was printed, standard output first; times taken out.
fn lines(output: &Output) -> Vec<String> {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(text).unwrap().lines().map(without_time).collect()
}

/// `… in 0.3s` as `… in TIME`.
fn without_time(line: &str) -> String {
    let is_time = |word: &str| {
        let number = word.trim_end_matches([';', ':']).strip_suffix('s');
        number.is_some_and(|number| number.contains('.') && number.parse::<f64>().is_ok())
    };
    let words = line.split(' ').map(|word| match is_time(word) {
        true => format!(
            "TIME{}",
            if word.ends_with(':') {
                ":"
            } else if word.ends_with(';') {
                ";"
            } else {
                ""
            }
        ),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A folder with this manifest, and a cache of its own.
fn terminal(manifest: &str) -> Terminal {
    Terminal::new().file("tidegate.yaml", manifest)
}

fn run(terminal: &Terminal, args: &[&str]) -> Output {
    let args = [&["pipeline", "run"], args].concat();
    let home = terminal.dir.path().join(".tidegate");
    terminal.command(&args).env("XDG_CACHE_HOME", home).env_remove("NPM_TOKEN").output().unwrap()
}

#[test]
fn the_default_pipeline_builds_and_tests_in_copies() {
    let terminal =
        terminal(&format!("{APP}test: {{ run: 'cat made.txt tidegate.yaml | head -n 2; touch left' }}\n"));
    let output = run(&terminal, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        lines(&output),
        [
            "test/test | made",
            "test/test | app: shop",
            "build: succeeded in TIME",
            "test/test: succeeded in TIME",
            "the pipeline succeeded in TIME; left out: deploy (needs a server)",
        ]
    );
    assert!(!terminal.dir.path().join("made.txt").exists() && !terminal.dir.path().join("left").exists());
}

const STAGES: &str = "pipeline:
  stages:
    build: build
    lint: { steps: ['echo fine', 'echo never > seen; exit 3', 'echo not reached'] }
    later: { steps: ['echo not reached either'] }
";

#[test]
fn a_step_that_fails_ends_it_with_the_reason() {
    let output = run(&terminal(&format!("{APP}{STAGES}")), &["--shell-on-fail"]);
    assert_eq!(output.status.code(), Some(1));
    let name = "lint/echo never > seen; exit 3";
    assert_eq!(
        lines(&output),
        [
            "lint/echo fine | fine".to_owned(),
            "build: succeeded in TIME".into(),
            "lint/echo fine: succeeded in TIME".into(),
            format!("{name}: failed after TIME: exit code 3"),
            format!("{name}: no shell is opened, because standard input is not a terminal"),
            "the pipeline failed in stage lint after TIME".into(),
        ]
    );
}

const STEPS: &str = r#"pipeline:
  stages:
    build: build
    make: { steps: [{ name: make, run: 'mkdir -p out kept; echo 1 >> kept/runs; cat kept/runs | wc -l | tr -d " "; echo art > out/a.txt', artifacts: [out], cache: [kept] }] }
    test:
      parallel: true
      when: { environments: [production] }
      steps:
        - { name: unit, run: 'echo "$LEVEL $V $NPM_TOKEN ${SECRET_OF_MINE-unset} $(cat out/a.txt) $TIDEGATE_STAGE/$TIDEGATE_STEP"', matrix: { V: [1, 2] }, env: { LEVEL: high }, secrets: [NPM_TOKEN] }
        - { name: report, run: 'echo "<testsuite><testcase name=\"a\"/><testcase name=\"b\"><skipped/></testcase></testsuite>" > r.xml', reports: ['*.xml'] }
    staging: { when: { environments: [staging] }, steps: ['exit 9'] }
environments: { production: {}, staging: {} }
"#;

#[test]
fn steps_get_what_they_say_and_leave_what_they_say() {
    let terminal = terminal(&format!("{APP}{STEPS}")).file("secrets.env", "NPM_TOKEN=s3cret\n");
    let output = run(&terminal, &[]);
    let refused = "error: the step `unit (V 1)` needs the secret NPM_TOKEN\n";
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with(refused), "{output:?}");
    for runs in ["1", "2"] {
        let args = [&["pipeline", "run", "--env-file", "secrets.env"][..]].concat();
        let home = terminal.dir.path().join(".tidegate");
        let mut command = terminal.command(&args);
        let output = command.env("XDG_CACHE_HOME", home).env("SECRET_OF_MINE", "mine").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let lines = lines(&output);
        for line in [
            &format!("make/make | {runs}"),
            "test/unit (V 1) | high 1 s3cret unset art test/unit (V 1)",
            "test/unit (V 2) | high 2 s3cret unset art test/unit (V 2)",
            "test/report: succeeded in TIME (2 tests, 1 skipped)",
            "the pipeline succeeded in TIME; left out: staging (only for runs into staging)",
        ] {
            assert!(lines.iter().any(|seen| seen == line), "{line}: {lines:#?}");
        }
    }
}

#[test]
fn one_step_alone_runs_after_the_build() {
    let terminal = terminal(&format!("{APP}{STAGES}"));
    let output = run(&terminal, &["--step", "later"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        lines(&output),
        [
            "later/echo not reached either | not reached either",
            "build: succeeded in TIME",
            "later/echo not reached either: succeeded in TIME",
            "the pipeline succeeded in TIME; left out: lint (not asked for)",
        ]
    );
    let output = run(&terminal, &["--step", "lnt"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output)[0], "error: the pipeline has no step `lnt`");
}

const BESIDE: &str = r#"pipeline:
  stages:
    test:
      steps:
        - name: asks
          run: 'python3 -c "import os, urllib.request as u; print(u.urlopen(\"http://\" + os.environ[\"DB_ADDRESS\"]).read().decode())"'
          services: { db: { run: 'mkdir www; echo hello > www/index.html; exec python3 -m http.server -d www --bind 127.0.0.1 "$PORT"', within: 20s } }
        - { name: dead, run: 'echo no', services: { db: { run: 'exit 1' } } }
"#;

#[test]
fn what_runs_beside_a_step_is_there_before_it_and_gone_after_it() {
    let output = run(&terminal(&format!("app: a\nservices: {{ web: {{ run: x }} }}\n{BESIDE}")), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lines = lines(&output);
    assert!(lines.contains(&"test/asks | hello".to_owned()), "{lines:#?}");
    let dead = "test/dead: failed after TIME: `db`, which runs beside it, ended before its port accepted";
    assert!(lines.contains(&dead.to_owned()), "{lines:#?}");
    assert!(!lines.contains(&"test/dead | no".to_owned()));
}

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_it_started_and_tried_again() {
    let steps = "pipeline: { stages: { t: { steps: [{ name: slow, run: 'sleep 600 & sleep 600', timeout: 1s, retries: 1 }] } } }\n";
    let begun = Instant::now();
    let output = run(&terminal(&format!("app: a\nservices: {{ web: {{ run: x }} }}\n{steps}")), &[]);
    assert_eq!(
        lines(&output),
        [
            "t/slow: failed after TIME: it took longer than 1s",
            "t/slow: once more (1 of 1)",
            "t/slow: failed after TIME: it took longer than 1s",
            "the pipeline failed in stage t after TIME",
        ]
    );
    // Its pipes are closed: nothing of it holds them any more.
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// What is typed once the shell is there.
const TYPED: &str = "echo proof: $(cat proof)\necho step: $TIDEGATE_STEP $LEVEL $(cat made.txt)\nexit 9\n";

#[test]
fn on_a_terminal_a_shell_is_opened_where_a_step_failed() {
    let steps = "pipeline: { stages: { build: build, t: { steps: [{ name: unit, run: 'echo kept > proof; exit 3', env: { LEVEL: high } }] } } }\n";
    let terminal = terminal(&format!("{APP}{steps}"));
    let line = format!("{} pipeline run --shell-on-fail", env!("CARGO_BIN_EXE_tidegate"));
    // A terminal of its own, with whoever types at the other end.
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(terminal.dir.path()).env("SHELL", "/bin/sh");
    script.env("XDG_CACHE_HOME", terminal.dir.path().join(".tidegate")).env_remove("TIDEGATE_API");
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut hands = script.stdin.take().unwrap();
    hands.write_all(TYPED.as_bytes()).unwrap();
    let mut shown = String::new();
    script.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    drop(hands);
    assert_eq!(script.wait().unwrap().code(), Some(1), "{shown}");
    for wanted in [
        "t/unit: failed after",
        "t/unit: a shell in its workspace; `exit` goes on",
        "proof: kept",
        "step: unit high made",
        "the pipeline failed in stage t after",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
}

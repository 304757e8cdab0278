//! The story: which versions are deployed one after another, and how each should end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::account::{Ending, Outcome};
use crate::load::Load;
use crate::server::Server;
use crate::view::View;
use crate::{Args, Trouble};

/// How often the live line changes.
const LOOK: Duration = Duration::from_millis(250);

/// Characters of a line that is quoted.
const QUOTED: usize = 120;

/// A version and what should become of it.
pub struct Step {
    /// For people.
    name: &'static str,
    /// As `variants/use` knows it.
    version: &'static str,
    /// How it should end.
    wanted: Ending,
    /// Lines of the manifest that are changed to keep the demo short.
    edits: &'static [(&'static str, &'static str)],
    /// Words of the app that `explain` has to quote.
    last_words: &'static str,
}

const SHORT_BAKE: (&str, &str) = ("bake: 10s", "bake: 5s");
const BAKE_PAST_THE_EXIT: (&str, &str) = ("bake: 10s", "bake: 12s");
const SHORT_START: (&str, &str) = ("within: 30s", "within: 8s");

/// The steps.
pub fn steps(quick: bool) -> Vec<Step> {
    let step = |name, version, wanted, edits, last_words| Step { name, version, wanted, edits, last_words };
    let mut steps = vec![
        step("httpbin 0.10.2: the first deploy", "0.10.2", Ending::Succeeds, &[SHORT_BAKE], ""),
        step("httpbin 0.10.4: an upgrade", "0.10.4", Ending::Succeeds, &[SHORT_BAKE], ""),
        step(
            "httpbin 0.10.1: does not boot",
            "0.10.1",
            Ending::TakenBackUnseen,
            &[SHORT_BAKE],
            "ImportError: cannot import name",
        ),
    ];
    if !quick {
        steps.push(step(
            "passes its probe, then exits",
            "exits_after_5s",
            Ending::TakenBackServing,
            &[BAKE_PAST_THE_EXIT],
            "error: lost the connection to the cache",
        ));
        steps.push(step(
            "never ready",
            "never_ready",
            Ending::TakenBackUnseen,
            &[SHORT_BAKE, SHORT_START],
            "HTTP 503 from /status/200",
        ));
    }
    steps
}

/// Plays one step.
pub fn play(
    step: &Step,
    args: &Args,
    server: &Server,
    mut load: Option<&mut Load>,
    view: &mut View,
) -> Result<Outcome, Trouble> {
    view.say(&format!("== {}", step.name));
    let app = args.scratch.join("app");
    prepare(step, &args.example, &app)?;
    let before = sight(load.as_deref_mut())?;
    let pid = args.scratch.join("deploy.pid");
    let answer = deploy(server, &app, &pid, load.as_deref_mut(), view)?;
    let after = settle(load, view)?;
    let service = &answer["services"][0];
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let rollout = service["rollout"].to_string();
    let mut outcome = Outcome {
        name: step.name,
        wanted: step.wanted,
        phase: text(&service["phase"]),
        revision: text(&service["revision"]),
        seconds: answer["seconds"].as_f64().unwrap_or(0.0),
        requests: after.0 - before.0,
        failed: after.1 - before.1,
        answered: 0,
        quoted: false,
    };
    if step.wanted != Ending::Succeeds {
        let explained = explain(server, &rollout)?;
        outcome.quoted = explained.contains(step.last_words);
        quote(&explained, step.last_words, view);
    }
    Ok(outcome)
}

/// Writes the version into the app's folder, with the demo's shorter times.
fn prepare(step: &Step, example: &Path, app: &Path) -> Result<(), Trouble> {
    let written = Command::new(example.join("variants/use")).arg(step.version).arg(app).status()?;
    if !written.success() {
        return Err(format!("variants/use {} failed", step.version).into());
    }
    let path = app.join("tidegate.yaml");
    let mut manifest = fs::read_to_string(&path)?;
    for (from, to) in step.edits {
        if !manifest.contains(from) {
            return Err(format!("the example's manifest does not say `{from}` any more").into());
        }
        manifest = manifest.replace(from, to);
    }
    Ok(fs::write(&path, manifest)?)
}

/// Deploys and shows what is said meanwhile; the command's JSON.
fn deploy(
    server: &Server,
    app: &Path,
    pid: &Path,
    mut load: Option<&mut Load>,
    view: &mut View,
) -> Result<Value, Trouble> {
    let mut child = server
        .command(&["deploy", "--wait", "--json"])
        .arg(app)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // By this the script ends it where the demo is ended from outside.
    fs::write(pid, child.id().to_string())?;
    let lines = lines_of(&mut child)?;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) if is_build_output(&line) => {}
            Ok(line) => view.say(&without_time(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(load) = load.as_deref_mut() {
            load.look()?;
            view.load(&load.now);
        }
    }
    let mut text = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut text)?;
    child.wait()?;
    fs::remove_file(pid)?;
    let answer: Value = serde_json::from_str(&text)?;
    match answer["error"].as_str() {
        Some(error) => Err(format!("the deploy failed: {error}").into()),
        None => Ok(answer),
    }
}

/// What a child says on standard error, as it comes.
fn lines_of(child: &mut Child) -> Result<Receiver<String>, Trouble> {
    let said = child.stderr.take().ok_or("no output")?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(said).lines().map_while(Result::ok);
        lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
    });
    Ok(lines)
}

/// A line the build command wrote: `build-7 | Collecting flask`. There are a hundred of them.
fn is_build_output(line: &str) -> bool {
    line.split_once(" | ").is_some_and(|(unit, _)| unit.starts_with("build-") && !unit.contains(' '))
}

/// An event's line without its time: the view has its own.
fn without_time(line: &str) -> String {
    let (first, rest) = line.split_once(' ').unwrap_or(("", line));
    if first.ends_with('Z') { rest.to_owned() } else { line.to_owned() }
}

/// Requests and failures so far.
fn sight(load: Option<&mut Load>) -> Result<(u64, u64), Trouble> {
    let Some(load) = load else { return Ok((0, 0)) };
    load.look()?;
    Ok((load.now.sent, load.now.failed))
}

/// As [`sight`], once the load has told of a second that began after the step was over.
fn settle(load: Option<&mut Load>, view: &mut View) -> Result<(u64, u64), Trouble> {
    let Some(load) = load else { return Ok((0, 0)) };
    load.look()?;
    let whole = load.now.second + 2;
    while load.now.second < whole {
        std::thread::sleep(LOOK);
        load.look()?;
        view.load(&load.now);
    }
    sight(Some(load))
}

fn explain(server: &Server, rollout: &str) -> Result<String, Trouble> {
    let said = server.command(&["explain", rollout]).output()?;
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

/// What was seen and the app's last words, in short.
fn quote(explained: &str, last_words: &str, view: &mut View) {
    let verdict = explained.lines().nth(1).unwrap_or("");
    view.say(&format!("explain: {verdict}"));
    for line in explained.lines().skip(2).filter(|line| line.contains(last_words)).take(1) {
        let short: String = line.trim().chars().take(QUOTED).collect();
        view.say(&format!("explain:   {short}"));
    }
}

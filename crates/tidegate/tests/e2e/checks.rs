//! Checks beside the judge, asked for real: a Prometheus that scrapes this very Tidegate, a server that answers, hangs and
//! resets, commands; and what becomes of a rollout while none of them answers.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_core::view::{CheckView, RolloutView};

use crate::support::{App, Load, Mix, Tidegate, eventually, free_address, get};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(60);

/// An app whose strategy is a canary with these options.
fn app(options: &str) -> App {
    let mut app = App::new();
    app.set("strategy", &format!("{{ canary: {{ bake: 1s, {options} }} }}"));
    app.set("startup", "{ http: /up, every: 100ms, within: 20s }")
        .set("ready", "{ http: /up, every: 100ms }");
    app
}

fn check(view: &RolloutView) -> CheckView {
    view.checks.first().cloned().expect("it has a check")
}

/// Begins to roll the next version out.
fn roll_out(tidegate: &Tidegate, app: &mut App) {
    let before = tidegate.rollout().id;
    tidegate.deploy_begin(app.next_version());
    eventually("it begins", LONG, || (tidegate.rollout().id != before).then_some(()));
}

fn ends(tidegate: &Tidegate, phase: &str) -> RolloutView {
    eventually(&format!("it is {phase}"), LONG, || {
        let view = tidegate.rollout();
        let over = ["succeeded", "aborted", "failed"].contains(&view.phase.as_str());
        assert!(!over || view.phase == phase, "{view:#?}\n{}", tidegate.story());
        (view.phase == phase).then_some(view)
    })
}

/// Waits until the check says this, and nothing else has happened to the rollout.
fn says(tidegate: &Tidegate, what: &str) -> RolloutView {
    eventually(what, LONG, || {
        let view = tidegate.rollout();
        assert!(view.reason.is_none(), "{view:#?}\n{}", tidegate.story());
        check(&view).message.contains(what).then_some(view)
    })
}

/// A Prometheus of one's own.
struct Prometheus {
    folder: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Prometheus {
    fn of(tidegate: &Tidegate) -> Self {
        let (folder, address) = (TempDir::new().unwrap(), free_address());
        let config = format!(
            "global: {{ scrape_interval: 500ms }}\nscrape_configs:\n  - job_name: tidegate\n    \
             authorization: {{ credentials_file: {} }}\n    static_configs: [{{ targets: [\"{}\"] }}]\n",
            tidegate.data().join("token").display(),
            tidegate.api()
        );
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let mut prometheus = Prometheus { folder, address, child: None };
        prometheus.start();
        prometheus
    }

    fn start(&mut self) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", path("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", path("data")))
            .arg(format!("--web.listen-address={}", self.address))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the package prometheus is there: ./test installs it");
        self.child = Some(child);
        eventually("Prometheus is ready", LONG, || {
            get(self.address, "localhost", "/-/ready").is_ok_and(|answer| answer.status == 200).then_some(())
        });
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The share of answers from 500 on that the candidate gave.
    fn errors(&self, max: &str) -> String {
        let counts = "sum(rate(tidegate_requests_total{arm=\"{arm}\",revision=\"{revision}\"";
        let query = format!("({counts},outcome=\"server_error\"}}[5s])) or vector(0)) / {counts}}}[5s]))");
        format!(
            "checks: {{ errors: {{ prometheus: '{query}', url: 'http://{}', max: {max}, every: 1s, timeout: 2s }} }}",
            self.address
        )
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_query_takes_back_what_the_judge_finds_no_worse_than_stable() {
    let tidegate = Tidegate::up();
    let prometheus = Prometheus::of(&tidegate);
    let mut app = app(&format!("steps: [30% for 2m], {}", prometheus.errors("5%")));
    // Both err alike: nothing speaks against the candidate but that it is too much.
    app.env("ERROR_PERCENT", "30");
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, 60.0, Mix::Plain, None);
    roll_out(&tidegate, &mut app);
    let view = ends(&tidegate, "aborted");
    load.finish();
    assert_eq!(view.code.as_deref(), Some("check-failed"), "{}", tidegate.story());
    let reason = view.reason.clone().unwrap();
    assert!(reason.starts_with("the check `errors` failed 2 times in a row: 0."), "{reason}");
    assert!(reason.ends_with(" is more than 0.05"), "{reason}");
    let check = check(&view);
    assert_eq!((check.state.as_str(), check.failures), ("failed", 2));
    assert!(check.value.is_some_and(|value| value > 0.05 && value < 0.9), "{check:?}");
    let explained = tidegate.explain();
    assert!(explained.summary.contains(&reason), "{explained:?}");
    assert!(explained.events.iter().any(|event| event.kind == "check.failed"));
    assert_eq!(tidegate.service().weight, 0);
}

#[test]
fn while_the_metrics_store_is_away_the_rollout_is_held_and_then_goes_on() {
    let mut tidegate = Tidegate::up();
    let mut prometheus = Prometheus::of(&tidegate);
    let mut app = app(&format!("steps: [20% for 2s, 50% for 2s], {}", prometheus.errors("5%")));
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, 60.0, Mix::Plain, None);
    prometheus.stop();
    roll_out(&tidegate, &mut app);
    let away = format!("{}: connection refused", prometheus.address);
    let view = says(&tidegate, &away);
    assert_eq!((check(&view).state.as_str(), check(&view).value), ("waiting", None));
    // Not for a while, and not over a restart of the control plane.
    eventually("the step's time is over", LONG, || {
        (tidegate.rollout().step_seconds_left == Some(0.0)).then_some(())
    });
    tidegate.kill9_control();
    tidegate.restart();
    let mut age = 0.0;
    eventually("it is asked again", LONG, || {
        let before = std::mem::replace(&mut age, check(&tidegate.rollout()).seconds_ago.unwrap());
        (age < before).then_some(())
    });
    let view = says(&tidegate, &away);
    assert_eq!((view.phase.as_str(), view.weight), ("progressing", 20), "{}", tidegate.story());
    let held = format!("the check `errors` holds the rollout: {away}");
    assert!(view.waiting.contains(&held), "{view:#?}");
    assert!(tidegate.service().waiting.contains(&held));
    let shown = tidegate.run(&["rollout", "show", "web"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains(&format!("check      errors is waiting: {away}")), "{shown}");
    // Nothing is known yet of a store that has just begun: that is no answer either.
    prometheus.start();
    let view = ends(&tidegate, "succeeded");
    assert_eq!(check(&view).state, "passed");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    let kinds: Vec<String> = tidegate.events().into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&"check.held".to_owned()) && kinds.contains(&"check.passed".to_owned()));
    assert!(!kinds.contains(&"check.failed".to_owned()), "{}", tidegate.story());
}

/// What a hook does to whoever asks.
#[derive(Clone, Copy)]
enum Mood {
    Hangs = 0,
    Resets = 1,
    Good = 2,
    Bad = 3,
}

/// A server that answers as it is told to.
struct Hook {
    address: SocketAddr,
    mood: Arc<AtomicU8>,
    heads: Arc<Mutex<Vec<String>>>,
    serving: Option<JoinHandle<()>>,
}

impl Hook {
    const OVER: u8 = u8::MAX;

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Arc::new(AtomicU8::new(Mood::Hangs as u8));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (moods, seen) = (mood.clone(), heads.clone());
        let serving = std::thread::spawn(move || {
            let mut hung = Vec::new();
            for connection in listener.incoming() {
                let stream = connection.unwrap();
                match moods.load(Ordering::SeqCst) {
                    Hook::OVER => return,
                    0 => hung.push(stream),
                    1 => drop(stream),
                    mood => answer(&stream, mood == Mood::Good as u8, &seen),
                }
            }
        });
        Hook { address, mood, heads, serving: Some(serving) }
    }

    fn becomes(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }
}

fn answer(mut stream: &TcpStream, good: bool, seen: &Mutex<Vec<String>>) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    seen.lock().unwrap().push(head.join("\n"));
    let status = if good { "200 OK" } else { "418 No" };
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.mood.store(Hook::OVER, Ordering::SeqCst);
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(serving) = self.serving.take().filter(|_| woken) {
            serving.join().unwrap();
        }
    }
}

#[test]
fn a_hook_that_hangs_or_resets_is_waited_for_and_one_that_says_no_is_heard() {
    let (tidegate, hook) = (Tidegate::up(), Hook::start());
    let url = format!("http://{}/may/{{service}}?revision={{revision}}", hook.address);
    let checks =
        format!("{{ ask: {{ http: '{url}', token: HOOK_TOKEN, every: 1s, timeout: 300ms, guard: true }} }}");
    let mut app = app(&format!("steps: [20%, check ask (max 5m), approve], checks: {checks}"));
    app.env("HOOK_TOKEN", "s3cret-token");
    tidegate.deploy_well(&app);
    roll_out(&tidegate, &mut app);
    says(&tidegate, "no answer within 300ms");
    hook.becomes(Mood::Resets);
    let view = says(&tidegate, "the connection");
    assert_eq!((view.phase.as_str(), view.weight), ("progressing", 20));
    hook.becomes(Mood::Good);
    let view = eventually("it goes on to the approval", LONG, || {
        Some(tidegate.rollout()).filter(|view| view.phase == "paused")
    });
    assert_eq!(check(&view).state, "passing");
    let head = hook.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /may/web?revision=r2 HTTP/1.1\n"), "{head}");
    assert!(head.contains("Authorization: Bearer s3cret-token"), "{head}");
    hook.becomes(Mood::Bad);
    let view = ends(&tidegate, "aborted");
    assert_eq!(view.code.as_deref(), Some("check-failed"));
    assert_eq!(view.reason.as_deref(), Some("the check `ask` failed 2 times in a row: status 418"));
    for said in [tidegate.story(), tidegate.control_log(), format!("{view:?} {:?}", tidegate.explain())] {
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_command_is_run_in_the_candidates_build_and_again_after_a_kill() {
    let mut tidegate = Tidegate::up();
    let folder = tempfile::Builder::new().prefix("tidegate-check-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = folder.path().join("ran");
    let checks =
        format!("{{ smoke: {{ command: './check.sh {}', every: 1s, timeout: 20s }} }}", ran.display());
    let mut app = app(&format!("steps: [20%, check smoke (max 5m)], checks: {checks}"));
    let script = "#!/bin/sh\necho \"$CHECK_REVISION $CHECK_ARM $CHECK_STABLE $TIDEGATE_SERVICE\" >>\"$1\"\n\
                  test $(wc -l <\"$1\") -gt 1 || sleep 600\n\
                  exec python3 -c \"import os, urllib.request as u; u.urlopen('http://' + os.environ['CHECK_ADDRESS'] + '/up')\"\n";
    fs::write(app.path().join("check.sh"), script).unwrap();
    fs::set_permissions(app.path().join("check.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    tidegate.deploy_well(&app);
    roll_out(&tidegate, &mut app);
    let lines =
        || fs::read_to_string(&ran).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    eventually("it runs", LONG, || (lines().len() == 1).then_some(()));
    tidegate.kill9_control();
    tidegate.restart();
    let view = ends(&tidegate, "succeeded");
    assert_eq!(lines(), ["r2 candidate r1 web", "r2 candidate r1 web"], "{view:?}\n{}", tidegate.story());
    // The next version's says no.
    fs::write(app.path().join("check.sh"), "#!/bin/sh\necho it does not work; exit 3\n").unwrap();
    roll_out(&tidegate, &mut app);
    let reason = ends(&tidegate, "aborted").reason.unwrap();
    let said = "the check `smoke` failed 2 times in a row: exit code 3; `tidegate logs --unit ";
    let unit = reason.strip_prefix(said).and_then(|rest| rest.split('`').next()).expect(&reason);
    let output = tidegate.logs(&["--unit", unit]);
    assert!(output.iter().any(|line| line.line == "it does not work"), "{output:?}");
}

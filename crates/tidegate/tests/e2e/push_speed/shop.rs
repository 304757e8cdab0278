//! An app that is pushed again and again, and runs that wait.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_core::model::RunState;
use tidegate_core::view::{PipelineList, PipelineRunView};

use crate::support::{App, Repo, Tidegate, eventually};

/// Where users ask for it.
pub const HOST: &str = "shop.localhost";

/// How long a whole queue may take to be there, or to be gone.
const LONG: Duration = Duration::from_secs(300);

const MANIFEST: &str = r#"app: shop
build: { run: 'sleep 0.3; echo built > built' }
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up } }
    strategy: { blue-green: { bake: 100ms } }
routes: [{ host: shop.localhost, to: web }]
env: { BEHAVIOUR: good, VERSION: "1" }
environments:
  production: { branch: main }
  queue: { branch: "wait/*" }
pipeline:
  stages:
"#;

/// Its checkout.
pub struct Shop {
    app: App,
    repo: Repo,
    url: String,
}

impl Shop {
    /// One with these stages, not pushed yet.
    pub fn new(tidegate: &Tidegate, stages: &str) -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad");
        let app = App::copy_of(&example, &["app.py"]);
        fs::write(app.manifest(), format!("{MANIFEST}{stages}")).unwrap();
        let url = String::from_utf8(tidegate.run(&["git", "url", "shop"]).stdout).unwrap();
        Shop { repo: Repo::of(&app), app, url: url.trim().to_owned() }
    }

    /// Commits another text of a file.
    pub fn change(&self, file: &str, text: &str) {
        fs::write(self.app.path().join(file), text).unwrap();
        self.repo.commit("Change");
    }

    /// Commits the files of a version.
    pub fn serve(&self, version: &str) {
        let text = fs::read_to_string(self.app.manifest()).unwrap();
        let line = text.lines().find(|line| line.starts_with("env:")).unwrap();
        let next = format!("env: {{ BEHAVIOUR: good, VERSION: \"{version}\" }}");
        self.change("tidegate.yaml", &text.replace(line, &next));
    }

    /// Pushes, and shows the run once it has succeeded.
    pub fn push_well(&self, tidegate: &Tidegate) -> PipelineRunView {
        let output = self.repo.push(&self.url, "main");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let run = runs(tidegate).remove(0);
        assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
        run
    }

    /// Begins a push whose lines are heard.
    pub fn push_begin(&self) -> Push {
        let mut push = self.repo.command(&["push", &self.url, "HEAD:main"]);
        let mut child = push.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let heard = said.lines().map_while(Result::ok);
        let heard = std::thread::spawn(move || heard.map(|line| (Instant::now(), line)).collect());
        Push { child, heard }
    }
}

/// A push, and when each of its lines came.
pub struct Push {
    child: Child,
    heard: JoinHandle<Vec<(Instant, String)>>,
}

impl Push {
    /// Waits for its end.
    pub fn finish(mut self) -> Vec<(Instant, String)> {
        let lines = self.heard.join().unwrap();
        assert!(self.child.wait().unwrap().success(), "{lines:#?}");
        lines
    }
}

/// When the build was said to be there, in milliseconds since the push began.
pub fn build_of(lines: &[(Instant, String)], begun: Instant) -> f64 {
    let said = lines.iter().find(|(_, line)| line.contains("build succeeded"));
    said.unwrap_or_else(|| panic!("{lines:#?}")).0.duration_since(begun).as_secs_f64() * 1e3
}

/// Runs that wait behind others which take long.
pub struct Queue {
    push: Child,
    runs: Vec<u64>,
}

/// Makes `many` of them, of a branch each: as many as the machine has processors begin, the others wait.
pub fn queue(tidegate: &Tidegate, shop: &Shop, many: usize, round: usize) -> Queue {
    let text = fs::read_to_string(shop.app.manifest()).unwrap();
    let (head, _) = text.split_once("  stages:\n").unwrap();
    shop.repo.commit("Before the queue");
    let waiting = format!("{head}  stages:\n    wait: {{ steps: [sleep 3600] }}\n");
    shop.change("tidegate.yaml", &waiting);
    let branches: Vec<String> = (0..many).map(|n| format!("HEAD:refs/heads/wait/{round}-{n}")).collect();
    let mut args = vec!["push", "--quiet", &shop.url];
    args.extend(branches.iter().map(String::as_str));
    let mut push = shop.repo.command(&args);
    let push = push.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let runs = eventually("all of them wait", LONG, || {
        let open = open_runs(tidegate);
        (open.len() == many).then_some(open)
    });
    shop.change("tidegate.yaml", &text);
    Queue { push, runs }
}

impl Queue {
    /// Ends them all.
    pub fn cancel(mut self, tidegate: &Tidegate) {
        self.push.kill().unwrap();
        self.push.wait().unwrap();
        for run in &self.runs {
            // Backwards, so that none begins only to be ended.
            tidegate.run(&["pipeline", "cancel", &run.to_string()]);
        }
        eventually("none is left", LONG, || open_runs(tidegate).is_empty().then_some(()));
    }
}

/// The open runs, the newest first.
fn open_runs(tidegate: &Tidegate) -> Vec<u64> {
    runs(tidegate).into_iter().filter(|run| !run.over).map(|run| run.run.0).collect()
}

fn runs(tidegate: &Tidegate) -> Vec<PipelineRunView> {
    let output = tidegate.run(&["pipeline", "list", "-n", "500", "--json"]);
    serde_json::from_slice::<PipelineList>(&output.stdout).unwrap().runs
}

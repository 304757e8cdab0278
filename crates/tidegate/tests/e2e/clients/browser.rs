//! A browser: a page listens by an `EventSource` and talks by a `WebSocket` while its app is rolled out. What it saw is
//! what it reports itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{App, Tidegate, eventually};

/// The first is in Debian's package of that name, which `./test` installs; people have one of the others.
const BROWSERS: [&str; 4] = ["chromium-headless-shell", "chromium", "google-chrome-stable", "google-chrome"];
const WITHIN: Duration = Duration::from_secs(90);

/// A browser with one page open.
pub struct Browser {
    child: Child,
    profile: TempDir,
}

impl Browser {
    /// Opens one on an address.
    pub fn open(url: &str) -> Browser {
        let profile = tempfile::Builder::new().prefix("tidegate-browser-").tempdir().unwrap();
        let start = |name: &&str| {
            Command::new(name)
                // Without a sandbox of its own, which root and containers do not have; the page is ours.
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
                .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
                // Stays until it is closed.
                .arg("--remote-debugging-port=0")
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg(url)
                // A group of its own: what is started may be a script, and the browser its child.
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(profile.path().join("said")).unwrap())
                .spawn()
                .ok()
        };
        let child = BROWSERS.iter().find_map(start).expect("chromium-headless-shell is installed by ./test");
        Browser { child, profile }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.profile.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = tidegate_os::process::kill_group(self.child.id(), 9);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- browser\n{}", self.said());
        }
    }
}

#[test]
fn a_page_listens_on_over_a_rollout() {
    let kept = tempfile::Builder::new().prefix("tidegate-report-").tempdir().unwrap();
    fs::set_permissions(kept.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let report = kept.path().join("report.json");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/clients/browser");
    let mut app = App::copy_of(&folder, &["app.py", "page.html", "tidegate.yaml"]);
    app.env("REPORT", report.to_str().unwrap());
    let tidegate = Tidegate::up();
    tidegate.deploy_well(&app);

    let browser = Browser::open(&format!("http://page.localhost:{}/", tidegate.gateway().port()));
    tidegate.wait_for("the page listens and talks", WITHIN, |service| {
        service.instances.iter().map(|instance| instance.inflight).sum::<u32>() == 2
    });
    tidegate.deploy_well(app.next_version());
    let said = eventually("the page's report", WITHIN, || fs::read_to_string(&report).ok());
    drop(browser);

    let seen: Value = serde_json::from_str(&said).unwrap();
    let (events, socket) = (&seen["events"], &seen["socket"]);
    assert_eq!(events["versions"], json!(["1", "2"]), "{seen:#}");
    assert_eq!((&events["first"], &events["outOfTurn"]), (&json!(0), &json!(0)), "{seen:#}");
    assert_eq!((&events["opened"], &events["closedForGood"]), (&json!(2), &json!(0)), "{seen:#}");
    assert_eq!(socket["versions"], json!(["1", "2"]), "{seen:#}");
    assert_eq!(socket["ends"], json!([[1012, "service restart", true]]), "{seen:#}");
    assert_eq!((&socket["opened"], &socket["wrongAnswers"]), (&json!(2), &json!(0)), "{seen:#}");
}

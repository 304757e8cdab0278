//! A branch has an environment of its own for as long as somebody works on it.

use std::fs;
use std::time::Duration;

use tidegate_core::view::PreviewList;

use crate::support::{App, Process, Repo, Tidegate, eventually, get, typed_well};

const WITHIN: Duration = Duration::from_secs(20);

const MANIFEST: &str = r#"app: bad
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { blue-green: { bake: 1s } }
jobs:
  tidy: { run: "true", schedule: "0 3 * * *" }
routes: [{ host: bad.localhost, to: web }]
env: { BEHAVIOUR: good, VERSION: "1" }
environments:
  production: { branch: main }
  preview:
    branch: "feature/*"
    preview: { most: 2, stays: 3d }
    env: { VERSION: previewed }
"#;

struct Stage {
    tidegate: Tidegate,
    app: App,
    repo: Repo,
    url: String,
}

impl Stage {
    fn new() -> Self {
        let (tidegate, app) = (Tidegate::up(), App::new());
        fs::write(app.manifest(), MANIFEST).unwrap();
        let repo = Repo::of(&app);
        let url = typed_well(&tidegate, &app, "tidegate git url").trim().to_owned();
        Stage { tidegate, app, repo, url }
    }

    /// Pushes a new commit to a branch; what is said.
    fn push(&self, branch: &str) -> String {
        self.repo.commit(branch);
        let pushed = self.repo.push(&self.url, branch);
        let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
        assert!(pushed.status.success(), "{said}\n{}", self.tidegate.story());
        said
    }

    /// The version that a host answers with; `None`: it leads nowhere.
    fn version(&self, host: &str) -> Option<String> {
        let answer = get(self.tidegate.gateway(), host, "/version").unwrap();
        (answer.status == 200).then(|| answer.body.trim().to_owned())
    }

    fn previews(&self) -> Vec<String> {
        let list = typed_well(&self.tidegate, &self.app, "tidegate preview list --json");
        let list: PreviewList = serde_json::from_str(&list).unwrap();
        list.previews.into_iter().map(|preview| preview.environment).collect()
    }

    /// Waits until nothing of a preview is left.
    fn gone(&self, slug: &str) {
        eventually("it is gone", WITHIN, || {
            (!self.previews().contains(&format!("preview-{slug}"))).then_some(())
        });
        assert_eq!(self.version(&format!("{slug}.bad.localhost")), None);
        let line = format!("bad/preview-{slug} environment.removed");
        assert!(self.tidegate.story().contains(&line), "{}", self.tidegate.story());
    }

    fn instances(&self) -> usize {
        let ours = Process::all_of(&self.tidegate.data());
        ours.iter().filter(|process| process.command.contains("app.py")).count()
    }
}

#[test]
fn a_branch_has_an_environment_of_its_own_until_nobody_needs_it() {
    let mut stage = Stage::new();
    stage.push("main");
    let said = stage.push("feature/login");
    assert!(
        said.contains("run 2: bad to preview-login") && said.contains("http://login.bad.localhost:"),
        "{said}"
    );
    assert_eq!(stage.version("login.bad.localhost").as_deref(), Some("previewed"));
    assert_eq!(stage.version("bad.localhost").as_deref(), Some("1"));
    stage.push("feature/cart");
    assert_eq!(stage.previews(), ["preview-cart", "preview-login"]);
    let status = typed_well(&stage.tidegate, &stage.app, "tidegate status -e preview-cart");
    assert!(status.contains("preview of feature/cart"), "{status}");

    // One too many: the one that was pushed to longest ago goes, whatever is killed meanwhile.
    stage.push("feature/login");
    let said = stage.push("feature/Pay_Later");
    assert!(said.contains("preview-cart (feature/cart) makes room as soon as this is deployed"), "{said}");
    stage.tidegate.kill9_control();
    stage.tidegate.restart();
    stage.gone("cart");
    let later = stage.previews().into_iter().find(|name| name.starts_with("preview-pay-later-")).unwrap();
    let later = later.strip_prefix("preview-").unwrap().to_owned();
    assert!(stage.version(&format!("{later}.bad.localhost")).is_some());

    // Its branch is removed, or somebody says so.
    let removed = stage.repo.command(&["push", &stage.url, ":feature/login"]).output().unwrap();
    let said = String::from_utf8_lossy(&removed.stderr).into_owned();
    assert!(removed.status.success() && said.contains("preview-login goes with it"), "{said}");
    stage.gone("login");
    typed_well(&stage.tidegate, &stage.app, "tidegate preview stop feature/Pay_Later");
    stage.gone(&later);
    assert_eq!(stage.previews(), [""; 0]);
    eventually("only production runs", WITHIN, || (stage.instances() == 1).then_some(()));

    // It comes back with the next push.
    stage.push("feature/login");
    assert_eq!(stage.version("login.bad.localhost").as_deref(), Some("previewed"));
}

//! From an empty server to production, as somebody who has just read the README types it; and what is refused on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_core::view::{PipelineList, PipelineRunView};

use crate::support::{App, Repo, Tidegate, eventually, free_address, get, refused, type_in, typed_well};

const WITHIN: Duration = Duration::from_secs(20);
const FILES: [&str; 6] = ["tidegate.yaml", "goods.csv", "build.py", "app.py", "test_app.py", "smoke.py"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines that the README has for it.
fn six_commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("## Six commands").nth(1).unwrap().split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

/// The example, whose flags are served at another address: several tests may run on one machine.
fn shop(flags: &str) -> App {
    let app = App::copy_of(&root().join("examples/shop"), &FILES);
    let manifest = fs::read_to_string(app.manifest()).unwrap();
    fs::write(app.manifest(), manifest.replace("127.0.0.1:8016", flags)).unwrap();
    app
}

fn runs(tidegate: &Tidegate, app: &App) -> Vec<PipelineRunView> {
    let list = typed_well(tidegate, app, "tidegate pipeline list --json");
    serde_json::from_str::<PipelineList>(&list).unwrap().runs
}

/// Environment and state of the newest run.
fn newest(tidegate: &Tidegate, app: &App) -> (String, &'static str) {
    let run = runs(tidegate, app).remove(0);
    (run.environment, run.state.as_str())
}

fn page(tidegate: &Tidegate, host: &str) -> String {
    let answer = get(tidegate.gateway(), host, "/").unwrap();
    format!("{} {}", answer.status, answer.body)
}

#[test]
fn from_an_empty_server_to_production_in_six_commands() {
    let commands = six_commands();
    assert!(commands.len() <= 6, "{commands:?}");
    let flags = free_address().to_string();
    let up = commands[0].strip_prefix("tidegate up ").unwrap().trim_end_matches(" &");
    let up = up.replace("127.0.0.1:8016", &flags);
    let mut tidegate = Tidegate::up();
    tidegate.end_control();
    tidegate.restart_with(&up.split(' ').collect::<Vec<_>>());
    let app = shop(&flags);
    Repo::of(&app);

    let pushed = typed_well(&tidegate, &app, &commands[1]);
    assert_eq!(newest(&tidegate, &app), ("staging".to_owned(), "succeeded"), "{pushed}");
    assert!(
        pushed.contains("smoke succeeded in") && pushed.contains("http://staging.localhost:"),
        "{pushed}"
    );
    assert!(page(&tidegate, "staging.localhost").starts_with("200 tea 4.50\n"));

    typed_well(&tidegate, &app, &commands[2]);
    eventually("the promotion waits for consent", WITHIN, || {
        (newest(&tidegate, &app) == ("production".to_owned(), "waiting")).then_some(())
    });
    assert!(page(&tidegate, "shop.localhost").starts_with("404"));
    typed_well(&tidegate, &app, &commands[3]);
    assert_eq!(newest(&tidegate, &app), ("production".to_owned(), "succeeded"));
    assert!(page(&tidegate, "shop.localhost").ends_with("the cart\n"), "deployed, and not released yet");

    typed_well(&tidegate, &app, &commands[4]);
    eventually("users get the new cart", WITHIN, || {
        page(&tidegate, "shop.localhost").ends_with("the new cart\n").then_some(())
    });
    let status = typed_well(&tidegate, &app, &commands[5]);
    assert!(status.contains("canary") && status.contains("http://shop.localhost:"), "{status}");
}

/// Everything that could be seen of a change: runs that came to their end, revisions that serve, and where the branch is.
fn seen(tidegate: &Tidegate, app: &App, repo: &Repo, url: &str) -> (usize, Vec<String>, String) {
    let ended = runs(tidegate, app).iter().filter(|run| run.state.as_str() == "succeeded").count();
    let hosts = ["staging.localhost", "shop.localhost"];
    (ended, hosts.iter().map(|host| page(tidegate, host)).collect(), repo.tip(url, "main"))
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let (tidegate, app) = (Tidegate::up(), shop(&free_address().to_string()));
    let manifest = fs::read_to_string(app.manifest()).unwrap();
    let frozen = "  records:\n    promote_from: staging\n    freezes: [{ from: 2020-01-01, until: 2099-01-01, why: the audit }]\n";
    let manifest = manifest.replace("  preview:\n", &format!("{frozen}  preview:\n"));
    fs::write(app.manifest(), &manifest).unwrap();
    let repo = Repo::of(&app);
    let push = "git push -q \"$(tidegate git url shop)\" HEAD:main";
    typed_well(&tidegate, &app, push);
    typed_well(&tidegate, &app, "tidegate promote production");
    let url = typed_well(&tidegate, &app, "tidegate git url shop").trim().to_owned();
    let before = seen(&tidegate, &app, &repo, &url);
    let unchanged = |what: &str| assert_eq!(seen(&tidegate, &app, &repo, &url), before, "{what}");

    let said = refused(&tidegate, &app, "tidegate approve 2", "approve::refused");
    assert!(said.contains("wrote the commit") || said.contains("pushed the commit"), "{said}");
    unchanged("an approval by the author");

    fs::write(app.path().join("goods.csv"), "name,cents\ntea,0\n").unwrap();
    repo.commit("Give tea away");
    let said = not_taken(&tidegate, &app, push);
    assert!(said.contains("test FAILED") && said.contains("test_everything_has_a_price"), "{said}");
    unchanged("a push that fails its tests");

    fs::write(app.manifest(), manifest.replace("smoke: true", "smok: true")).unwrap();
    repo.commit("Break the manifest");
    let said = not_taken(&tidegate, &app, push);
    assert!(said.contains("`smok`") && said.contains("tidegate.yaml:"), "{said}");
    unchanged("a broken manifest");

    typed_well(&tidegate, &app, "tidegate promote records");
    let why = eventually("the promotion waits for the end of the freeze", WITHIN, || {
        runs(&tidegate, &app).remove(0).why
    });
    assert!(why.starts_with("it is frozen (the audit)"), "{why}");
    unchanged("a deploy in a freeze");
    fs::write(app.manifest(), &manifest).unwrap();
    refused(&tidegate, &app, "tidegate deploy -e production", "environment::protected");
    unchanged("a deploy from a folder");

    typed_well(&tidegate, &app, "tidegate approve 4 --break-glass 'the auditors ask for it' --wait");
    assert_eq!(newest(&tidegate, &app), ("records".to_owned(), "succeeded"));
    let told = "the protection of records was passed over by ann to let run 4 pass by its rules: the auditors ask for it";
    assert!(tidegate.story().contains(told), "{}", tidegate.story());
}

fn not_taken(tidegate: &Tidegate, app: &App, line: &str) -> String {
    let output = type_in(tidegate, app, line);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{line}\n{said}");
    said
}

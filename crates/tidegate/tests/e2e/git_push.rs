//! A push is taken, refused, or goes on without whoever began it.

use std::fs;
use std::process::{Output, Stdio};
use std::time::Duration;

use crate::support::{App, Repo, Tidegate, eventually};

fn url(tidegate: &Tidegate, app: &str) -> String {
    String::from_utf8(tidegate.run(&["git", "url", app]).stdout).unwrap().trim().to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn objects(tidegate: &Tidegate) -> usize {
    let objects = tidegate.data().join("git/bad.git/objects");
    let folders = fs::read_dir(objects).unwrap().flatten();
    folders.map(|folder| fs::read_dir(folder.path()).unwrap().count()).sum()
}

#[test]
fn a_push_deploys_and_one_that_is_refused_changes_nothing() {
    let tidegate = Tidegate::up();
    let mut app = App::new();
    let repo = Repo::of(&app);
    let url = url(&tidegate, "bad");

    let pushed = repo.push(&url, "main");
    assert!(pushed.status.success(), "{}", said(&pushed));
    assert!(said(&pushed).contains("remote: run 1 succeeded in"), "{}", said(&pushed));
    let first = repo.tip(&url, "main");
    assert_eq!(tidegate.service().stable.unwrap().revision.0, 1);

    // A broken manifest: its diagnostics, and not an object of it is kept.
    let (good, before) = (fs::read_to_string(app.manifest()).unwrap(), objects(&tidegate));
    fs::write(app.manifest(), good.replace("services:", "servises:")).unwrap();
    repo.commit("Break the manifest");
    let refused = repo.push(&url, "main");
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("remote: error[manifest::unknown-key]: `servises`"),
        "{}",
        said(&refused)
    );
    assert_eq!((repo.tip(&url, "main"), objects(&tidegate)), (first.clone(), before));

    // A run that fails before its deploy: the branch stays.
    fs::write(app.manifest(), format!("build: {{ run: echo this is the reason; exit 3 }}\n{good}")).unwrap();
    repo.commit("Break the build");
    let refused = repo.push(&url, "main");
    assert!(!refused.status.success());
    assert!(said(&refused).contains("this is the reason"), "{}", said(&refused));
    assert!(said(&refused).contains("(run 2 failed)"), "{}", said(&refused));
    assert_eq!(repo.tip(&url, "main"), first);

    // Once its files are gone it is still shown, and not tried again.
    for snapshot in fs::read_dir(tidegate.data().join("snapshots")).unwrap() {
        fs::remove_dir_all(snapshot.unwrap().path()).unwrap();
    }
    assert!(tidegate.run(&["pipeline", "show", "2"]).stdout.starts_with(b"run 2"));
    let retried = tidegate.run(&["pipeline", "retry", "2"]);
    assert_eq!(retried.status.code(), Some(1));
    assert!(said(&retried).contains("[pipeline::files-gone]"), "{}", said(&retried));

    // A branch of no environment is kept, and nothing runs.
    fs::write(app.manifest(), good).unwrap();
    app.next_version();
    repo.commit("Feature");
    let kept = repo.push(&url, "feature/x");
    assert!(kept.status.success(), "{}", said(&kept));
    assert!(said(&kept).contains("nothing runs"), "{}", said(&kept));
    assert_eq!(tidegate.service().stable.unwrap().revision.0, 1);

    // The same commit over SSH, as sshd starts what it found in authorized_keys.
    let pushed = over_ssh(&tidegate, &app, &repo);
    assert!(pushed.status.success(), "{}", said(&pushed));
    assert!(said(&pushed).contains("remote: run 3 succeeded in"), "{}", said(&pushed));
    assert!(tidegate.story().contains("asked for by ann"), "{}", tidegate.story());
    assert_eq!(tidegate.service().stable.unwrap().revision.0, 2);
}

/// Git's own client, with a script in place of ssh and sshd.
fn over_ssh(tidegate: &Tidegate, app: &App, repo: &Repo) -> Output {
    let key = app.path().join("ann.pub");
    fs::write(&key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA ann@laptop\n").unwrap();
    let line = tidegate.command(&["git", "authorize", "--by", "ann"]).arg(&key).output().unwrap();
    let line = String::from_utf8(line.stdout).unwrap();
    let forced = line.strip_prefix("command=\"").and_then(|rest| rest.split_once("\",restrict ")).unwrap().0;
    let script = app.path().join("ssh.sh");
    let text = "for asked; do :; done\nSSH_ORIGINAL_COMMAND=$asked exec sh -c \"$FORCED\"\n";
    fs::write(&script, text).unwrap();
    let mut push = repo.command(&["push", "ssh://host/bad.git", "HEAD:main"]);
    push.env("GIT_SSH_COMMAND", format!("sh {}", script.display())).env("GIT_SSH_VARIANT", "simple");
    push.env("FORCED", forced).output().unwrap()
}

#[test]
fn a_run_goes_on_where_the_control_plane_is_killed_during_its_push() {
    let mut tidegate = Tidegate::up();
    let app = App::new();
    let go = app.path().join("go");
    let text = fs::read_to_string(app.manifest()).unwrap();
    let waits = format!("while ! [ -e {} ]; do sleep 0.05; done", go.display());
    fs::set_permissions(app.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(app.manifest(), format!("build: {{ run: \"echo it builds; {waits}\" }}\n{text}")).unwrap();
    let repo = Repo::of(&app);
    let (commit, url) = (repo.commit("Second"), url(&tidegate, "bad"));

    let mut push = repo.command(&["push", &url, "HEAD:main"]);
    let push = push.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the build runs", Duration::from_secs(10), || {
        tidegate.story().contains("runs its command").then_some(())
    });
    tidegate.kill9_control();
    let broken = push.wait_with_output().unwrap();
    assert!(!broken.status.success(), "{}", said(&broken));

    tidegate.restart();
    assert_eq!(repo.tip(&url, "main"), "", "the branch waits for its run");
    fs::write(&go, "").unwrap();
    let tip = eventually("the branch moves", Duration::from_secs(20), || {
        Some(repo.tip(&url, "main")).filter(|tip| !tip.is_empty())
    });
    assert_eq!(tip, commit);
    tidegate.wait_for("it serves", Duration::from_secs(20), |service| service.stable.is_some());
    let builds = tidegate.story().matches("runs its command").count();
    assert_eq!(builds, 1, "{}", tidegate.story());
}

//! Git's own clients, over HTTP and through a real sshd with the real `ssh`: all that people do with a remote, pushes that break off,
//! pushes at the same time, and a history that is as large as one that has grown for years.

mod history;
mod relay;
mod remote;
mod sshd;

use std::fs;
use std::time::{Duration, Instant};

use crate::support::figures::show;
use crate::support::{Tidegate, eventually};
use remote::Remote;
use sshd::Sshd;

const LONG: Duration = Duration::from_secs(60);

#[test]
fn over_http_it_is_a_remote_like_any_other() {
    let tidegate = Tidegate::up();
    let url = String::from_utf8(tidegate.run(&["git", "url", "shop"]).stdout).unwrap();
    all_that_people_do(&Remote::over_http(&tidegate, url.trim()));
}

#[test]
fn over_ssh_it_is_a_remote_like_any_other() {
    let tidegate = Tidegate::up();
    let Some(sshd) = Sshd::start(&tidegate) else {
        println!("skipped: there is no sshd on this machine");
        return;
    };
    all_that_people_do(&sshd.remote(&tidegate));
    assert!(tidegate.story().contains("asked for by ann"), "{}", tidegate.story());
}

fn all_that_people_do(remote: &Remote<'_>) {
    branches_and_tags(remote);
    parts_of_it(remote);
    broken_off(remote);
    at_the_same_time(remote);
}

/// Branches come, are given another history, and go; so do tags.
fn branches_and_tags(remote: &Remote<'_>) {
    remote.push_well(&["HEAD:main"]);
    assert_eq!(remote.tip("refs/heads/main"), remote.head());
    remote.push_well(&["HEAD:feature/x"]);
    remote.git_well(&["commit", "-q", "--amend", "--allow-empty", "-m", "Said otherwise"]);
    let refused = remote.push(&["HEAD:feature/x"]);
    assert!(refused.contains("non-fast-forward"), "{refused}");
    remote.push_well(&["--force", "HEAD:feature/x"]);
    assert_eq!(remote.tip("refs/heads/feature/x"), remote.head());
    remote.git_well(&["tag", "v1"]);
    remote.git_well(&["tag", "-a", "v2", "-m", "The second"]);
    remote.push_well(&["v1", "v2"]);
    assert_eq!((remote.tip("refs/tags/v1"), remote.tip("refs/tags/v2^{}")), (remote.head(), remote.head()));
    remote.push_well(&["--delete", "v1", "feature/x"]);
    assert_eq!((remote.tip("refs/tags/v1"), remote.tip("refs/heads/feature/x")), <_>::default());
    // Back to what main has.
    let main = remote.tip("refs/heads/main");
    remote.git_well(&["reset", "-q", "--hard", &main]);
}

/// Who wants the last commit gets it alone, who wants no files gets none, and who pushes from such a part may.
fn parts_of_it(remote: &Remote<'_>) {
    for number in 0..3 {
        remote.commit("story", &number.to_string());
    }
    remote.push_well(&["HEAD:main"]);
    let count = |of: &str| remote.git_well(&["-C", of, "rev-list", "--count", "HEAD"]);
    let whole = remote.git_well(&["rev-list", "--count", "HEAD"]);
    remote.clone_well("shallow", &["--depth", "1"]);
    assert_eq!(count("shallow"), "1");
    remote.git_well(&["-C", "shallow", "commit", "-q", "--allow-empty", "-m", "From a part"]);
    remote.git_well(&["-C", "shallow", "push", "-q", remote.url(), "HEAD:main"]);
    remote.git_well(&["-C", "shallow", "fetch", "-q", "--unshallow"]);
    assert_eq!(count("shallow"), (whole.parse::<u32>().unwrap() + 1).to_string());
    remote.clone_well("partial", &["--filter=blob:none", "--no-checkout"]);
    let missing = remote.git_well(&["-C", "partial", "rev-list", "--objects", "--missing=print", "HEAD"]);
    assert!(missing.lines().any(|line| line.starts_with('?')), "files came along: {missing}");
    // What is missing comes when it is asked for.
    remote.git_well(&["-C", "partial", "checkout", "-q", "main"]);
    assert_eq!(fs::read_to_string(remote.path().join("partial/story")).unwrap(), "2");
    remote.git_well(&["pull", "-q", "--ff-only", remote.url(), "main"]);
}

/// The client is killed while it sends: nothing of it stays.
fn broken_off(remote: &Remote<'_>) {
    let noise = history::noise(8 << 20);
    fs::write(remote.path().join("noise"), noise).unwrap();
    remote.git_well(&["add", "noise"]);
    remote.git_well(&["commit", "-q", "-m", "Noise"]);
    let before = remote.objects();
    let (relay, push) = remote.push_half(4 << 20, "HEAD:refs/heads/noise");
    eventually("half of it is there", LONG, || {
        (relay.passed() == 4 << 20 && remote.incoming() > 0).then_some(())
    });
    push.kill9();
    eventually("nothing of it is left", LONG, || (remote.incoming() == 0).then_some(()));
    assert_eq!((remote.objects(), remote.tip("refs/heads/noise")), (before, String::new()));
    remote.git_well(&["reset", "-q", "--hard", "HEAD~1"]);
}

/// Two who know of the same commit push one each: one of them is taken, the other is told.
fn at_the_same_time(remote: &Remote<'_>) {
    let names = ["one", "other"];
    for name in names {
        remote.clone_well(name, &[]);
        remote.git_well(&["-C", name, "commit", "-q", "--allow-empty", "-m", name]);
    }
    let ended = names.map(|name| remote.push_from(name, "HEAD:main")).map(remote::Push::finish);
    let taken: Vec<bool> = ended.iter().map(|(well, _)| *well).collect();
    assert_eq!(taken.iter().filter(|well| **well).count(), 1, "{ended:?}");
    let winner = if taken[0] { "one" } else { "other" };
    let commit = remote.git_well(&["-C", winner, "rev-parse", "HEAD"]);
    assert_eq!(remote.tip("refs/heads/main"), commit);
    let loser = &ended[usize::from(taken[0])].1;
    // Who asks when the other is through already is told by their own client.
    let reasons = [
        "a newer push overtook run",
        "somebody else moved main",
        "was moved by somebody else",
        "fetch first",
    ];
    assert!(reasons.iter().any(|reason| loser.contains(reason)), "{loser}");
}

/// A repository of 10,000 files and 5,000 commits.
#[test]
#[ignore = "run by bench/git-peers"]
fn a_large_history_goes_in_and_out() {
    let tidegate = Tidegate::up();
    let url = String::from_utf8(tidegate.run(&["git", "url", "shop"]).stdout).unwrap();
    large(&Remote::over_http(&tidegate, url.trim()), "HTTP");
    let (tidegate, skipped) = (Tidegate::up(), "skipped: there is no sshd on this machine");
    match Sshd::start(&tidegate) {
        Some(sshd) => large(&sshd.remote(&tidegate), "SSH"),
        None => println!("{skipped}"),
    }
}

fn large(remote: &Remote<'_>, how: &str) {
    history::import(remote, 10_000, 5_000);
    let timed = |what: &str, work: &dyn Fn()| {
        let begun = Instant::now();
        work();
        show(&[
            format!("{what} over {how}"),
            format!("{:.1} s", begun.elapsed().as_secs_f64()),
            String::new(),
        ]);
    };
    timed("push of 10,000 files and 5,000 commits, and its run,", &|| remote.push_well(&["HEAD:main"]));
    assert_eq!(remote.tip("refs/heads/main"), remote.head());
    timed("clone of it", &|| remote.clone_well("whole", &[]));
    let same = remote.git_well(&["-C", "whole", "rev-parse", "HEAD^{tree}"]);
    assert_eq!(same, remote.git_well(&["rev-parse", "HEAD^{tree}"]));
    assert_eq!(remote.git_well(&["-C", "whole", "rev-list", "--count", "HEAD"]), "5000");
    timed("shallow clone of it", &|| remote.clone_well("shallow", &["--depth", "1"]));
    timed("clone of it without files", &|| {
        remote.clone_well("partial", &["--filter=blob:none", "--no-checkout"])
    });
    remote.commit("one", "more");
    timed("push of one commit on top of it, and its run,", &|| remote.push_well(&["HEAD:main"]));
}

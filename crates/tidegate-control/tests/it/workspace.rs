//! Workspaces as directories: laid out anew, and what is left in them taken in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_control::seams::{Gathering, Layout, Workspaces};
use tidegate_control::workshop::DirWorkshop;
use tidegate_control::workspace::DirWorkspaces;
use tidegate_core::model::{InstanceId, Name, RunNo};
use tidegate_core::pipeline::WorkspaceSight;

fn app() -> Name {
    "shop".parse().unwrap()
}

fn open(data: &Path) -> DirWorkspaces {
    let snapshot = DirWorkshop::snapshot_dir(data, "s1");
    if !snapshot.exists() {
        fs::create_dir_all(snapshot.join("sub")).unwrap();
        fs::write(snapshot.join("sub/file"), "content").unwrap();
        fs::set_permissions(snapshot.join("sub/file"), fs::Permissions::from_mode(0o444)).unwrap();
    }
    DirWorkspaces::new(data, Arc::new(|| {})).unwrap()
}

fn unit(name: &str) -> InstanceId {
    InstanceId(name.to_owned())
}

fn wait(workspaces: &mut DirWorkspaces, id: &InstanceId) -> WorkspaceSight {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match workspaces.sight(id) {
            Some(WorkspaceSight::Busy) => assert!(Instant::now() < until, "it does not end"),
            Some(sight) => return sight,
            None => panic!("nothing was begun"),
        }
        std::thread::yield_now();
    }
}

fn layout(artifacts_of: &[u64]) -> Layout {
    Layout {
        app: app(),
        build: None,
        snapshot: "s1".to_owned(),
        cache: vec!["deps".to_owned()],
        artifacts_of: artifacts_of.iter().map(|run| RunNo(*run)).collect(),
    }
}

fn gathering(artifacts: &[&str]) -> Gathering {
    Gathering {
        app: app(),
        run: RunNo(7),
        cache: vec!["deps".to_owned()],
        artifacts: artifacts.iter().map(|path| (*path).to_owned()).collect(),
        reports: Vec::new(),
    }
}

fn laid(workspaces: &mut DirWorkspaces, id: &InstanceId, artifacts_of: &[u64]) -> std::path::PathBuf {
    workspaces.lay(id, layout(artifacts_of));
    assert_eq!(wait(workspaces, id), WorkspaceSight::Ready);
    workspaces.dir(id)
}

#[test]
fn a_workspace_has_the_files_what_is_cached_and_what_earlier_steps_left() {
    let data = tempfile::tempdir().unwrap();
    let mut workspaces = open(data.path());
    let first = laid(&mut workspaces, &unit("step-1"), &[7]);
    assert_eq!(fs::read_to_string(first.join("sub/file")).unwrap(), "content");
    let mode = fs::metadata(first.join("sub/file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "whoever gets it may write to it");
    fs::create_dir_all(first.join("deps/a")).unwrap();
    fs::write(first.join("deps/a/x"), "fetched").unwrap();
    fs::create_dir_all(first.join("out")).unwrap();
    fs::write(first.join("out/one.txt"), "1").unwrap();
    fs::write(first.join("out/two.log"), "2").unwrap();
    fs::create_dir_all(first.join("out/a/b")).unwrap();
    fs::write(first.join("out/a/b/deep.bin"), "3").unwrap();
    workspaces.gather(&unit("step-1"), gathering(&["out/*.txt", "absent", "**/deep.bin"]));
    assert_eq!(wait(&mut workspaces, &unit("step-1")), WorkspaceSight::Gathered { tests: None });

    let second = laid(&mut workspaces, &unit("step-2"), &[7]);
    assert_eq!(fs::read_to_string(second.join("deps/a/x")).unwrap(), "fetched");
    assert_eq!(fs::read_to_string(second.join("out/one.txt")).unwrap(), "1");
    assert!(!second.join("out/two.log").exists() && second.join("out/a/b/deep.bin").exists());
    let other = laid(&mut workspaces, &unit("step-3"), &[8]);
    assert!(!other.join("out").exists(), "another run's");
}

#[test]
fn reports_of_tests_are_summed_up() {
    let data = tempfile::tempdir().unwrap();
    let mut workspaces = open(data.path());
    let dir = laid(&mut workspaces, &unit("step-1"), &[]);
    let report =
        "<testsuite><testcase name='a'/><testcase name='b'><failure message='no'/></testcase></testsuite>";
    fs::write(dir.join("one.xml"), report).unwrap();
    fs::write(dir.join("two.xml"), report).unwrap();
    fs::write(dir.join("torn.xml"), "<testsuite><testcase").unwrap();
    let order = Gathering { reports: vec!["*.xml".to_owned()], cache: Vec::new(), ..gathering(&[]) };
    workspaces.gather(&unit("step-1"), order);
    let WorkspaceSight::Gathered { tests: Some(tests) } = wait(&mut workspaces, &unit("step-1")) else {
        panic!("no counts")
    };
    assert_eq!((tests.tests, tests.failed), (4, 2));
}

#[test]
fn what_a_killed_control_plane_left_is_laid_out_anew() {
    let data = tempfile::tempdir().unwrap();
    let dir = laid(&mut open(data.path()), &unit("step-1"), &[]);
    fs::write(dir.join("half"), "done").unwrap();
    let mut next = open(data.path());
    assert_eq!(next.sight(&unit("step-1")), None);
    assert!(!laid(&mut next, &unit("step-1"), &[]).join("half").exists());
    next.keep(&[unit("step-2")].into(), &[RunNo(1)].into());
    let until = Instant::now() + Duration::from_secs(20);
    while dir.exists() {
        assert!(Instant::now() < until, "it is not removed");
        std::thread::yield_now();
    }
}

#[test]
fn no_link_that_a_step_makes_leads_out_of_its_workspace() {
    let data = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "s3cret").unwrap();
    let mut workspaces = open(data.path());
    let dir = laid(&mut workspaces, &unit("step-1"), &[]);
    symlink(outside.path(), dir.join("out")).unwrap();
    symlink(outside.path(), dir.join("deps")).unwrap();
    workspaces.gather(&unit("step-1"), gathering(&["out/secret", "../../secrets/*"]));
    assert!(matches!(wait(&mut workspaces, &unit("step-1")), WorkspaceSight::Failed(_)));
    workspaces.gather(&unit("step-1"), Gathering { cache: Vec::new(), ..gathering(&["out/secret", "out"]) });
    assert_eq!(wait(&mut workspaces, &unit("step-1")), WorkspaceSight::Gathered { tests: None });
    let kept = data.path().join("artifacts/7/out");
    assert!(fs::symlink_metadata(&kept).unwrap().is_symlink(), "the link itself, never what it leads to");
    workspaces.gather(&unit("step-1"), gathering(&[]));
    assert!(
        matches!(wait(&mut workspaces, &unit("step-1")), WorkspaceSight::Failed(_)),
        "a cache that is a link"
    );
    assert!(outside.path().join("secret").exists());
}

#[test]
fn a_secret_is_given_where_it_is_named_and_never_from_a_file_that_others_read() {
    let data = tempfile::tempdir().unwrap();
    let workspaces = open(data.path());
    let file = data.path().join("secrets/shop.env");
    let named = |names: &[&str]| {
        workspaces.secrets(&app(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    assert!(named(&[]).unwrap().is_empty());
    assert!(named(&["TOKEN"]).unwrap_err().contains("`TOKEN` is not set"));
    fs::write(&file, "TOKEN=s3cret\nOTHER=x\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = named(&["TOKEN"]).unwrap_err();
    assert!(refused.contains("chmod 600") && !refused.contains("s3cret"), "{refused}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(named(&["TOKEN"]).unwrap(), [("TOKEN".to_owned(), "s3cret".to_owned())].into());
    assert!(named(&["ABSENT"]).unwrap_err().contains("`ABSENT` is not set"));
}

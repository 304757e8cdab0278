//! What keeps the units of one app from those of another.

use std::fs;
use std::os::unix::fs::MetadataExt;

use tidegate_backend::{Backend, StepUnit, UnitSpec};
use tidegate_core::model::{AppUser, Limits};
use tidegate_core::view::Severity;

use crate::yard::{Yard, alive, id, is_root, mode, printed_pid, worker};

const OWN: AppUser = AppUser::new(61_184);
const OTHER: AppUser = AppUser::new(61_186);

/// A yard whose units can be confined, every folder above it open to all: nothing but our own walls keeps them apart.
#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn open_yard() -> Option<Yard> {
    let mut yard = Yard::new();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(yard.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let confined = is_root() && yard.backend().shortcomings(&Limits::default()).is_empty();
    if !confined {
        println!("skipped: units cannot be confined here");
    }
    confined.then_some(yard)
}

fn of(yard: &Yard, name: &str, user: AppUser, command: &str) -> UnitSpec {
    let app = if user == OWN { "shop" } else { "evil" };
    UnitSpec { app: app.parse().unwrap(), user: Some(user), ..worker(yard, name, command) }
}

#[test]
fn as_root_each_app_is_somebody_and_its_steps_somebody_else() {
    let Some(mut yard) = open_yard() else { return };
    assert!(yard.backend().app_users().is_some());
    let look = "echo $(id -u):$(id -g):$(id -G) $(id -un) core=$(ulimit -c)";
    yard.start(&of(&yard, "web-1", OWN, look));
    let mut step = of(&yard, "step-1", OWN, look);
    (step.step, step.writable) = (Some(StepUnit::default()), true);
    step.dir = yard.data.join("builds/step");
    yard.start(&step);
    yard.start(&of(&yard, "web-2", OTHER, look));
    for (name, says) in [
        ("web-1", "61184:61184:61184 tidegate-app core=0"),
        ("step-1", "61185:61185:61185 tidegate-step core=0"),
    ] {
        assert!(yard.exit(name).success(), "{:?}", yard.output(name));
        assert_eq!(yard.output(name), [says]);
    }
    assert!(yard.exit("web-2").success(), "{:?}", yard.output("web-2"));
    // One build of one app is never another's: this one now lets in its last unit's group alone.
    let build = fs::metadata(yard.build()).unwrap();
    assert_eq!((build.uid(), build.gid(), mode(&yard.build()) & 0o027), (0, 61_186, 0));
}

#[test]
fn as_root_an_app_reads_neither_builds_nor_processes_of_another() {
    let Some(mut yard) = open_yard() else { return };
    let builds = yard.data.join("builds");
    let (own, other) = (yard.build(), builds.join("other"));
    fs::create_dir_all(&other).unwrap();
    fs::write(own.join("file"), "seen\n").unwrap();
    let mut victim = of(&yard, "web-1", OWN, "cat file; echo pid=$$; exec sleep 1000");
    victim.env.insert("KEY".to_owned(), "s3cr3t-value".to_owned());
    yard.start(&victim);
    let pid = printed_pid(&yard, "web-1", "pid");
    yard.says("web-1", "seen");
    let look = format!(
        "cat {}/file && echo read; ls {} && echo listed; kill -0 {pid} && echo signalled; \
         cat /proc/{pid}/environ && echo environ; test -e /proc/{pid} && echo visible; \
         test -e /proc/self/status && echo own; touch /proc/sys/kernel/hostname; echo x > file && echo wrote; echo over",
        own.display(),
        yard.place("web-1").join("scratch").display()
    );
    let attacker = UnitSpec { dir: other, ..of(&yard, "web-2", OTHER, &look) };
    yard.start(&attacker);
    yard.exit("web-2");
    let said = yard.output("web-2");
    for got in ["read", "listed", "signalled", "environ", "seen", "wrote"] {
        assert!(!said.iter().any(|line| line == got), "{got}: {said:#?}");
    }
    assert!(!said.iter().any(|line| line.contains("s3cr3t")), "{said:#?}");
    assert!(said.contains(&"own".to_owned()) && said.contains(&"over".to_owned()), "{said:#?}");
    if tidegate_os::process::can_hide_processes().is_ok() {
        assert!(!said.contains(&"visible".to_owned()), "{said:#?}");
    }
    assert!(alive(pid));
}

/// Root may ask, whatever answers; nothing is told to ports of names.
#[test]
fn as_root_an_app_is_kept_from_the_metadata_service_of_a_cloud() {
    let Some(mut yard) = open_yard() else { return };
    let findings = yard.backend().doctor();
    if findings.iter().any(|one| one.check == "metadata" && one.severity != Severity::Ok) {
        println!("skipped: {findings:?}");
        return;
    }
    const ASK: &str = r#"python3 -c '
import socket
for host, port in (("169.254.169.254", 80), ("169.254.169.254", 53), ("127.0.0.1", 1)):
    try:
        socket.create_connection((host, port), 0.2)
    except PermissionError:
        print(host, port, "forbidden")
        continue
    except OSError:
        pass
    print(host, port, "tried")
'; echo over"#;
    yard.start(&of(&yard, "web-1", OWN, ASK));
    yard.exit("web-1");
    let own = yard.output("web-1");
    assert_eq!(
        own,
        ["169.254.169.254 80 forbidden", "169.254.169.254 53 tried", "127.0.0.1 1 tried", "over"]
    );
    let root = std::process::Command::new("sh").args(["-c", ASK]).output().unwrap();
    let root = String::from_utf8(root.stdout).unwrap();
    assert!(!root.contains("forbidden") && root.ends_with("over\n"), "{root}");
}

#[test]
fn as_root_a_home_that_was_everybodys_is_thrown_away_and_files_of_a_build_are_its_apps() {
    let Some(mut yard) = open_yard() else { return };
    let home = yard.data.join("cache/shop");
    let mut before = worker(&yard, "build-1", "echo poisoned > $HOME/config");
    before.writable = true;
    yard.start(&before);
    assert!(yard.exit("build-1").success());
    assert!(home.join("config").exists());
    let mut now = of(&yard, "build-2", OWN, "ls $HOME; stat -c %a:%u . ; echo kept > $HOME/cache");
    now.writable = true;
    yard.start(&now);
    assert!(yard.exit("build-2").success(), "{:?}", yard.output("build-2"));
    assert_eq!(yard.output("build-2"), ["700:61184"], "nobody else enters it while it is made");
    assert_eq!((fs::metadata(&home).unwrap().uid(), mode(&home)), (61_184, 0o700));
    assert!(!home.join("config").exists() && home.join("cache").exists());
    assert_eq!((fs::metadata(yard.build()).unwrap().uid(), mode(&yard.build())), (0, 0o700));
}

#[test]
fn as_root_a_build_stays_open_while_units_from_before_run_in_it() {
    let Some(mut yard) = open_yard() else { return };
    fs::write(yard.build().join("file"), "seen\n").unwrap();
    // As a version of before had it: nobody, in a build that everybody may read.
    let before =
        worker(&yard, "web-1", "while [ ! -e $HOME/now ]; do sleep 0.02; done; cat file; exec sleep 1000");
    yard.start(&before);
    yard.running("web-1");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(yard.build(), fs::Permissions::from_mode(0o555)).unwrap();
    yard.close();
    yard.open();
    yard.start(&of(&yard, "web-2", OWN, "cat file; exec sleep 1000"));
    yard.says("web-2", "seen");
    fs::write(yard.place("web-1").join("scratch/now"), "").unwrap();
    yard.says("web-1", "seen");
    // Once it is gone, the next start closes the build.
    let stop = tidegate_core::model::StopSpec { signal: 9, ..Default::default() };
    yard.backend().stop(&id("web-1"), 1, stop).unwrap();
    yard.exit("web-1");
    yard.start(&of(&yard, "web-3", OWN, "cat file; exec sleep 1000"));
    yard.says("web-3", "seen");
    assert_eq!((mode(&yard.build()), fs::metadata(yard.build()).unwrap().gid()), (0o550, 61_184));
}

#[test]
fn a_list_of_words_is_started_without_a_shell() {
    let mut yard = Yard::new();
    let words = ["printf", "%s.", "$HOME", "a b", ";", "echo"].map(str::to_owned);
    yard.start(&worker(&yard, "web-1", &tidegate_core::model::command_of(&words)));
    assert!(yard.exit("web-1").success(), "{:?}", yard.output("web-1"));
    assert_eq!(yard.output("web-1"), ["$HOME.a b.;.echo."]);
    yard.start(&worker(&yard, "web-2", r#"["no-such-program-4711"]"#));
    assert!(yard.exit("web-2").trouble.is_some());
}

#[test]
fn as_root_a_shim_keeps_no_more_of_roots_rights_than_it_needs() {
    let Some(mut yard) = open_yard() else { return };
    yard.start(&of(&yard, "web-1", OWN, "exec sleep 1000"));
    yard.running("web-1");
    let status = fs::read_to_string(format!("/proc/{}/status", yard.shim("web-1"))).unwrap();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    let kept: u64 = [0, 1, 3, 5, 6, 7, 8, 12, 21, 24].iter().map(|number| 1 << number).sum();
    for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
        assert_eq!(line(set) & !kept, 0, "{set}\n{status}");
    }
}

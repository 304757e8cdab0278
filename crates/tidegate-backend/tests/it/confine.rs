//! What a unit can see and do.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tidegate_backend::process::doctor;
use tidegate_backend::{Backend, StepUnit, UnitSpec};
use tidegate_core::model::Limits;
use tidegate_core::units::MilliCpu;

use crate::yard::{SERVE, Yard, id, is_root, mode, web, worker};

#[test]
fn as_root_a_unit_below_a_private_directory_is_nobody_and_cannot_write_its_build() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let mut yard = Yard::new();
    assert_eq!(mode(yard.dir.path()), 0o700);
    if let Some(why) = no_user(&mut yard) {
        println!("skipped: {why}");
        return;
    }
    fs::set_permissions(yard.build(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(yard.build().join("file"), "seen").unwrap();
    let look = "echo user=$(id -u):$(id -g):$(id -G); cat file; pwd; touch file2 || echo read-only; \
                touch $HOME/mine $TMPDIR/mine && echo wrote; ls -a $PWD/../../..; \
                grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status";
    yard.start(&worker(&yard, "web-1", look));
    yard.exit("web-1");
    let said = yard.output("web-1").join("\n");
    assert!(said.contains("user=65534:65534:65534"), "{said}");
    assert!(said.contains("seen") && said.contains("wrote"), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains(yard.build().to_str().unwrap()), "{said}");
    assert!(said.contains("NoNewPrivs:\t1") && said.matches("0000000000000000").count() == 2, "{said}");
    assert!(!yard.build().join("file2").exists());
}

#[test]
fn as_root_a_unit_cannot_reach_what_other_units_write() {
    let mut yard = Yard::new();
    // Everybody may enter: nothing but the data directory's own ways keeps units apart.
    fs::set_permissions(yard.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if !is_root() || no_user(&mut yard).is_some() {
        println!("skipped: units cannot be confined here");
        return;
    }
    let mut build = worker(&yard, "build-1", "echo good > $HOME/config");
    build.writable = true;
    yard.start(&build);
    assert!(yard.exit("build-1").success(), "{:?}", yard.output("build-1"));
    yard.start(&worker(&yard, "web-1", "echo $HOME; sleep 1000"));
    yard.says("web-1", "scratch");
    let cache = yard.data.join("cache/shop");
    let home = yard.place("web-1").join("scratch");
    assert!(cache.join("config").exists() && home.exists());
    let look = |dir: &std::path::Path| format!("touch {}/evil && echo wrote; ", dir.display());
    let mut other =
        worker(&yard, "build-2", &format!("{}{}touch $HOME/x && echo own", look(&cache), look(&home)));
    other.app = "evil".parse().unwrap();
    let instance = UnitSpec { id: id("web-2"), ..other.clone() };
    other.writable = true;
    for (name, spec) in [("build-2", other), ("web-2", instance)] {
        yard.start(&spec);
        yard.exit(name);
        let said = yard.output(name).join("\n");
        assert!(said.contains("own") && !said.contains("wrote"), "{name}: {said}");
    }
    assert!(!cache.join("evil").exists() && !home.join("evil").exists());
}

#[test]
fn as_root_a_step_of_a_pipeline_cannot_end_instances_and_yields_the_cpu_to_them() {
    let mut yard = Yard::new();
    if !is_root() || no_user(&mut yard).is_some() {
        println!("skipped: units cannot be confined here");
        return;
    }
    yard.start(&worker(&yard, "web-1", "echo pid=$$; sleep 1000"));
    let pid = crate::yard::printed_pid(&yard, "web-1", "pid");
    let look = format!(
        "echo user=$(id -u) run=$TIDEGATE_RUN nice=$(nice) oom=$(cat /proc/self/oom_score_adj); \
         kill -9 {pid} && echo killed; cat /proc/{pid}/environ && echo read; echo fetched > $HOME/cache"
    );
    let mut step = worker(&yard, "step-1", &look);
    step.writable = true;
    step.step = Some(StepUnit { said: [("TIDEGATE_RUN".to_owned(), "7".to_owned())].into(), offline: false });
    yard.start(&step);
    yard.exit("step-1");
    let said = yard.output("step-1").join("\n");
    assert!(said.contains("user=65533 run=7 nice=18 oom=500"), "{said}");
    assert!(!said.contains("killed") && !said.contains("read\n"), "{said}");
    assert!(crate::yard::alive(pid));
    assert!(!yard.data.join("cache/shop/cache").exists(), "a build's home is not a step's");
    assert!(yard.data.join("cache/shop.steps/cache").exists());
}

/// Whether units become another user and see the file system as we do.
fn no_mounts(yard: &mut Yard) -> bool {
    no_user(yard).is_some_and(|why| why.contains("see the whole file system"))
}

/// Why units cannot be confined here, where they cannot.
fn no_user(yard: &mut Yard) -> Option<String> {
    yard.backend().shortcomings(&Limits::default()).pop()
}

#[test]
fn a_build_command_writes_its_directory_and_its_files_are_ours_afterwards() {
    let mut yard = Yard::new();
    let mut spec = worker(
        &yard,
        "build-1",
        "umask 077; mkdir bin; echo '#!/bin/sh' > bin/app; chmod 700 bin/app; echo kept > $HOME/cache; ln -s /etc/shadow link",
    );
    spec.writable = true;
    yard.start(&spec);
    assert!(yard.exit("build-1").success(), "{:?}", yard.output("build-1"));
    let made = fs::metadata(yard.build().join("bin/app")).unwrap();
    assert_eq!(made.uid(), tidegate_os::process::own_user().uid);
    if is_root() && no_user(&mut yard).is_none() {
        assert_eq!(mode(&yard.build().join("bin/app")), 0o755);
    }
    let mut again = worker(&yard, "build-2", "cat $HOME/cache");
    again.writable = true;
    yard.start(&again);
    yard.says("build-2", "kept");
}

#[test]
fn a_very_deep_data_directory_works() {
    let mut yard = Yard::below(&format!("{}/{}/data", "d".repeat(120), "e".repeat(120)));
    yard.app();
    yard.start(&web(&yard, "web-1", SERVE));
    yard.ready("web-1");
    yard.close();
    yard.open();
    yard.ready("web-1");
}

#[test]
fn a_secret_is_in_the_app_and_nowhere_else() {
    let mut yard = Yard::new();
    let mut spec =
        worker(&yard, "web-1", "test \"$KEY\" = s3cr3t-value && echo has it; env | grep -c TIDEGATE_TOKEN");
    spec.env.insert("KEY".to_owned(), "s3cr3t-value".to_owned());
    yard.start(&spec);
    yard.exit("web-1");
    assert_eq!(yard.output("web-1"), ["has it", "0"]);
    assert_eq!(mode(&yard.place("web-1").join("spec.json")), 0o600);
    assert_eq!(mode(&yard.root()), if no_mounts(&mut yard) { 0o711 } else { 0o700 });
    // A start that fails in every way it can must not quote the environment.
    let mut broken = spec.clone();
    broken.id = crate::yard::id("web-2");
    broken.dir = yard.data.join("missing");
    broken.env.insert("KEY\0".to_owned(), "s3cr3t-value".to_owned());
    yard.start(&broken);
    assert!(!format!("{:?}", yard.exit("web-2")).contains("s3cr3t"));
    broken.env.insert("LONG".to_owned(), "s3cr3t-value".repeat(200_000));
    broken.id = crate::yard::id("web-3");
    broken.dir = yard.build();
    let refused = yard.backend().start(&broken).err().map(|error| format!("{error:?}")).unwrap_or_default();
    assert!(!refused.contains("s3cr3t"));
    if refused.is_empty() {
        let exit = yard.exit("web-3");
        assert!(exit.trouble.is_some() && !format!("{exit:?}").contains("s3cr3t"), "{exit:?}");
    }
}

#[test]
fn a_limit_is_kept_or_named_as_a_shortcoming() {
    let mut yard = Yard::new();
    let limits = Limits { cpu: Some(MilliCpu(250)), pids: Some(20), ..Limits::default() };
    let short = yard.backend().shortcomings(&limits);
    if !short.is_empty() && short.iter().any(|why| why.contains("pids")) {
        println!("skipped: {short:?}");
        return;
    }
    let mut spec =
        worker(&yard, "web-1", "n=0; while [ $n -lt 50 ]; do sleep 5 & n=$((n+1)); done; echo all started");
    spec.limits = limits;
    yard.start(&spec);
    yard.exit("web-1");
    assert!(!yard.output("web-1").iter().any(|line| line == "all started"), "{:?}", yard.output("web-1"));
}

#[test]
fn doctor_has_a_finding_for_each_thing_it_looks_at() {
    let yard = Yard::new();
    let findings = doctor(&yard.config());
    for finding in &findings {
        println!("{:?} {}: {}", finding.severity, finding.check, finding.message);
    }
    for check in ["cgroup", "user", "disk"] {
        assert!(findings.iter().any(|finding| finding.check == check), "{check}");
    }
}

//! `tidegate upgrade`: gateway and control plane are replaced by the program on disk, and nobody notices.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_core::view::ServiceStatus;

use crate::support::{App, Load, Mix, Process, SeenLog, Tidegate, eventually, figures, full, get};

/// Little enough for a busy machine: probes that time out would restart instances, which is what is looked for here.
const RATE: f64 = 50.0;
/// On each of two ways, where that is what is looked for.
const HIGH_RATE: f64 = 80.0;
const FULL_RATE: f64 = 200.0;
const HOST: &str = "bad.localhost";
const WITHIN: Duration = Duration::from_secs(60);

/// A copy of the program, as it is installed.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let installed = Installed(tempfile::tempdir().unwrap());
        installed.replace(Path::new(env!("CARGO_BIN_EXE_tidegate")));
        installed
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tidegate")
    }

    /// Puts a copy of a file in its place, as package managers do.
    fn replace(&self, by: &Path) {
        let new = self.0.path().join("new");
        fs::copy(by, &new).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

/// The instances with their processes.
fn instances(service: &ServiceStatus) -> Vec<(String, Option<u32>, u32)> {
    service.instances.iter().map(|instance| (instance.id.clone(), instance.pid, instance.restarts)).collect()
}

/// When the control plane began.
fn started(tidegate: &Tidegate) -> u64 {
    let health: Value =
        serde_json::from_str(&get(tidegate.api(), "localhost", "/v1/health").unwrap().body).unwrap();
    assert_eq!(health["pid"], tidegate.control_pid());
    health["started_ms"].as_u64().unwrap()
}

/// Upgrades; the gateway's process afterwards.
fn upgrade(tidegate: &Tidegate, before: u32) -> u32 {
    let output = tidegate.run(&["upgrade", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", tidegate.control_log());
    let upgraded: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(upgraded["gateway"]["pid_before"], before, "{upgraded}");
    assert_eq!(upgraded["control_plane"]["pid"], tidegate.control_pid(), "{upgraded}");
    assert_eq!(upgraded["control_plane"]["version"], env!("CARGO_PKG_VERSION"), "{upgraded}");
    u32::try_from(upgraded["gateway"]["pid"].as_u64().unwrap()).unwrap()
}

fn runs_what_is_there(pid: u32, installed: &Installed) {
    // Not so for a file that was replaced: that path ends in " (deleted)".
    assert_eq!(fs::read_link(format!("/proc/{pid}/exe")).unwrap(), installed.path());
}

#[test]
fn an_upgrade_loses_no_request_and_restarts_no_instance() {
    let installed = Installed::new();
    let (tidegate, seen, mut app) = (Tidegate::up_of(&installed.path()), SeenLog::new(), App::new());
    app.env("SEEN_LOG", seen.path().to_str().unwrap());
    tidegate.deploy_well(&app);
    let before = instances(&tidegate.service());
    assert!(before.len() == 2 && before.iter().all(|(_, pid, _)| pid.is_some()), "{before:?}");

    let load = Load::start(&tidegate, HOST, RATE, Mix::Everything, Some(&seen));
    let mut gateways = vec![tidegate.gateway_pid().unwrap()];
    for _ in 0..2 {
        installed.replace(&installed.path());
        let begun = started(&tidegate);
        gateways.push(upgrade(&tidegate, *gateways.last().unwrap()));
        assert_ne!(started(&tidegate), begun, "the control plane has begun anew");
        tidegate.wait_for("the same instances", WITHIN, |service| instances(service) == before);
        runs_what_is_there(tidegate.control_pid(), &installed);
        runs_what_is_there(*gateways.last().unwrap(), &installed);
    }
    assert!(gateways[0] != gateways[1] && gateways[1] != gateways[2], "{gateways:?}");
    let report = load.finish();
    assert!(report.is_clean(), "requests were lost:\n{report}\n{}", tidegate.story());
    eventually("the earlier gateways are gone, and reaped", WITHIN, || {
        let left = Process::gateways_of(&tidegate.data());
        let zombies = gateways[..2].iter().filter_map(|pid| tidegate_os::process::entry(*pid)).count();
        (left.len() == 1 && left[0].pid == gateways[2] && zombies == 0).then_some(())
    });
}

/// In full 400 requests a second: new connections and kept ones, bodies of every size, half of it under TLS.
#[test]
fn upgrades_at_high_load_with_tls_lose_no_request() {
    let installed = Installed::new();
    let (tidegate, seen, mut app) = (Tidegate::up_with_tls(&installed.path()), SeenLog::new(), App::new());
    app.env("SEEN_LOG", seen.path().to_str().unwrap());
    // A machine this busy answers probes late, which is not what is looked for.
    app.set("live", "{ http: /up, every: 5s, timeout: 20s, fail_after: 3 }");
    app.set("ready", "{ http: /up, every: 2s, timeout: 20s }");
    tidegate.deploy_well(&app);
    eventually("the host has its certificate", WITHIN, || has_certificate(&tidegate).then_some(()));

    let rate = if full() { FULL_RATE } else { HIGH_RATE };
    let loads = [
        Load::start(&tidegate, HOST, rate, Mix::Everything, Some(&seen)),
        Load::start_tls(&tidegate, HOST, rate, Mix::Everything, Some(&seen)),
    ];
    let mut gateway = tidegate.gateway_pid().unwrap();
    for _ in 0..3 {
        installed.replace(&installed.path());
        gateway = upgrade(&tidegate, gateway);
        tidegate.wait_for("two instances", WITHIN, |service| service.instances.len() == 2);
    }
    for (way, report) in ["plain", "TLS"].into_iter().zip(loads.map(Load::finish)) {
        let reached = report.sent as f64 / report.seconds;
        let latency = format!("p99 {:.0} ms", report.latency_ms.p99);
        figures::show(&[
            "upgrade".into(),
            way.into(),
            format!("{reached:.0} req/s"),
            report.sent.to_string(),
            latency,
        ]);
        let lost = [report.failed, report.unfinished, report.duplicated, report.missing];
        assert_eq!(lost, [0; 4], "{way} requests were lost:\n{report}\n{}", tidegate.story());
        // A busy machine may be too slow for the timetable, which loses nothing.
        assert!(!full() || report.is_clean(), "the load was lower than planned:\n{report}");
    }
}

fn has_certificate(tidegate: &Tidegate) -> bool {
    let (address, ca) = tidegate.https();
    let mut curl = Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "--max-time", "5", "--connect-to", &format!("::{address}")]);
    curl.arg("--cacert").arg(ca).arg(format!("https://{HOST}/up"));
    curl.status().expect("curl is installed by ./test").success()
}

#[test]
fn a_program_that_does_not_run_changes_nothing() {
    let installed = Installed::new();
    let tidegate = Tidegate::up_of(&installed.path());
    let (gateway, begun) = (tidegate.gateway_pid(), started(&tidegate));
    let kept = installed.0.path().join("kept");
    fs::copy(installed.path(), &kept).unwrap();
    let broken = installed.0.path().join("broken");
    fs::write(&broken, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    installed.replace(&broken);
    let output = tidegate.command_of(&kept, &["upgrade"]).output().unwrap();
    installed.replace(&kept);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("upgrade::program") && said.contains("exit status: 3"), "{said}");
    assert_eq!((tidegate.gateway_pid(), started(&tidegate)), (gateway, begun));
}

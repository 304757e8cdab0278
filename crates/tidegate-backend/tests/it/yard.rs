//! A backend on directories of its own, and waiting for what is to be seen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_backend::process::{ProcessBackend, ProcessConfig, RunAs, SegmentLogs, stop_all};
use tidegate_backend::{Backend, Logs, UnitSpec};
use tidegate_core::model::{
    Check, Exit, InstanceId, Limits, PortSpec, Probe, Probes, StopSpec, UnitObservation, UnitState, UserRange,
};
use tidegate_core::time::Millis;

const DEADLINE: Duration = Duration::from_secs(20);

pub struct Yard {
    pub dir: tempfile::TempDir,
    pub data: PathBuf,
    pub wakes: Arc<AtomicU64>,
    backend: Option<ProcessBackend>,
}

pub fn id(name: &str) -> InstanceId {
    InstanceId(name.to_owned())
}

/// A worker without port and probes.
pub fn worker(yard: &Yard, name: &str, command: &str) -> UnitSpec {
    UnitSpec {
        id: id(name),
        generation: 1,
        app: "shop".parse().unwrap(),
        environment: Some("production".parse().unwrap()),
        service: Some("web".parse().unwrap()),
        revision: None,
        command: command.to_owned(),
        dir: yard.build(),
        writable: false,
        env: BTreeMap::new(),
        port: PortSpec::None,
        probes: None,
        stop: StopSpec { signal: 15, grace: Millis(2_000) },
        limits: Limits::default(),
        step: None,
        user: None,
        sealed: Default::default(),
    }
}

/// A service with a port and a quick HTTP probe.
pub fn web(yard: &Yard, name: &str, command: &str) -> UnitSpec {
    let ready = Probe {
        check: Check::Http("/up".to_owned()),
        every: Millis(20),
        timeout: Millis(1_000),
        fail_after: 2,
    };
    let probes = Probes { startup: None, start_within: Millis(10_000), ready: Some(ready), live: None };
    UnitSpec { port: PortSpec::Auto, probes: Some(probes), ..worker(yard, name, command) }
}

/// Runs the test app; needs [`Yard::app`].
pub const SERVE: &str = "exec ./app";

impl Yard {
    pub fn new() -> Yard {
        Yard::below("data")
    }

    /// With the data directory at a path below the temporary one.
    pub fn below(path: &str) -> Yard {
        let dir = tempfile::tempdir().unwrap();
        // Nobody but us may enter: units must still find their way to what is theirs.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let data = dir.path().join(path);
        let mut yard = Yard { dir, data, wakes: Arc::default(), backend: None };
        fs::create_dir_all(yard.build()).unwrap();
        yard.open();
        yard
    }

    pub fn config(&self) -> ProcessConfig {
        ProcessConfig {
            root: self.root(),
            logs: self.data.join("logs"),
            cache: self.data.join("cache"),
            shim_command: vec![env!("CARGO_BIN_EXE_tidegate-shim-for-tests").into()],
            run_as: RunAs::Unprivileged,
            app_users: Some(UserRange::default()),
            metadata: false,
        }
    }

    pub fn root(&self) -> PathBuf {
        self.data.join("units")
    }

    pub fn build(&self) -> PathBuf {
        self.data.join("builds/one")
    }

    /// Puts the test app into the build.
    pub fn app(&self) {
        fs::copy(env!("CARGO_BIN_EXE_tidegate-app-for-tests"), self.build().join("app")).unwrap();
    }

    pub fn open(&mut self) {
        let wakes = Arc::clone(&self.wakes);
        let waker = Arc::new(move || {
            wakes.fetch_add(1, Ordering::Relaxed);
        });
        self.backend = Some(ProcessBackend::open(self.config(), waker).unwrap());
    }

    pub fn close(&mut self) {
        self.backend = None;
    }

    pub fn backend(&mut self) -> &mut ProcessBackend {
        self.backend.as_mut().unwrap()
    }

    pub fn start(&mut self, spec: &UnitSpec) {
        self.backend().start(spec).unwrap();
    }

    pub fn see(&mut self, name: &str) -> Option<UnitObservation> {
        self.backend().observe().into_iter().find(|seen| seen.id.0 == name)
    }

    /// Waits until a unit is seen as wanted.
    pub fn until(
        &mut self,
        name: &str,
        what: &str,
        wanted: impl Fn(&UnitObservation) -> bool,
    ) -> UnitObservation {
        let begun = Instant::now();
        loop {
            let seen = self.see(name);
            if let Some(seen) = seen.as_ref().filter(|seen| wanted(seen)) {
                return seen.clone();
            }
            let output = self.output(name);
            assert!(begun.elapsed() < DEADLINE, "{name} is not {what}: {seen:?}\n{output:#?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn running(&mut self, name: &str) -> u32 {
        self.until(name, "running", |seen| seen.pid.is_some()).pid.unwrap()
    }

    pub fn ready(&mut self, name: &str) -> UnitObservation {
        self.until(name, "ready", is_ready)
    }

    pub fn exit(&mut self, name: &str) -> Exit {
        match self.until(name, "over", |seen| matches!(seen.state, UnitState::Exited(_))).state {
            UnitState::Exited(exit) => exit,
            UnitState::Running(_) => unreachable!(),
        }
    }

    pub fn logs(&self) -> SegmentLogs {
        SegmentLogs::new(self.data.join("logs"))
    }

    pub fn output(&self, name: &str) -> Vec<String> {
        self.logs().tail(&[id(name)], 1_000).unwrap_or_default().into_iter().map(|line| line.line).collect()
    }

    /// Waits for a line of output.
    pub fn says(&self, name: &str, wanted: &str) -> String {
        eventually(&format!("{name} says {wanted}"), || {
            self.output(name).into_iter().find(|line| line.contains(wanted))
        })
    }

    pub fn shim(&self, name: &str) -> u32 {
        tidegate_os::lock::holder(&self.place(name).join("shim.lock")).unwrap()
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.root().join(format!("{name}@1"))
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if let Some(mut backend) = self.backend.take() {
            for seen in backend.observe() {
                let _ = backend.stop(&seen.id, seen.generation, StopSpec { signal: 9, grace: Millis(0) });
            }
        }
        let _ = stop_all(&self.root());
    }
}

pub fn is_ready(seen: &UnitObservation) -> bool {
    matches!(&seen.state, UnitState::Running(health) if health.ready)
}

/// Waits for something to be there.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "never seen: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn alive(pid: u32) -> bool {
    tidegate_os::process::entry(pid).is_some_and(|entry| !entry.zombie)
}

pub fn gone(pid: u32) {
    eventually(&format!("the end of {pid}"), || (!alive(pid)).then_some(()));
}

/// The pid a unit printed after `label=`.
pub fn printed_pid(yard: &Yard, name: &str, label: &str) -> u32 {
    let line = yard.says(name, &format!("{label}="));
    line.rsplit_once('=').unwrap().1.trim().parse().unwrap()
}

pub fn is_root() -> bool {
    tidegate_os::process::is_root()
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

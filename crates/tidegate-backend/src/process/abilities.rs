//! What this machine lets us do for units, found out once by trying.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tidegate_core::model::{Exit, InstanceId, Limits, PortSpec, StopSpec};
use tidegate_os::clock;
use tidegate_os::lock::holder;
use tidegate_os::process::{User, can_hide_processes, is_root};

use super::cgroup::Cgroups;
use super::config::ProcessConfig;
use super::launch::launch;
use super::place::Place;
use super::spec::{Isolation, ShimSpec};
use crate::UnitSpec;

/// What was found.
#[derive(Debug)]
pub(super) struct Abilities {
    /// Whom units become; `None`: they run as we do.
    pub(super) user: Option<User>,
    /// Why they run as we do.
    pub(super) why_ourselves: Option<String>,
    /// Why they see the file system as we do, although they run as another user.
    pub(super) why_no_mounts: Option<String>,
    /// Why they see the processes of others, although they have a view of their own.
    pub(super) why_seen: Option<String>,
    /// Control groups.
    pub(super) cgroups: Cgroups,
}

/// A trial that takes longer has failed.
const TRIAL: Duration = Duration::from_secs(3);

impl Abilities {
    /// Tries it out. Takes about 20 ms as root, nothing otherwise.
    pub(super) fn find(config: &ProcessConfig) -> Abilities {
        let mut found = Abilities {
            user: None,
            why_ourselves: None,
            why_no_mounts: None,
            why_seen: None,
            cgroups: Cgroups::open(prefix(config), config.metadata),
        };
        match config.run_as.user() {
            None if is_root() => found.why_ourselves = Some("it was asked for".to_owned()),
            None => found.why_ourselves = Some("only root can start a process as another user".to_owned()),
            Some(user) => found.try_user(config, user),
        }
        found
    }

    /// With a file system view of its own; else without one, which is enough where the data directory may be entered by
    /// everyone.
    fn try_user(&mut self, config: &ProcessConfig, user: User) {
        let Err(why) = confined(config, user, true) else {
            self.user = Some(user);
            self.why_seen = can_hide_processes().err().map(|error| error.to_string());
            return;
        };
        match confined(config, user, false) {
            Ok(()) => (self.user, self.why_no_mounts) = (Some(user), Some(why)),
            Err(_) => self.why_ourselves = Some(why),
        }
    }

    /// What units of these limits have to do without.
    pub(super) fn shortcomings(&self, limits: &Limits) -> Vec<String> {
        let mut found = self.cgroups.shortcomings(limits);
        if let Some(why) = &self.why_ourselves {
            found.push(format!("instances run as the user Tidegate runs as, and can read its data: {why}"));
        }
        if let Some(why) = &self.why_no_mounts {
            found.push(format!("instances see the whole file system, and a build where its files allow it can be written: {why}"));
        }
        found
    }
}

/// Tells apart the control groups of several data directories.
fn prefix(config: &ProcessConfig) -> String {
    let seed = tidegate_core::health::backoff::seed_of(&config.root.to_string_lossy());
    format!("{:08x}", seed & 0xffff_ffff)
}

/// Whether a unit can be confined to that user: starts one that does nothing.
fn confined(config: &ProcessConfig, user: User, mounts: bool) -> Result<(), String> {
    let place = Place::at(&config.root.join(format!(".trial-{}", std::process::id())));
    let tried = attempt(config, &place, user, mounts);
    let _ = fs::remove_dir_all(place.dir());
    match tried {
        Ok(exit) if exit.success() => Ok(()),
        Ok(exit) => Err(exit.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn attempt(config: &ProcessConfig, place: &Place, user: User, mounts: bool) -> io::Result<Exit> {
    place.create()?;
    fs::create_dir_all(build(place))?;
    fs::set_permissions(build(place), fs::Permissions::from_mode(0o755))?;
    let mut launched =
        launch(place, &trial(place, user, mounts)?, &Default::default(), &config.shim_command)?;
    let begun = Instant::now();
    while holder(&place.lock()).is_some() {
        if begun.elapsed() > TRIAL {
            launched.child.kill()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    launched.child.wait()?;
    let said = || fs::read_to_string(place.complaint()).unwrap_or_default();
    place.exit().ok_or_else(|| io::Error::other(format!("a trial unit did not end: {}", said().trim())))
}

/// Stands for a build: readable to everyone, below directories that may not be.
fn build(place: &Place) -> PathBuf {
    place.dir().join("build")
}

fn trial(place: &Place, user: User, mounts: bool) -> io::Result<ShimSpec> {
    Ok(ShimSpec {
        unit: UnitSpec {
            id: InstanceId("trial".to_owned()),
            generation: 0,
            app: "trial".parse().expect("`trial` is a name"),
            environment: None,
            service: None,
            revision: None,
            command: "cd \"$BUILD\" && touch \"$HOME/tmp/trial\"".to_owned(),
            dir: build(place),
            writable: false,
            env: Default::default(),
            port: PortSpec::None,
            probes: None,
            stop: StopSpec::default(),
            limits: Limits::default(),
            step: None,
            user: None,
            sealed: Default::default(),
        },
        env: [("BUILD", build(place)), ("HOME", place.scratch())]
            .map(|(name, path)| (name.to_owned(), path.display().to_string()))
            .into(),
        sealed: false,
        port: None,
        boot_id: clock::boot_id()?,
        asked_ms: clock::boot_ms(),
        log: place.dir().join("log"),
        isolation: Isolation {
            user: Some((user.uid, user.gid)),
            mounts,
            writable: vec![place.scratch()],
            kept: Vec::new(),
            background: false,
            offline: false,
            users: None,
            readable: vec![build(place)],
            closed: Vec::new(),
            alone: false,
            tmp: None,
        },
        groups: Vec::new(),
    })
}

//! Starting commands the way the unit is to run: confined, in its groups, with its environment.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tidegate_core::model::words_of;
use tidegate_os::process::{Confinement, can_be_offline};

use crate::process::cgroup::Group;
use crate::process::ownership;
use crate::process::place::Place;
use crate::process::spec::ShimSpec;

/// Processes and threads of one user, whatever control groups say: half of what a machine has, so that one app that forks
/// without end leaves the rest to others.
const MOST_PROCESSES: u64 = 16_384;

/// What every command of the unit is started with.
pub(super) struct Starter {
    pub(super) groups: Vec<Group>,
    dir: PathBuf,
    spec: ShimSpec,
}

impl Starter {
    /// Makes the groups and the directories. Groups that cannot be made are left out and said in the second value: an
    /// app without limits is better than none.
    pub(super) fn prepare(place: &Place, mut spec: ShimSpec) -> io::Result<(Starter, Vec<String>)> {
        fs::create_dir_all(place.scratch().join("tmp"))?;
        spec.isolation.prepare()?;
        let dir = fs::canonicalize(&spec.unit.dir)?;
        let mut complaints = Vec::new();
        if spec.isolation.offline
            && let Err(error) = can_be_offline()
        {
            spec.isolation.offline = false;
            complaints.push(format!("it has the machine's network in spite of `network: none`: {error}"));
        }
        // Last, so that nothing can fail and leave groups behind.
        let mut groups = Vec::new();
        for plan in &spec.groups {
            match Group::make(plan) {
                Ok(group) => {
                    let walled = group.wall_off(plan);
                    complaints.extend(
                        walled.err().map(|error| format!("it reaches a cloud's metadata service: {error}")),
                    );
                    groups.push(group);
                }
                Err(error) => complaints.push(format!("limits not enforced: {error}")),
            }
        }
        Ok((Starter { groups, dir, spec }, complaints))
    }

    /// The spec it works by.
    pub(super) fn spec(&self) -> &ShimSpec {
        &self.spec
    }

    /// Makes the files of a command that could write them ours again.
    pub(super) fn take_back(&self) -> io::Result<()> {
        ownership::take_back(&self.dir)?;
        ownership::keep_private(&self.dir)
    }

    /// Starts the unit's command, its output in pipes.
    pub(super) fn start(&self) -> io::Result<Child> {
        self.run(&self.spec.unit.command, Stdio::piped)
    }

    /// Starts a probe's command, its output dropped.
    pub(super) fn check(&self, command: &str) -> io::Result<Child> {
        self.run(command, Stdio::null)
    }

    fn run(&self, text: &str, output: fn() -> Stdio) -> io::Result<Child> {
        let words = words_of(text).unwrap_or_else(|| ["/bin/sh", "-c", text].map(str::to_owned).into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(&self.spec.env);
        command.stdin(Stdio::null()).stdout(output()).stderr(output());
        self.confinement()?.spawn(command)
    }

    fn confinement(&self) -> io::Result<Confinement> {
        Ok(Confinement {
            groups: self.groups.iter().map(Group::door).collect::<io::Result<Vec<_>>>()?,
            mounts: self.spec.isolation.mounts()?,
            dir: Some(self.dir.clone()),
            user: self.spec.isolation.user(),
            background: self.spec.isolation.background,
            offline: self.spec.isolation.offline,
            processes: self.spec.isolation.user().map(|_| MOST_PROCESSES),
        })
    }
}

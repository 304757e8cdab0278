//! Where our own control groups are, and whether groups can be made below them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Controller;

/// Our own groups, as absolute paths of directories.
#[derive(Debug, Default)]
pub(super) struct Survey {
    v2: Option<PathBuf>,
    v1: Vec<(String, PathBuf)>,
}

/// The group the control plane moves itself to where version 2 wants groups with controllers to hold no process.
const OWN_LEAF: &str = "tidegate-control";
const PARENT: &str = "tidegate";

impl Survey {
    pub(super) fn take() -> Survey {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Survey::parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
    }

    fn parse(mountinfo: &str, membership: &str) -> Survey {
        let mounts: Vec<Mounted> = mountinfo.lines().filter_map(Mounted::parse).collect();
        let mut survey = Survey::default();
        for line in membership.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
            if controllers.is_empty() {
                survey.v2 = mounts.iter().find(|m| m.kind == "cgroup2").map(|m| m.locate(path));
            }
            for controller in controllers.split(',').filter(|name| !name.is_empty()) {
                let holds = |m: &&Mounted| m.kind == "cgroup" && m.options.iter().any(|o| o == controller);
                let found = mounts.iter().find(holds).map(|m| m.locate(path));
                survey.v1.extend(found.map(|path| (controller.to_owned(), path)));
            }
        }
        survey
    }

    /// The version 2 group for units with the controllers it passes on; without any it still serves to end a unit.
    pub(super) fn v2(&self) -> Option<(PathBuf, Vec<Controller>)> {
        let mut own = self.v2.clone()?;
        if own.ends_with(OWN_LEAF) {
            own.pop();
        }
        let parent = own.join(PARENT);
        make(&parent).ok()?;
        let offered = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
        let offered = |c: &Controller| offered.split_whitespace().any(|name| name == c.as_str());
        let passed = Controller::ALL.into_iter().filter(offered);
        let passed =
            passed.filter(|controller| pass_on(&own, *controller) && enable(&parent, *controller).is_ok());
        let controllers = passed.collect();
        is_usable(&parent).ok()?;
        Some((parent, controllers))
    }

    /// The version 1 group for units, or why there is none.
    pub(super) fn v1(&self, controller: Controller) -> Result<PathBuf, String> {
        let own = self.v1.iter().find(|(name, _)| name == controller.as_str());
        let Some((_, own)) = own else {
            return Err(format!("no {} controller is passed on to our control group", controller.as_str()));
        };
        let parent = own.join(PARENT);
        match make(&parent).and_then(|()| is_usable(&parent)) {
            Ok(()) => Ok(parent),
            Err(error) => Err(format!("{}: {error}", parent.display())),
        }
    }
}

/// Enables a controller below `own`; moves us, and only us, out of its way where version 2 demands it.
fn pass_on(own: &Path, controller: Controller) -> bool {
    match enable(own, controller) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            step_aside(own).is_ok() && enable(own, controller).is_ok()
        }
        other => other.is_ok(),
    }
}

fn enable(group: &Path, controller: Controller) -> io::Result<()> {
    let file = group.join("cgroup.subtree_control");
    if fs::read_to_string(&file)?.split_whitespace().any(|name| name == controller.as_str()) {
        return Ok(());
    }
    fs::write(file, format!("+{}", controller.as_str()))
}

fn step_aside(own: &Path) -> io::Result<()> {
    let us = std::process::id().to_string();
    if fs::read_to_string(own.join("cgroup.procs"))?.split_whitespace().any(|pid| pid != us) {
        return Err(io::Error::other("other processes share our control group"));
    }
    let leaf = own.join(OWN_LEAF);
    make(&leaf)?;
    fs::write(leaf.join("cgroup.procs"), us)
}

fn make(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether a group can be made in it: the proof that the mount is not read-only and the group is ours.
fn is_usable(parent: &Path) -> io::Result<()> {
    on_trial(parent, |trial| fs::OpenOptions::new().write(true).open(trial.join("cgroup.procs")).map(drop))
}

/// Does something with a group that is made for it and removed again.
pub(super) fn on_trial(parent: &Path, tried: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let trial = parent.join(format!("trial-{}", std::process::id()));
    make(&trial)?;
    let done = tried(&trial);
    let _ = fs::remove_dir(&trial);
    done
}

/// A mounted hierarchy.
struct Mounted {
    root: PathBuf,
    point: PathBuf,
    kind: String,
    options: Vec<String>,
}

impl Mounted {
    /// Fields 4 and 5 are root and mount point; after ` - ` come type, source and options.
    fn parse(line: &str) -> Option<Mounted> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let (root, point) = (front.next()?, front.next()?);
        let mut back = back.split(' ');
        let kind = back.next().filter(|kind| kind.starts_with("cgroup"))?;
        let options = back.nth(1)?.split(',').map(str::to_owned).collect();
        Some(Mounted { root: root.into(), point: point.into(), kind: kind.to_owned(), options })
    }

    /// Where the group `path` is: in a container the mount shows only what is below its root.
    fn locate(&self, path: &str) -> PathBuf {
        let path = Path::new(path);
        let inner = path.strip_prefix(&self.root).or_else(|_| path.strip_prefix("/")).unwrap_or(path);
        self.point.join(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw\n\
30 29 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
31 29 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw shared:3 - cgroup cgroup rw,cpu,cpuacct\n\
32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn groups_are_found_in_a_mix_of_both_versions() {
        let survey = Survey::parse(
            MOUNTS,
            "4:memory:/process/x\n3:cpu,cpuacct:/docker/abc/inner\n0::/\n1:name=systemd:/\n",
        );
        assert_eq!(survey.v2, Some("/sys/fs/cgroup/unified".into()));
        let expected = [
            ("memory", "/sys/fs/cgroup/memory/process/x"),
            ("cpu", "/sys/fs/cgroup/cpu,cpuacct/inner"),
            ("cpuacct", "/sys/fs/cgroup/cpu,cpuacct/inner"),
        ];
        assert_eq!(survey.v1, expected.map(|(name, path)| (name.to_owned(), PathBuf::from(path))));
        assert!(survey.v1(Controller::Pids).unwrap_err().contains("pids"));
    }

    #[test]
    fn no_control_groups_are_no_reason_to_panic() {
        let survey = Survey::parse("garbage\n", "garbage\n");
        assert!(survey.v2().is_none() && survey.v1(Controller::Memory).is_err());
    }
}

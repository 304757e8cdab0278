//! Ending units whose shim is dead, and all units when the control plane is.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use tidegate_core::model::{Exit, InstanceId};
use tidegate_os::lock::holder;
use tidegate_os::process::{all, environ_has, kill, start_time};
use tidegate_os::socket;

use super::cgroup::Group;
use super::message::{ToShim, send};
use super::place::{Place, empty_trash, ignore_missing};
use super::spec::{Main, ShimSpec};

const SIGKILL: i32 = 9;
/// A process that survives SIGKILL for longer hangs in the kernel; nobody can end it.
const SWEEP: Duration = Duration::from_secs(2);
/// Beyond its grace a shim gets this long to kill and record, before it is killed itself.
const BEYOND_GRACE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(5);

/// What is said of a unit whose shim left no record.
pub(super) const SHIM_KILLED: &str = Exit::SHIM_KILLED;

/// Kills every process a dead shim left, and removes its groups. True if there was any.
pub(super) fn sweep(place: &Place) -> bool {
    let groups: Vec<Group> = place.spec().iter().flat_map(|spec| spec.groups.iter().map(Group::of)).collect();
    let main = place.main();
    let begun = Instant::now();
    let mut any = false;
    loop {
        let left = leftovers(place, main, &groups);
        if left.is_empty() || begun.elapsed() > SWEEP {
            break;
        }
        any = true;
        groups.iter().for_each(Group::kill);
        for pid in left {
            let _ = kill(pid, SIGKILL);
        }
        std::thread::sleep(LOOK);
    }
    for group in groups {
        if let Err(error) = group.remove() {
            tracing::warn!(%error, "control group not removed");
        }
    }
    any
}

/// Processes of the unit: in its session or process group, in its control groups, or carrying its mark.
fn leftovers(place: &Place, main: Option<Main>, groups: &[Group]) -> BTreeSet<u32> {
    let mark = format!("{}={}", ShimSpec::MARK, place.dir().display());
    // An id is not given out again while a session or group has it: another process of that id means they are gone.
    let main = main.filter(|main| start_time(main.pid).is_none_or(|started| started == main.started));
    let of_main = |id: u32| main.is_some_and(|main| main.pid == id);
    let table = all().into_iter().filter(|entry| !entry.zombie);
    let ours = table.filter(|entry| {
        of_main(entry.session) || of_main(entry.group) || environ_has(entry.pid, mark.as_bytes())
    });
    let mut left: BTreeSet<u32> = ours.map(|entry| entry.pid).collect();
    left.extend(groups.iter().flat_map(Group::processes));
    left.remove(&std::process::id());
    left
}

/// A unit that [`stop_all`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub id: InstanceId,
    /// How it ended.
    pub exit: Exit,
}

/// Stops every unit below `root` (`ProcessConfig::root`) with its own signal and grace, all at once, waits for them and
/// removes them. For `tidegate down` where no control plane runs: one that does would start them again.
pub fn stop_all(root: &Path) -> io::Result<Vec<Stopped>> {
    let units = match Place::all(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let begun = Instant::now();
    let ask_one = |(id, _, place): (InstanceId, u64, Place)| (id, ask(&place, begun), place);
    let asked: Vec<(InstanceId, Asked, Place)> = units.into_iter().map(ask_one).collect();
    let mut stopped = Vec::new();
    for (id, asked, place) in asked {
        let exit = await_end(&place, asked.until);
        fs::remove_dir_all(place.dir()).or_else(ignore_missing)?;
        stopped.push(Stopped { id, exit });
    }
    empty_trash(root)?;
    Ok(stopped)
}

/// A shim that was told, and until when it may take. The connection stays open for as long.
struct Asked {
    until: Instant,
    _link: Option<UnixStream>,
}

fn ask(place: &Place, now: Instant) -> Asked {
    let Ok(spec) = place.spec() else { return Asked { until: now, _link: None } };
    let stop = spec.unit.stop;
    let message = ToShim::Stop { signal: stop.signal, grace_ms: stop.grace.0 };
    match socket::connect(&place.socket()).and_then(|link| send(&link, &message).map(|()| link)) {
        Ok(link) => Asked { until: now + stop.grace.to_std() + BEYOND_GRACE, _link: Some(link) },
        Err(_) => Asked { until: now, _link: None },
    }
}

fn await_end(place: &Place, until: Instant) -> Exit {
    while let Some(shim) = holder(&place.lock()) {
        let now = Instant::now();
        if now >= until {
            let _ = kill(shim, SIGKILL);
        }
        if now >= until + BEYOND_GRACE {
            return Exit::trouble(format!(
                "its shim, process {shim}, hangs in the kernel and cannot be ended"
            ));
        }
        std::thread::sleep(LOOK);
    }
    sweep(place);
    place.exit().unwrap_or_else(|| Exit::trouble(SHIM_KILLED))
}

//! CPU time that units have used: from their control groups, or where these do not count it, from their processes.
//!
//! Asked by the backend for [`crate::Backend::cpu_time`]. A time only ever grows while a unit runs, but for processes that
//! ended unseen by their parent where there is no group.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;

use tidegate_os::process::{Entry, all};

use super::cgroup::Group;
use super::place::Place;

/// A clock tick as `/proc` counts it, in microseconds: 100 a second on every architecture.
const TICK_US: u64 = 10_000;

/// Looks at the process table once at most.
#[derive(Debug, Default)]
pub(super) struct Usage {
    table: OnceCell<Vec<Entry>>,
}

impl Usage {
    /// CPU time of a unit in microseconds; `None` where it has no process.
    pub(super) fn of(&self, place: &Place) -> Option<u64> {
        let groups: Vec<Group> = place.spec().ok()?.groups.iter().map(Group::of).collect();
        groups.iter().find_map(Group::cpu_us).or_else(|| self.of_processes(place, &groups))
    }

    fn of_processes(&self, place: &Place, groups: &[Group]) -> Option<u64> {
        let main = place.main()?.pid;
        let mut unit: BTreeSet<u32> = groups.iter().flat_map(Group::processes).collect();
        unit.extend(self.below(main));
        unit.iter()
            .filter_map(|pid| ticks_of(*pid))
            .reduce(|one, other| one + other)
            .map(|ticks| ticks * TICK_US)
    }

    /// A process and all below it.
    fn below(&self, main: u32) -> BTreeSet<u32> {
        let table = self.table.get_or_init(all);
        let mut known = BTreeSet::from([main]);
        loop {
            let before = known.len();
            let more: Vec<u32> =
                table.iter().filter(|entry| known.contains(&entry.parent)).map(|entry| entry.pid).collect();
            known.extend(more);
            if known.len() == before {
                return known;
            }
        }
    }
}

/// In user and kernel, its own and that of children it waited for.
fn ticks_of(pid: u32) -> Option<u64> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<u64> {
    // The name of the program stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let times: Vec<u64> =
        fields.split_ascii_whitespace().skip(11).take(4).filter_map(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_process_are_its_own_and_those_of_children_it_waited_for() {
        let stat = "42 (a) b) (c) S 7 8 9 0 -1 4194560 1 0 0 0 10 20 300 4000 20 0 1 0 12345 0 0";
        assert_eq!(parse(stat), Some(4_330));
        assert_eq!(parse("42 (a) S 1 2"), None);
    }

    #[test]
    fn this_process_has_used_some() {
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 30 {
            std::hint::spin_loop();
        }
        assert!(ticks_of(std::process::id()).is_some_and(|ticks| ticks > 0));
        assert!(Usage::default().below(std::process::id()).contains(&std::process::id()));
    }
}

//! What a running unit listens on.

use std::collections::BTreeSet;
use std::fs;

use tidegate_os::lock::holder;
use tidegate_os::process::{all, descendants};

use super::place::Place;

/// The TCP ports the unit's processes listen on, rising; `None` where that cannot be seen.
pub(super) fn listening(place: &Place) -> Option<Vec<u16>> {
    let mut sockets = BTreeSet::new();
    let mut seen = false;
    for pid in processes(place) {
        if let Some(found) = sockets_of(pid) {
            seen = true;
            sockets.extend(found);
        }
    }
    if !seen {
        return None;
    }
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines()).filter_map(listener);
    let ports: BTreeSet<u16> =
        rows.filter(|(_, inode)| sockets.contains(inode)).map(|(port, _)| port).collect();
    Some(ports.into_iter().collect())
}

fn processes(place: &Place) -> BTreeSet<u32> {
    let below_shim = holder(&place.lock()).filter(|pid| *pid > 1).map(descendants).unwrap_or_default();
    let main = place.main().map(|main| main.pid);
    let session = all().into_iter().filter(|entry| Some(entry.session) == main);
    below_shim.into_iter().chain(session).map(|entry| entry.pid).collect()
}

/// The inodes of the sockets a process has open.
fn sockets_of(pid: u32) -> Option<BTreeSet<u64>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(
        links
            .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
            .collect(),
    )
}

/// Port and inode of a row of `/proc/net/tcp` in state LISTEN.
fn listener(row: &str) -> Option<(u16, u64)> {
    let fields: Vec<&str> = row.split_ascii_whitespace().collect();
    if *fields.get(3)? != "0A" {
        return None;
    }
    let port = u16::from_str_radix(fields.get(1)?.rsplit_once(':')?.1, 16).ok()?;
    Some((port, fields.get(9)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_rows_count() {
        let row = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";
        assert_eq!(listener(row), Some((8080, 4711)));
        assert_eq!(listener(&row.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("  sl  local_address rem_address   st"), None);
    }
}

//! What of a data directory belongs into a backup: all of it, but for what is made again or means nothing elsewhere. A part of Tidegate
//! that keeps something new in it is backed up without being named here.

use std::path::{Component, Path};

/// The database, which is copied and not read as a file.
pub(crate) const DATABASE: &str = "tidegate.db";
/// Where builds are.
pub(crate) const BUILDS: &str = "builds";
/// Says that it is a data directory.
pub(crate) const MARKER: &str = "tidegate.json";

/// Never: locks and sockets of processes, running units, uploads on their way in, workspaces of steps that run.
const NEVER: [&str; 11] = [
    "lock",
    "api.sock",
    "units",
    "staging",
    "spool",
    "trash",
    "workspaces",
    DATABASE,
    "tidegate.db-wal",
    "tidegate.db-shm",
    "tidegate.db-journal",
];
/// What package tools and steps fetched: asked for alone.
const CACHES: [&str; 2] = ["cache", "step-cache"];
const LOGS: &str = "logs";

/// Of the gateway's folder: its routing table names instances of this machine, and is made again from the database.
const OF_GATEWAY: [&str; 4] = ["lock", "table.json", "table.json.1", "table.json.torn"];

/// What was asked for besides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Besides {
    pub(crate) logs: bool,
    pub(crate) caches: bool,
}

/// Whether a path below the data directory belongs into it.
pub(crate) fn belongs(path: &Path, besides: Besides) -> bool {
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    let Some(top) = names.next() else { return true };
    let last = path.file_name().unwrap_or_default().to_string_lossy();
    match top.as_ref() {
        name if NEVER.contains(&name) => false,
        name if CACHES.contains(&name) => besides.caches,
        LOGS => besides.logs,
        "gateway" => {
            let log = last.starts_with("gateway.log") && !besides.logs;
            !log && !names.next().is_some_and(|name| OF_GATEWAY.contains(&name.as_ref())) && !is_draft(&last)
        }
        // A lock that its process cannot take away any more would close a repository for ever.
        "git" => !last.ends_with(".lock") && !last.starts_with("tmp_") && !last.starts_with("incoming-"),
        "backup" => last != "lock",
        BUILDS | "snapshots" | "artifacts" => true,
        _ => !is_draft(&last),
    }
}

/// `.token.4711-3`: a file that was about to take another's place.
fn is_draft(name: &str) -> bool {
    let Some((rest, serial)) = name.strip_prefix('.').and_then(|name| name.rsplit_once('-')) else {
        return false;
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number(serial) && rest.rsplit_once('.').is_some_and(|(_, pid)| number(pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_again_is_left_out_and_what_is_new_is_not() {
        let in_it = |path: &str| belongs(Path::new(path), Besides::default());
        for path in [
            "tidegate.json",
            "token",
            "builds/ab/app.lock",
            "builds/ab/.x.1-2",
            "git/shop.git/HEAD",
            "gateway/certs/a/key.pem",
            "gateway/told",
            "secrets/shop.env",
            "experiments.key",
            "something-new/key",
            "backup/recipients",
        ] {
            assert!(in_it(path), "{path}");
        }
        for path in [
            "lock",
            "api.sock",
            "units/web-1@1/spec.json",
            "tidegate.db",
            "tidegate.db-wal",
            "cache/shop/x",
            "logs/web-1/0",
            "step-cache/shop/x",
            "gateway/table.json",
            "gateway/table.json.1",
            "gateway/gateway.log",
            "gateway/lock",
            "git/shop.git/refs/heads/main.lock",
            "git/shop.git/objects/tmp_obj_x",
            "spool/1",
            "staging/x",
            "trash/1-1",
            ".token.4711-3",
            "gateway/.flags.json.1-2",
            "backup/lock",
            "workspaces/step-1",
        ] {
            assert!(!in_it(path), "{path}");
        }
        let all = Besides { logs: true, caches: true };
        assert!(belongs(Path::new("cache/shop/x"), all) && belongs(Path::new("logs/web-1/0"), all));
    }
}

//! The command, serving a file of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{eventually, get_with};

const WITHIN: Duration = Duration::from_secs(10);

/// A running `tidegate flag serve`; ended when it is dropped.
pub struct Served {
    child: Child,
    folder: TempDir,
    key: Option<&'static str>,
    pub ofrep: SocketAddr,
    pub grpc: SocketAddr,
    pub sync: SocketAddr,
}

impl Served {
    /// Serves [`flags`].
    pub fn start() -> Served {
        Self::with(None, &flags())
    }

    /// Serves these.
    pub fn of(flags: &Value) -> Served {
        Self::with(None, flags)
    }

    /// Serves them to those who have this key.
    pub fn with_key(key: &'static str) -> Served {
        Self::with(Some(key), &flags())
    }

    fn with(key: Option<&'static str>, flags: &Value) -> Served {
        let folder = tempfile::Builder::new().prefix("tidegate-flags-").tempdir().unwrap();
        let keys = folder.path().join("keys");
        fs::write(&keys, format!("# of the shop\n{}\n", key.unwrap_or_default())).unwrap();
        let file = folder.path().join("flags.json");
        fs::write(&file, flags.to_string()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["flag", "serve", "--file"])
            .arg(&file)
            .args(["--ofrep", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--sync", "127.0.0.2:0"])
            .args(key.map(|_| "--key-file"))
            .args(key.map(|_| keys))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.path().join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next().is_some(), "{}", fs::read_to_string(folder.path().join("said")).unwrap());
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            line.split_whitespace().last().unwrap().trim_start_matches("http://").parse().unwrap()
        };
        let (ofrep, grpc, sync) = (address(), address(), address());
        Served { child, folder, key, ofrep, grpc, sync }
    }

    /// Where the file is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("flags.json")
    }

    /// Puts other flags there, as an editor does: beside, and then in its place.
    pub fn replace(&self, flags: &Value) {
        let beside = self.folder.path().join("flags.json.new");
        fs::write(&beside, flags.to_string()).unwrap();
        fs::rename(beside, self.file()).unwrap();
    }

    /// Waits until it said this on standard error.
    pub fn wait_until_said(&self, what: &str) {
        eventually(what, WITHIN, || self.said().contains(what).then_some(()));
    }

    /// Waits until so many follow the changes.
    pub fn wait_for_streams(&self, many: u32) {
        let line = format!("\ntidegate_flag_streams_open {many}\n");
        eventually("the streams are open", WITHIN, || self.metrics().contains(&line).then_some(()));
    }

    /// What it counts.
    fn metrics(&self) -> String {
        let field = self.key.as_ref().map_or(String::new(), |key| format!("X-API-Key: {key}\r\n"));
        get_with(self.ofrep, "flags", "/metrics", &field).map_or(String::new(), |answer| answer.body)
    }

    /// What it said on standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = tidegate_os::process::kill(self.child.id(), 15);
        let ended = self.child.wait().unwrap();
        if std::thread::panicking() {
            eprintln!("--- flag serve: {ended}\n{}", self.said());
        } else {
            assert!(ended.success(), "it did not end in good order: {ended}");
        }
    }
}

/// A flag of each type, and one for each way to go wrong.
pub fn flags() -> Value {
    json!({
        "metadata": { "team": "shop" },
        "flags": {
            "new-checkout": flag(json!({ "on": true, "off": false }), "off"),
            "greeting": {
                "state": "ENABLED",
                "variants": { "plain": "hello", "warm": "welcome back" },
                "defaultVariant": "plain",
                "targeting": { "if": [{ "ends_with": [{ "var": "email" }, "@shop.example"] }, "warm"] },
                "metadata": { "owner": "texts" },
            },
            "limit": flag(json!({ "low": 10, "high": 100 }), "high"),
            "ratio": flag(json!({ "half": 0.5, "whole": 1 }), "whole"),
            "theme": flag(json!({ "dark": { "accent": "teal", "level": 3 } }), "dark"),
            "gone": { "state": "DISABLED", "variants": { "on": true }, "defaultVariant": "on" },
            "callers": { "state": "ENABLED", "variants": { "on": true } },
            "broken": {
                "state": "ENABLED",
                "variants": { "on": true },
                "defaultVariant": "on",
                "targeting": { "$ref": "nobody" },
            },
            "lost": {
                "state": "ENABLED",
                "variants": { "on": true },
                "defaultVariant": "on",
                "targeting": { "if": [true, "elsewhere"] },
            },
        },
    })
}

/// The same with `new-checkout` on.
pub fn released() -> Value {
    let mut flags = flags();
    flags["flags"]["new-checkout"]["defaultVariant"] = json!("on");
    flags
}

fn flag(variants: Value, default: &str) -> Value {
    json!({ "state": "ENABLED", "variants": variants, "defaultVariant": default })
}

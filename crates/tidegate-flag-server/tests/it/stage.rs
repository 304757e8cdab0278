//! Servers of a test's own, in its process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tidegate_flag_server::{
    Addresses, Board, Certificates, Hall, Keys, Limits, Origins, Servers, Settings, Snapshot, Stopper,
};
use tidegate_flags::{FlagSet, Options};

/// Ended when dropped.
pub struct Stage {
    pub board: Arc<Board>,
    pub ofrep: SocketAddr,
    pub grpc: SocketAddr,
    stopper: Option<Stopper>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What differs between tests.
pub struct Set {
    pub flags: Value,
    pub keys: &'static str,
    pub origins: &'static [&'static str],
    pub limits: Limits,
    pub certificates: Option<Certificates>,
}

impl Default for Set {
    fn default() -> Self {
        Set { flags: flags(), keys: "", origins: &[], limits: Limits::default(), certificates: None }
    }
}

impl Stage {
    pub fn new() -> Stage {
        Self::of(Set::default())
    }

    pub fn of(set: Set) -> Stage {
        let board = Board::new(snapshot(&set.flags));
        let origins: Vec<String> = set.origins.iter().map(|origin| (*origin).to_owned()).collect();
        let localhost = Some("127.0.0.1:0".parse().unwrap());
        let addresses = Addresses { ofrep: localhost, grpc: localhost, sync: None };
        let keys = if set.keys.is_empty() { Keys::default() } else { Keys::parse(set.keys).unwrap() };
        let hall = Hall::of_one(board.clone(), keys);
        let settings = Settings {
            origins: Origins::only(&origins).unwrap(),
            limits: set.limits,
            secret: [7; 32],
            certificates: set.certificates,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let servers = runtime.block_on(Servers::open(addresses, &settings, hall)).unwrap();
        let (ofrep, grpc) = (servers.addresses().ofrep.unwrap(), servers.addresses().grpc.unwrap());
        let (stopper, stop) = Stopper::new();
        let thread = std::thread::spawn(move || runtime.block_on(servers.run(stop)));
        Stage { board, ofrep, grpc, stopper: Some(stopper), thread: Some(thread) }
    }

    /// Ends the servers; whoever is connected is told.
    pub fn end(&mut self) {
        drop(self.stopper.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// The address of the stream of changes.
    pub fn stream(&self) -> String {
        let answer = super::http::post(self.ofrep, "/ofrep/v1/evaluate/flags", "{}");
        answer.json()["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end();
    }
}

pub fn snapshot(flags: &Value) -> Snapshot {
    Snapshot::new(FlagSet::parse(&flags.to_string(), &Options::default()).unwrap(), SystemTime::now())
}

/// A flag of each type, and one for each way to go wrong.
pub fn flags() -> Value {
    let flag = |variants: Value, default: &str| json!({ "state": "ENABLED", "variants": variants, "defaultVariant": default });
    let with = |mut flag: Value, field: &str, value: Value| {
        flag[field] = value;
        flag
    };
    let on = || flag(json!({ "on": true }), "on");
    json!({
        "metadata": { "team": "shop" },
        "flags": {
            "banner": flag(json!({ "on": true, "off": false }), "off"),
            "real": flag(json!({ "half": 0.5, "whole": 5 }), "whole"),
            "whole": flag(json!({ "five": 5 }), "five"),
            "words": flag(json!({ "a": "ä \"b\"" }), "a"),
            "object": flag(json!({ "a": { "deep": [1, 2.0] } }), "a"),
            "a/b c": on(),
            "gone": with(on(), "state", json!("DISABLED")),
            "callers": json!({ "state": "ENABLED", "variants": { "on": true } }),
            "broken": with(on(), "targeting", json!({ "$ref": "nobody" })),
            "lost": with(on(), "targeting", json!({ "if": [true, "elsewhere"] })),
            "late": with(on(), "targeting", json!({ "if": [{ "==": [{ "var": "email" }, "a@b"] }, "on"] })),
            "web": with(on(), "metadata", json!({ "flagSetId": "web" })),
        },
    })
}

/// The same with `banner` on.
pub fn released() -> Value {
    let mut flags = flags();
    flags["flags"]["banner"]["defaultVariant"] = json!("on");
    flags
}

/// Looks until `look` finds something.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

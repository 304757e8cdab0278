//! A gateway as a process of its own, with the control plane's link to it.

use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::model::RouteTable;
use tidegate_gateway::control::GatewayLink;

use crate::support::eventually;

const WITHIN: Duration = Duration::from_secs(20);

/// See the module. Killed when it is dropped.
pub struct Gateway {
    pub address: SocketAddr,
    link: GatewayLink,
    woken: Arc<(Mutex<u64>, Condvar)>,
    child: Child,
    _dir: TempDir,
}

impl Gateway {
    /// Starts one with two workers.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let woken: Arc<(Mutex<u64>, Condvar)> = Arc::default();
        let waker = woken.clone();
        let wake = move || {
            *waker.0.lock().unwrap() += 1;
            waker.1.notify_all();
        };
        let link = GatewayLink::start(dir.path(), Arc::new(wake)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        child.args(["gateway", "--listen", "127.0.0.1:0", "--workers", "2", "--dir"]).arg(dir.path());
        let child = child.env("RUST_LOG", "warn").spawn().unwrap();
        let listens = || link.observe().listen.filter(|_| link.observe().alive);
        let address = eventually("the gateway answers", WITHIN, listens).parse().unwrap();
        Gateway { address, link, woken, child, _dir: dir }
    }

    /// Hands it a table; how long it took until every worker used it.
    pub fn apply(&self, table: &RouteTable) -> Duration {
        // As the control plane makes it: anew, and nothing of it is the last one's, though most is equal.
        let text = serde_json::to_vec(table).unwrap();
        let anew: RouteTable = serde_json::from_slice(&text).unwrap();
        let begun = Instant::now();
        self.link.push(&anew);
        let mut seen = self.woken.0.lock().unwrap();
        while self.link.observe().acked < table.epoch {
            assert_eq!(self.link.refusal(), None);
            assert!(begun.elapsed() < WITHIN, "epoch {} is not acknowledged", table.epoch);
            // The limit is for a wake-up between the look and this wait.
            seen = self.woken.1.wait_timeout(seen, Duration::from_millis(20)).unwrap().0;
        }
        begun.elapsed()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

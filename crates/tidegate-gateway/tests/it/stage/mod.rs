//! What the tests stand on: a gateway, upstreams that say exactly what they are told to, and a client that shows bytes.

pub mod certs;
pub mod client;
pub mod h2;
#[path = "../../../src/geo/made.rs"]
pub mod places;
pub mod program;
pub mod table;
pub mod upstream;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::model::{GatewayObservation, RouteTable};
use tidegate_gateway::control::GatewayLink;
use tidegate_gateway::{AccessLog, GatewayConfig, GatewayError, Limits, LogTarget, Observe, gateway_run};

/// Waits for something to become so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A gateway in threads of this process.
pub struct Stage {
    pub dir: TempDir,
    pub link: GatewayLink,
    pub address: SocketAddr,
    pub wakes: Arc<AtomicU64>,
    gateway: Option<JoinHandle<Result<(), GatewayError>>>,
}

pub fn link(dir: &Path) -> (GatewayLink, Arc<AtomicU64>) {
    let wakes = Arc::new(AtomicU64::new(0));
    let count = wakes.clone();
    let waker = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    (GatewayLink::start(dir, waker).unwrap(), wakes)
}

pub fn connected(link: &GatewayLink) -> SocketAddr {
    until("the gateway says hello", || link.observe().listen.filter(|_| link.observe().alive))
        .parse()
        .unwrap()
}

impl Stage {
    /// The table that is whole on disk.
    pub fn kept(&self) -> RouteTable {
        let file = std::fs::read(self.dir.path().join("table.json")).unwrap();
        serde_json::from_slice(&file).unwrap()
    }

    pub fn new() -> Stage {
        Stage::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Stage {
        Stage::built(limits, |_| {})
    }

    pub fn observing(limits: Limits, observe: Observe) -> Stage {
        Stage::built(limits, |config| config.observe = observe)
    }

    /// As the caller has it: two workers, any port of 127.0.0.1, and what `build` changes.
    pub fn built(limits: Limits, build: impl FnOnce(&mut GatewayConfig)) -> Stage {
        let dir = tempfile::tempdir().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let mut config = GatewayConfig { workers: 2, ..GatewayConfig::new(dir.path().to_owned(), any) };
        build(&mut config);
        let gateway = Some(std::thread::spawn(move || gateway_run(config, limits)));
        let (link, wakes) = link(dir.path());
        let address = connected(&link);
        Stage { dir, link, address, wakes, gateway }
    }

    /// Pushes a table and waits until every worker uses it.
    pub fn apply(&self, table: &RouteTable) -> GatewayObservation {
        self.link.push(table);
        until("the table is acknowledged", || {
            Some(self.link.observe()).filter(|seen| seen.alive && seen.acked >= table.epoch)
        })
    }

    /// Ends the gateway and returns what it returned.
    pub fn end(&mut self, drain: Duration) -> Result<(), GatewayError> {
        self.link.shutdown(drain);
        self.gateway.take().unwrap().join().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.gateway.is_some() {
            let _ = self.end(Duration::ZERO);
        }
    }
}

/// A gateway in a process of its own: this test binary, told by its environment to be one.
pub struct Process(pub Child);

const DIR: &str = "TIDEGATE_TEST_GATEWAY_DIR";
const LISTEN: &str = "TIDEGATE_TEST_GATEWAY_LISTEN";
const ACCESS_LOG: &str = "TIDEGATE_TEST_GATEWAY_ACCESS_LOG";
const TAKE_OVER: &str = "TIDEGATE_TEST_GATEWAY_TAKE_OVER";
const KILL_AT: &str = "TIDEGATE_KILL_AT_STEP";

impl Process {
    pub fn start(dir: &Path, listen: SocketAddr) -> Process {
        Process::spawn(Process::command(dir, listen))
    }

    /// A gateway that is killed at a step of a handover.
    pub fn start_to_die(dir: &Path, listen: SocketAddr, step: &str) -> Process {
        let mut command = Process::command(dir, listen);
        command.env(KILL_AT, step);
        Process::spawn(command)
    }

    /// Takes the place of the one that runs, perhaps to be killed at a step.
    pub fn take_over(dir: &Path, listen: SocketAddr, drain: Duration, step: Option<&str>) -> Process {
        let mut command = Process::command(dir, listen);
        command.env(TAKE_OVER, drain.as_millis().to_string());
        step.map(|step| command.env(KILL_AT, step));
        Process::spawn(command)
    }

    /// A gateway that may have so many files open.
    pub fn start_with_files(dir: &Path, listen: SocketAddr, files: u32) -> Process {
        let inner = Process::command(dir, listen);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(inner.get_program());
        command.args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Process::spawn(command)
    }

    fn spawn(mut command: Command) -> Process {
        Process(command.spawn().unwrap())
    }

    fn command(dir: &Path, listen: SocketAddr) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "stage::be_a_gateway", "--nocapture"])
            .env(DIR, dir)
            .env(LISTEN, listen.to_string())
            .env(ACCESS_LOG, dir.join("access.log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test but the body of [`Process`]; does nothing without its environment.
#[test]
fn be_a_gateway() {
    let (Ok(dir), Ok(listen)) = (std::env::var(DIR), std::env::var(LISTEN)) else { return };
    let take_over = std::env::var(TAKE_OVER).ok().map(|ms| Duration::from_millis(ms.parse().unwrap()));
    let to = LogTarget::File(std::env::var_os(ACCESS_LOG).unwrap().into());
    let observe = Observe { access_log: Some(AccessLog::new(to)), ..Observe::default() };
    let config = GatewayConfig {
        workers: 2,
        observe,
        take_over,
        ..GatewayConfig::new(dir.into(), listen.parse().unwrap())
    };
    tidegate_gateway::gateway_main(config).unwrap();
}

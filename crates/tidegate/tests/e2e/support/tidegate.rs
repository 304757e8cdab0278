//! A Tidegate of one's own: `tidegate up` in a directory for itself, stopped with all it started when it is dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;
use tidegate_core::view::{Explanation, LogLine, RolloutView, ServiceStatus, Status, TimelineEvent};

use super::{App, Process, free_address, kill};

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate");
/// How long a start may take before it counts as failed. How fast it has to be is tested elsewhere.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long what was stopped may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A running Tidegate.
#[derive(Debug)]
pub struct Tidegate {
    folder: TempDir,
    /// What is run.
    program: PathBuf,
    data: PathBuf,
    gateway: SocketAddr,
    /// Where TLS is spoken, if it is.
    https: Option<SocketAddr>,
    api: SocketAddr,
    /// Further options it is started with.
    options: Vec<String>,
    /// Whether nothing that its processes log can be written.
    unheard: bool,
    control: Option<Control>,
}

/// The control plane's process.
#[derive(Debug)]
struct Control {
    child: Child,
    // Kept open: whoever starts a server goes on reading what it says.
    _said: BufReader<ChildStdout>,
}

/// How a deploy ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployed {
    /// Its services.
    pub services: Vec<tidegate_core::view::DeployedService>,
    /// Why it ended before a rollout was made.
    pub error: Option<String>,
    /// From the request to its end, as the server measured it.
    pub seconds: f64,
    /// The command's exit code.
    #[serde(skip)]
    pub exit: i32,
    /// The same from the command's start to its end, as we measured it.
    #[serde(skip)]
    pub took: Duration,
}

impl Tidegate {
    /// Starts one in a directory of its own and waits until it is ready.
    pub fn up() -> Self {
        Self::up_of(Path::new(BINARY))
    }

    /// Starts one of a copy of the program, which a test may replace.
    pub fn up_of(program: &Path) -> Self {
        Self::up_at(program, None)
    }

    /// The same, with TLS by certificates of an authority of its own.
    pub fn up_with_tls(program: &Path) -> Self {
        Self::up_at(program, Some(free_address()))
    }

    fn up_at(program: &Path, https: Option<SocketAddr>) -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-e2e-").tempdir().unwrap();
        // Instances are another user, who has to get to their build.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let data = folder.path().join("data");
        Self::start(folder, data, program.to_owned(), https)
    }

    /// Starts one on a data directory elsewhere.
    pub fn up_in(data: &Path) -> Self {
        Self::start(tempfile::tempdir().unwrap(), data.to_owned(), BINARY.into(), None)
    }

    /// Starts one whose gateway may listen on any port.
    pub fn up_anywhere() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::start_on((SocketAddr::from(([127, 0, 0, 1], 0)), None), folder, data, BINARY.into())
    }

    fn start(folder: TempDir, data: PathBuf, program: PathBuf, https: Option<SocketAddr>) -> Self {
        Self::start_on((free_address(), https), folder, data, program)
    }

    fn start_on(
        (gateway, https): (SocketAddr, Option<SocketAddr>),
        folder: TempDir,
        data: PathBuf,
        program: PathBuf,
    ) -> Self {
        let api = free_address();
        let options = Vec::new();
        let (unheard, control) = (false, None);
        let mut tidegate = Tidegate { folder, program, data, gateway, https, api, options, unheard, control };
        tidegate.restart();
        tidegate
    }

    /// Ends the control plane in good order. Instances and gateway go on.
    pub fn end_control(&mut self) {
        let mut control = self.control.take().expect("the control plane runs");
        kill(control.child.id(), 15);
        control.child.wait().unwrap();
    }

    /// Starts the control plane again, with these options besides from now on.
    pub fn restart_with(&mut self, options: &[&str]) {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self.restart();
    }

    /// Where flags are served, by what: `flags`, `flags-grpc`, `flags-sync`.
    pub fn flags(&self, by: &str) -> SocketAddr {
        let text = fs::read(self.data().join("gateway/guests.json")).unwrap();
        let places: std::collections::BTreeMap<String, SocketAddr> = serde_json::from_slice(&text).unwrap();
        places[by]
    }

    /// Starts everything again where nothing that is logged can be written, as on a full disk, and as much as there is.
    pub fn restart_unheard(&mut self) {
        self.end_control();
        let log = self.data().join("gateway/gateway.log");
        let gateway = self.gateway_pid().expect("the gateway runs");
        kill(gateway, 9);
        fs::remove_file(&log).unwrap();
        std::os::unix::fs::symlink("/dev/full", log).unwrap();
        self.unheard = true;
        self.restart();
    }

    /// Starts the control plane (again) on the same directory; returns how long it took to say that it is ready.
    pub fn restart(&mut self) -> Duration {
        let begun = Instant::now();
        let ready = self.launch(None);
        assert!(ready, "`tidegate up` ended: {}", self.control_log());
        begun.elapsed()
    }

    /// Starts the control plane again, to be killed at the given moment: right before or right after one of its commits,
    /// counted from 1. Whether it came as far as being ready.
    pub fn restart_to_be_killed(&mut self, moment: u64) -> bool {
        self.launch(Some(moment))
    }

    fn launch(&mut self, kill_at: Option<u64>) -> bool {
        assert!(self.control.is_none(), "the control plane runs");
        let begun = Instant::now();
        let log = match self.unheard {
            true => PathBuf::from("/dev/full"),
            false => self.folder.path().join("control.log"),
        };
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = self
            .bare(&["up", "--gateway", &self.gateway.to_string(), "--api", &self.api.to_string(), "--data"])
            .arg(self.data())
            .args(self.https.iter().flat_map(|at| ["--https".into(), at.to_string(), "--dev-certs".into()]))
            .args(&self.options)
            .envs(self.unheard.then_some(("TIDEGATE_LOG", "trace")))
            .envs(kill_at.map(|moment| ("TIDEGATE_KILL_AT", moment.to_string())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.trim_start().starts_with("data ") {
            line.clear();
            if said.read_line(&mut line).unwrap() == 0 {
                child.wait().unwrap();
                return false;
            }
            assert!(begun.elapsed() < START_WITHIN, "`tidegate up` is slow: {}", self.control_log());
        }
        self.control = Some(Control { child, _said: said });
        true
    }

    /// Where users' requests go.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Where TLS is spoken, and the certificate of who signs there.
    pub fn https(&self) -> (SocketAddr, PathBuf) {
        (self.https.expect("it was started with TLS"), self.data().join("gateway/dev-ca/ca.pem"))
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Where its API listens, besides the socket.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// The control plane's process.
    pub fn control_pid(&self) -> u32 {
        self.control.as_ref().expect("the control plane runs").child.id()
    }

    /// The gateway's process.
    pub fn gateway_pid(&self) -> Option<u32> {
        Process::gateways_of(&self.data()).first().map(|process| process.pid)
    }

    /// What the control plane said on standard error.
    pub fn control_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("control.log")).unwrap_or_default()
    }

    /// `kill -9` of the control plane. Instances and gateway go on.
    pub fn kill9_control(&mut self) {
        let mut control = self.control.take().expect("the control plane runs");
        control.child.kill().unwrap();
        control.child.wait().unwrap();
    }

    /// Whether the control plane has ended by itself (or was killed by a fault that a test injected).
    pub fn control_ended(&mut self) -> bool {
        let ended = self.control.as_mut().is_some_and(|control| control.child.try_wait().unwrap().is_some());
        if ended {
            self.control = None;
        }
        ended
    }

    /// A command to this server.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.env("TIDEGATE_API", self.data());
        command
    }

    /// The same of another program.
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env("TIDEGATE_API", self.data()).env("NO_COLOR", "1");
        command
    }

    /// Runs a command to this server; it may fail.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Deploys and waits until every rollout is over.
    pub fn deploy(&self, app: &App) -> Deployed {
        let begun = Instant::now();
        let output = self.command(&["deploy", "--wait", "--json"]).arg(app.path()).output().unwrap();
        let took = begun.elapsed();
        let mut deployed: Deployed = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (deployed.exit, deployed.took) = (output.status.code().unwrap_or(-1), took);
        deployed
    }

    /// Deploys, waits, and fails the test where it did not succeed.
    pub fn deploy_well(&self, app: &App) -> Deployed {
        let deployed = self.deploy(app);
        assert_eq!(deployed.exit, 0, "{deployed:?}\n{}", self.story());
        deployed
    }

    /// Begins a deploy and returns at once.
    pub fn deploy_begin(&self, app: &App) {
        let output = self.command(&["deploy", "--json"]).arg(app.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The status now.
    pub fn status(&self) -> Status {
        self.json(&["status", "--json"])
    }

    /// The status of the only service.
    pub fn service(&self) -> ServiceStatus {
        self.status().services.remove(0)
    }

    /// The rollout of the example's service.
    pub fn rollout(&self) -> RolloutView {
        self.json(&["rollout", "show", "web", "--json"])
    }

    /// Why the newest rollout that did not succeed was taken back.
    pub fn explain(&self) -> Explanation {
        self.json(&["explain", "--json"])
    }

    /// Everything that happened, oldest first.
    pub fn events(&self) -> Vec<TimelineEvent> {
        self.json_lines(&["events", "--json"])
    }

    /// Output: `["--unit", ID]`, or that of the only service.
    pub fn logs(&self, which: &[&str]) -> Vec<LogLine> {
        self.json_lines(&[&["logs", "--json"], which].concat())
    }

    /// The events in words, for a test's last words.
    pub fn story(&self) -> String {
        String::from_utf8_lossy(&self.run(&["events"]).stdout).into_owned()
    }

    /// Waits for a state of the only service. A server that does not answer is asked again.
    pub fn wait_for(
        &self,
        what: &str,
        within: Duration,
        good: impl Fn(&ServiceStatus) -> bool,
    ) -> ServiceStatus {
        let mut last = None;
        let until = Instant::now() + within;
        loop {
            let output = self.run(&["status", "--json"]);
            let status: Option<Status> = serde_json::from_slice(&output.stdout).ok();
            if let Some(service) = status.and_then(|status| status.services.into_iter().next()) {
                if good(&service) {
                    return service;
                }
                last = Some(service);
            }
            assert!(
                Instant::now() < until,
                "not within {within:?}: {what}; last {last:#?}\n{}",
                self.story()
            );
            std::thread::sleep(super::LOOK);
        }
    }

    /// Stops everything and checks that nothing is left. Called by itself at the end.
    pub fn down(&mut self) {
        let output = self.run_down();
        if let Some(mut control) = self.control.take() {
            control.child.wait().unwrap();
        }
        assert!(output.status.success(), "`tidegate down`: {}", String::from_utf8_lossy(&output.stderr));
        let data = self.data();
        let mut left = Process::all_of(&data);
        let until = Instant::now() + GONE_WITHIN;
        while !left.is_empty() && Instant::now() < until {
            std::thread::sleep(super::LOOK);
            left = Process::all_of(&data);
        }
        self.kill_all();
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    fn run_down(&self) -> Output {
        self.bare(&["down", "--data"]).arg(self.data()).output().unwrap()
    }

    fn kill_all(&self) {
        Process::all_of(&self.data()).iter().for_each(|process| kill(process.pid, 9));
    }

    fn json<T: for<'a> Deserialize<'a>>(&self, args: &[&str]) -> T {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn json_lines<T: for<'a> Deserialize<'a>>(&self, args: &[&str]) -> Vec<T> {
        let text = String::from_utf8(self.run(args).stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The program, free of what the surroundings set.
    fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env_remove("TIDEGATE_API").env_remove("TIDEGATE_TOKEN").env("NO_COLOR", "1");
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Tidegate {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return self.down();
        }
        // The test failed already: say what helps, and be gone quickly.
        eprintln!("--- events\n{}", String::from_utf8_lossy(&self.run(&["events"]).stdout));
        eprintln!("--- control plane\n{}", self.control_log());
        let log = fs::read_to_string(self.data().join("gateway/gateway.log")).unwrap_or_default();
        eprintln!("--- gateway\n{log}");
        if let Some(mut control) = self.control.take() {
            let _ = control.child.kill();
            let _ = control.child.wait();
        }
        // A shim that dies takes its instance along; what was being started meanwhile is found in the next look.
        let data = self.data();
        let until = Instant::now() + GONE_WITHIN;
        while !Process::all_of(&data).is_empty() && Instant::now() < until {
            self.kill_all();
            std::thread::sleep(super::LOOK);
        }
    }
}

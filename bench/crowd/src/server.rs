//! A Tidegate of our own: `tidegate up` in a scratch directory, driven by its commands as a person would.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// A server that runs; stopped with all it started by [`Server::stop`], or as well as may be when it is dropped.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    control: Option<Child>,
    /// Kept open: whoever starts a server goes on reading what it says.
    _said: BufReader<ChildStdout>,
    /// Where users' requests go.
    pub gateway: SocketAddr,
}

impl Server {
    /// Starts a copy of `program` (which an upgrade replaces) in a folder, and waits until it is ready.
    pub fn start(program: &Path, folder: &Path) -> io::Result<Self> {
        Self::launch(program, folder, |program| Command::new(program))
    }

    /// The same with a limit of file descriptors for each of its processes.
    pub fn start_limited(program: &Path, folder: &Path, descriptors: usize) -> io::Result<Self> {
        Self::launch(program, folder, |program| {
            let mut command = Command::new("prlimit");
            command.arg(format!("--nofile={descriptors}")).arg("--").arg(program);
            command
        })
    }

    fn launch(program: &Path, folder: &Path, command: impl Fn(&Path) -> Command) -> io::Result<Self> {
        // Instances are another user, who has to get to their build.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        let (installed, data) = (folder.join("tidegate"), folder.join("data"));
        fs::copy(program, &installed)?;
        let mut control = command(&installed)
            .args(["up", "--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("control.log"))?)
            .spawn()?;
        let mut said = BufReader::new(control.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let gateway = gateway_of(&mut said);
        let control = Some(control);
        Ok(Server { program: installed, data, control, _said: said, gateway: gateway? })
    }

    /// Deploys a folder and waits until every rollout is over.
    pub fn deploy(&self, folder: &Path) -> io::Result<()> {
        let output = self.command(&["deploy", "--wait", "--json"]).arg(folder).output()?;
        good("a deploy", output).map(drop)
    }

    /// Replaces control plane and gateway by the program on disk, which is put there anew as package managers do.
    pub fn upgrade(&self) -> io::Result<()> {
        let new = self.program.with_extension("new");
        fs::copy(&self.program, &new)?;
        fs::rename(&new, &self.program)?;
        good("the upgrade", self.command(&["upgrade", "--json"]).output()?).map(drop)
    }

    /// The names of the instances there are of the services of an app.
    pub fn instances(&self, app: &str) -> io::Result<usize> {
        let output = good("the status", self.command(&["status", "--json", "--app", app]).output()?)?;
        let status: Value = serde_json::from_slice(&output.stdout)?;
        let services = status["services"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(services.iter().filter_map(|service| Some(service["instances"].as_array()?.len())).sum())
    }

    /// The timeline, for whoever wonders.
    pub fn story(&self) -> String {
        let told = self.command(&["events", "--app", "crowd"]).output();
        told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    /// What gateways and control plane said.
    pub fn logs(&self) -> String {
        let paths = [self.data.with_file_name("control.log"), self.data.join("gateway/gateway.log")];
        paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
    }

    /// How many gateways run, those that drain with them.
    pub fn gateways(&self) -> usize {
        let Ok(all) = fs::read_dir("/proc") else { return 0 };
        let dir = self.data.join("gateway");
        let dir = dir.as_os_str().as_encoded_bytes();
        let is_ours = |line: &[u8]| {
            let mut words = line.split(|byte| *byte == 0);
            words.nth(1) == Some(b"gateway") && words.any(|word| word == dir)
        };
        let lines = all.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
        lines.filter(|line| is_ours(line)).count()
    }

    /// Stops instances, gateway and control plane.
    pub fn stop(mut self) -> io::Result<()> {
        self.down().map(drop)
    }

    fn down(&mut self) -> io::Result<Output> {
        let Some(mut control) = self.control.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        let output = Command::new(&self.program).args(["down", "--data"]).arg(&self.data).output();
        let stopped = output.and_then(|output| good("`tidegate down`", output));
        if stopped.is_err() {
            control.kill()?;
        }
        control.wait()?;
        stopped
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env("TIDEGATE_API", &self.data).env_remove("TIDEGATE_TOKEN").env("NO_COLOR", "1");
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a stop in order there is nothing to do.
        let _ = self.down();
    }
}

fn good(what: &str, output: Output) -> io::Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    Err(io::Error::other(format!("{what}: {}: {}", output.status, String::from_utf8_lossy(&said))))
}

/// Where the gateway listens; read up to the last line that it says when it is ready.
fn gateway_of(said: &mut impl BufRead) -> io::Result<SocketAddr> {
    let mut gateway = None;
    let mut line = String::new();
    while !line.trim_start().starts_with("data ") {
        line.clear();
        if said.read_line(&mut line)? == 0 {
            return Err(io::Error::other("`tidegate up` ended before it was ready"));
        }
        if let Some(address) = line.trim().strip_prefix("gateway") {
            let address = address.trim().trim_start_matches("http://").trim_end_matches('/');
            gateway = Some(address.parse().map_err(io::Error::other)?);
        }
    }
    gateway.ok_or_else(|| io::Error::other("`tidegate up` does not say where its gateway is"))
}

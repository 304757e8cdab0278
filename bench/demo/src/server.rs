//! The server of the demo: `tidegate up` in a scratch directory on free ports.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Trouble;

/// A server that runs until [`Server::stop`]; where the demo fails before, the script that started it stops it.
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    control: Child,
    /// Where users' requests go: `http://ADDR:PORT`.
    pub gateway: String,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub fn start(program: &Path, data: &Path) -> Result<Self, Trouble> {
        let mut control = Command::new(program)
            .args(["up", "--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is for the demo: it ends the server in its own way.
            .process_group(0)
            .spawn()?;
        let said = control.stdout.take().ok_or("no output")?;
        let gateway = gateway_of(BufReader::new(said))?;
        Ok(Server { program: program.to_owned(), data: data.to_owned(), control, gateway })
    }

    /// A command to this server.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env("TIDEGATE_API", &self.data).env("NO_COLOR", "1").stdin(Stdio::null());
        command.process_group(0);
        command
    }

    /// Stops instances, gateway and control plane.
    pub fn stop(mut self) -> Result<(), Trouble> {
        let stopped = Command::new(&self.program)
            .args(["down", "--data"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .output()?;
        if !stopped.status.success() {
            return Err(format!("`tidegate down`: {}", String::from_utf8_lossy(&stopped.stderr)).into());
        }
        self.control.wait()?;
        Ok(())
    }
}

fn gateway_of(said: impl BufRead) -> Result<String, Trouble> {
    for line in said.lines() {
        if let Some(address) = line?.trim().strip_prefix("gateway") {
            return Ok(address.trim().to_owned());
        }
    }
    Err("`tidegate up` ended before it was ready".into())
}

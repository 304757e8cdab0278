//! The load of the demo: `tidegate-load` beside it, and what it says each second.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::Trouble;

/// Requests a second.
pub const RATE: u32 = 200;

/// A load that runs until [`Load::finish`], or until the file `stop-load` exists.
pub struct Load {
    child: Child,
    stop: PathBuf,
    progress: File,
    text: String,
    /// The newest second.
    pub now: Now,
}

/// What a second looked like.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// How many seconds it has told of.
    pub second: u64,
    /// Requests given out in it.
    pub rate: u64,
    /// Requests given out so far.
    pub sent: u64,
    /// Requests failed so far.
    pub failed: u64,
    /// 99 of 100 were faster, in milliseconds.
    pub p99_ms: f64,
    /// Who answered: revision and number of answers.
    pub revisions: Vec<(String, u64)>,
}

impl Load {
    /// Starts it: GETs and POSTs over kept and new connections, some of 1 MiB, some slow.
    pub fn start(program: &Path, scratch: &Path, gateway: &str) -> Result<Self, Trouble> {
        let (stop, path) = (scratch.join("stop-load"), scratch.join("load.jsonl"));
        File::create(&path)?;
        let child = Command::new(program)
            .arg("--url")
            .arg(format!("{gateway}/get"))
            .args(["--host", "httpbin.localhost", "--rate", &RATE.to_string(), "--seconds", "900", "--json"])
            .args(["--fresh-percent", "10", "--post-percent", "20", "--large-percent", "1"])
            .args(["--slow-percent", "1", "--slow-path", "/delay/1"])
            .args(["--echo-path", "/anything", "--echo-check", "contains"])
            .arg("--until-file")
            .arg(&stop)
            .arg("--progress")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(scratch.join("load.log"))?)
            // Ctrl-C is for the demo: the file ends the load.
            .process_group(0)
            .spawn()?;
        let progress = File::open(&path)?;
        Ok(Load { child, stop, progress, text: String::new(), now: Now::default() })
    }

    /// Takes in what it said since the last look.
    pub fn look(&mut self) -> Result<(), Trouble> {
        self.progress.read_to_string(&mut self.text)?;
        while let Some(end) = self.text.find('\n') {
            let line: String = self.text.drain(..=end).collect();
            self.now = now_of(&serde_json::from_str(&line)?);
        }
        Ok(())
    }

    /// Ends it; its account.
    pub fn finish(self) -> Result<Value, Trouble> {
        File::create(&self.stop)?;
        let output = self.child.wait_with_output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn now_of(second: &Value) -> Now {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let answers = second["revisions"].as_object().into_iter().flatten();
    Now {
        second: count(&second["second"]),
        rate: count(&second["sent"]),
        sent: count(&second["total"]["sent"]),
        failed: count(&second["total"]["failed"]),
        p99_ms: second["p99_ms"].as_f64().unwrap_or(0.0),
        revisions: answers.map(|(name, number)| (name.clone(), count(number))).collect(),
    }
}

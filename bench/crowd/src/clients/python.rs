//! Clients of PyPI, in processes of their own: they print a line of JSON for each connection that works or ends.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::ledger::{End, Kind, Ledger};

const END_WITHIN: Duration = Duration::from_secs(20);

/// What they say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Open(Kind),
    End { end: End, was_open: bool },
    Messages { kind: Kind, many: u64 },
}

/// A program that runs; killed where it is still there in the end.
#[derive(Debug)]
pub struct Python {
    child: Child,
    input: Option<ChildStdin>,
    listening: JoinHandle<io::Result<()>>,
}

impl Python {
    /// Starts a program of the folder `clients` with the interpreter that has what it needs.
    pub fn start(interpreter: &Path, program: &str, args: &[&str], ledger: &Arc<Ledger>) -> io::Result<Self> {
        let mut child = Command::new(interpreter)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(program))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take();
        let said = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let listening = tokio::spawn(listen(BufReader::new(said).lines(), ledger.clone()));
        Ok(Python { child, input, listening })
    }

    /// Ends it in order: what it was still to say is heard.
    pub async fn finish(mut self) -> io::Result<()> {
        self.input = None;
        let ended = tokio::time::timeout(END_WITHIN, self.child.wait()).await??;
        if !ended.success() {
            return Err(io::Error::other(format!("a client in Python: {ended}")));
        }
        self.listening.await?
    }
}

async fn listen(mut lines: Lines<BufReader<ChildStdout>>, ledger: Arc<Ledger>) -> io::Result<()> {
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Said::Open(kind) => ledger.on_open(kind, "crowd"),
            Said::End { end, was_open } => ledger.on_end(end, was_open),
            Said::Messages { kind, many } => ledger.on_messages(kind, many),
        }
    }
    Ok(())
}

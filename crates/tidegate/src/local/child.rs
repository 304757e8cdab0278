//! A command in a process group of its own. What it writes is printed line by line; all of the group ends with it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tidegate_os::process::kill_group;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::print::Out;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
/// From the first signal to the second.
const GRACE: Duration = Duration::from_secs(3);
/// The longest line that is printed as one, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// A command that runs.
pub(super) struct Group {
    child: Child,
    id: Option<u32>,
    readers: Vec<JoinHandle<()>>,
}

/// How a command ended.
pub(super) enum Ended {
    /// By itself.
    Exit(ExitStatus),
    /// It was told to, because its time was over.
    TooLong,
}

impl Group {
    /// Starts `/bin/sh -c RUN` with nothing but these variables. Lines are printed after `label`.
    pub(super) fn start(
        run: &str,
        dir: &Path,
        env: &BTreeMap<String, String>,
        label: &str,
    ) -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", run])
            .current_dir(dir)
            .env_clear()
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let readers = [
            child.stdout.take().map(|pipe| tokio::spawn(print_lines(pipe, label.to_owned()))),
            child.stderr.take().map(|pipe| tokio::spawn(print_lines(pipe, label.to_owned()))),
        ];
        Ok(Group { id: child.id(), child, readers: readers.into_iter().flatten().collect() })
    }

    /// Waits until it ends, at most so long; then what it left behind is ended and all it wrote is printed.
    pub(super) async fn end_within(&mut self, time: Duration) -> io::Result<Ended> {
        let ended = match tokio::time::timeout(time, self.child.wait()).await {
            Ok(status) => Ended::Exit(status?),
            Err(_) => {
                self.stop().await;
                Ended::TooLong
            }
        };
        self.kill();
        for reader in self.readers.drain(..) {
            // One that was interrupted has printed what it could.
            let _ = reader.await;
        }
        Ok(ended)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    async fn stop(&mut self) {
        if let Some(id) = self.id {
            let _ = kill_group(id, SIGTERM);
        }
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
    }

    fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            let _ = kill_group(id, SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn print_lines(pipe: impl AsyncRead + Unpin, label: String) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(true) = next_line(&mut pipe, &mut line).await {
        let text = String::from_utf8_lossy(&line);
        // Whoever stopped reading wants no more lines; the command goes on.
        let _ = Out::new().line(format_args!("{label} | {}", text.trim_end_matches(['\n', '\r'])));
        line.clear();
    }
}

/// The next line, or as much of it as is printed as one; `false` at the end.
async fn next_line<R: AsyncRead + Unpin>(pipe: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let available = pipe.fill_buf().await?;
        if available.is_empty() {
            return Ok(!line.is_empty());
        }
        let room = LONGEST_LINE.saturating_sub(line.len()).min(available.len());
        let (taken, whole) = match available[..room].iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (room, false),
        };
        line.extend_from_slice(&available[..taken]);
        pipe.consume(taken);
        if whole || line.len() >= LONGEST_LINE {
            return Ok(true);
        }
    }
}

//! One large body each way by curl, at a pace that keeps it under way for as long as is wanted.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::Crowd;
use crate::stuff::Stuff;

/// A body under way.
#[derive(Debug)]
pub struct Transfer {
    child: Child,
    bytes: u64,
    /// Where a download goes.
    to: Option<PathBuf>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// How many bytes were to arrive.
    pub bytes: u64,
    /// How long that took.
    pub seconds: f64,
    /// Why it is not whole.
    pub wrong: Option<String>,
}

/// Sends a file of so many bytes within `seconds`, by its length.
pub fn upload(crowd: &Crowd, folder: &Path, bytes: u64, seconds: u64) -> io::Result<Transfer> {
    let file = folder.join("upload");
    Stuff::of(bytes).write_to(&file)?;
    let mut command = curl(crowd, "/upload", bytes, seconds);
    command.arg("-T").arg(file).args(["-H", "expect:", "-w", "\n%{http_code} %{time_total}"]);
    Ok(Transfer { child: command.spawn()?, bytes, to: None })
}

/// Takes so many bytes within `seconds`, reading slowly.
pub fn download(crowd: &Crowd, folder: &Path, bytes: u64, seconds: u64) -> io::Result<Transfer> {
    let file = folder.join("download");
    let mut command = curl(crowd, &format!("/download?bytes={bytes}"), bytes, seconds);
    command.arg("-o").arg(&file).args(["-w", "\n%{http_code} %{time_total}"]);
    Ok(Transfer { child: command.spawn()?, bytes, to: Some(file) })
}

fn curl(crowd: &Crowd, path: &str, bytes: u64, seconds: u64) -> Command {
    let mut command = Command::new("curl");
    command.args(["-sS", "--http1.1", "--max-time", &(seconds * 3 + 60).to_string()]);
    command.args(["--limit-rate", &(bytes / seconds.max(1)).max(1).to_string()]);
    command.args(["--connect-to", &format!("::{}", crowd.gateway)]);
    command.arg(format!("http://{}{path}", crowd.host));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Transfer {
    /// Whether it is still under way.
    pub fn is_under_way(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for its end and looks at what arrived.
    pub async fn finish(self) -> io::Result<Arrived> {
        let Transfer { child, bytes, to } = self;
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, last) = said.rsplit_once('\n').unwrap_or(("", &said));
        let (status, seconds) = last.split_once(' ').unwrap_or((last, ""));
        let seconds = seconds.parse().unwrap_or(0.0);
        let arrived = match &to {
            Some(file) => sum_of(file)?,
            None => body.trim().to_owned(),
        };
        let whole = format!("{bytes} {}", Stuff::of(bytes).sum());
        let good = output.status.success() && status == "200" && arrived == whole;
        let trouble = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let wrong = (!good).then(|| format!("{status} {trouble}: {arrived} is not {whole}"));
        Ok(Arrived { bytes, seconds, wrong })
    }
}

/// Length and SHA-256 of a file, as the app tells those of an upload.
fn sum_of(file: &Path) -> io::Result<String> {
    let length = std::fs::metadata(file)?.len();
    let output = std::process::Command::new("sha256sum").arg(file).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(format!("{length} {}", said.get(..64).unwrap_or("without a sum")))
}

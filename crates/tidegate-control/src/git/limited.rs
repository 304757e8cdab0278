//! A git that talks to another machine: it gets so much time, writes files of so many bytes, and is ended with all it started where
//! that is not enough.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tidegate_os::process::kill_group;

use super::command::{ALWAYS, MOST_ANSWER, Said, no_git};

/// `KILL`: what has no time left has none to tidy up.
const KILL: i32 = 9;
/// Between two looks whether it has ended: talking to another machine takes longer.
const LOOK: Duration = Duration::from_millis(5);
/// For the last of what it wrote to be read.
const DRAIN: Duration = Duration::from_secs(2);
/// The unit of a shell's limit on files, in bytes.
const BLOCK: u64 = 512;
/// Sets the limit, then becomes git.
const SCRIPT: &str = "ulimit -f \"$0\" && exec git \"$@\"";

/// A git none of whose files, nor of what it starts, gets larger than this.
pub(super) fn git_within(most_bytes: u64) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT]).arg((most_bytes / BLOCK).to_string());
    command.args(ALWAYS.iter().flat_map(|setting| ["-c", setting]));
    command.env_clear();
    command
}

/// Runs it to its end, or to the end of its time.
///
/// # Errors
/// `TimedOut`, or that it cannot be run.
pub(super) fn run_within(mut command: Command, input: Vec<u8>, within: Duration) -> io::Result<Said> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(no_git)?;
    let until = Instant::now() + within;
    let (out, error) = (reading(child.stdout.take()), reading(child.stderr.take()));
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read all says why by itself.
        std::thread::spawn(move || drop(io::Write::write_all(&mut stdin, &input)));
    }
    let status = match ended(&mut child, until)? {
        Some(status) => status,
        None => {
            kill_group(child.id(), KILL)?;
            child.wait()?;
            let message = format!("git was not done within {} s", within.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
    };
    // What it wrote is there by now. Something it left behind that could still write is not waited for.
    let [out, error] = [out, error].map(|read| read.recv_timeout(DRAIN).unwrap_or_default());
    Ok(Said { status, out, error: String::from_utf8_lossy(&error).into_owned() })
}

/// How it ended; `None`: it has not by then.
fn ended(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// Reads on a thread of its own, so much of it as is wanted.
fn reading(from: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (read, done) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            // What cannot be read is missing: its end says whether it did what it was to.
            let _ = from.take(MOST_ANSWER).read_to_end(&mut bytes);
        }
        let _ = read.send(bytes);
    });
    done
}

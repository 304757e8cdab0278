//! The app without Tidegate: started by hand, to know what its own start costs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::App;

/// How long a start may take.
const WITHIN: Duration = Duration::from_secs(30);
/// Between two looks: short, since it is in what is measured.
const LOOK: Duration = Duration::from_millis(2);

/// The interpreter that the process with this id runs: the one first in our own PATH may be another.
pub fn interpreter_of(process: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{process}/exe")).unwrap()
}

/// How long two copies started at once take until both answer `/up` well.
pub fn start_two(app: &App, interpreter: &Path) -> Duration {
    let addresses = [super::free_address(), super::free_address()];
    let begun = Instant::now();
    let mut copies = addresses.map(|address| start(app, interpreter, address));
    for address in addresses {
        while !answers(address) {
            assert!(begun.elapsed() < WITHIN, "the app does not start by itself");
            std::thread::sleep(LOOK);
        }
    }
    let took = begun.elapsed();
    for copy in &mut copies {
        copy.kill().unwrap();
        copy.wait().unwrap();
    }
    took
}

/// How long a shell takes from its start until its first command has read the clock, in milliseconds.
pub fn first_command(command: &str) -> f64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3;
    let begun = now();
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let read: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    read - begun
}

fn start(app: &App, interpreter: &Path, address: SocketAddr) -> Child {
    let mut command = Command::new(interpreter);
    command.arg("app.py").current_dir(app.path());
    command.env("PORT", address.port().to_string()).stdout(Stdio::null()).spawn().unwrap()
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /up HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

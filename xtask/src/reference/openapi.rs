//! The OpenAPI document, asked of a server that runs for a moment.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Trouble, program};

/// The document, laid out for reading.
pub fn document(tidegate: &Path) -> Result<String, Trouble> {
    let server = Server::start(tidegate)?;
    let body = ask(&server.data.join("api.sock"))?;
    let document: Value = serde_json::from_str(&body)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

fn ask(socket: &Path) -> Result<String, Trouble> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET /v1/openapi.json HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the API gave no answer")?;
    if !head.contains(" 200 ") {
        return Err(format!("the API answered {head}").into());
    }
    Ok(body.to_owned())
}

/// A server in a folder of its own on free ports; stopped and removed when dropped.
struct Server {
    tidegate: PathBuf,
    data: PathBuf,
    child: Child,
}

impl Server {
    fn start(tidegate: &Path) -> Result<Self, Trouble> {
        let data = std::env::temp_dir().join(format!("tidegate-xtask-{}", std::process::id()));
        let mut child = Command::new(tidegate)
            .args(["up", "--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = child.stdout.take();
        let server = Server { tidegate: tidegate.to_owned(), data, child };
        let lines = BufReader::new(said.ok_or("no output")?).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.trim().starts_with("data"));
        if ready { Ok(server) } else { Err("`tidegate up` ended before it was ready".into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data.display().to_string();
        if program::run(&self.tidegate, &["down", "--data", &data]).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

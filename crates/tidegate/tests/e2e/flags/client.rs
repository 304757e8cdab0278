//! A client in its own language: asks its questions, says what it got, and again after each change.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::packages;

const WITHIN: Duration = Duration::from_secs(20);

/// A running client.
pub struct Client {
    child: Child,
    _input: ChildStdin,
    lines: Receiver<String>,
}

/// In which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Node,
    Python,
    /// Knows `ofrep` alone, and hears of no changes.
    Rust,
}

/// Asked for: type, flag, what the caller would take without an answer, and who asks.
pub fn question(kind: &str, flag: &str, default: Value, context: Value) -> Value {
    json!([kind, flag, default, context])
}

impl Client {
    /// Starts one. `kind` is `ofrep`, `rpc` or `in-process`.
    pub fn start(
        language: Language,
        kind: &str,
        address: SocketAddr,
        asked: &[Value],
        key: Option<&str>,
    ) -> Client {
        let mut command = match language {
            Language::Node => {
                let mut node = Command::new("node");
                node.arg(packages::programs().join("node.mjs")).env("PACKAGES", packages::node());
                node
            }
            Language::Python => {
                let mut python = Command::new(packages::python());
                python.arg(packages::programs().join("client.py"));
                python
            }
            Language::Rust => Command::new(packages::rust()),
        };
        command.args([kind, &address.to_string(), &json!(asked).to_string()]).args(key);
        Self::of(&mut command)
    }

    /// One that was put together by the caller.
    pub fn of(command: &mut Command) -> Client {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Client { child, _input: input, lines: lines(output) }
    }

    /// The next line it says.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(WITHIN).expect("the client says something in time")
    }

    /// The next answers it got.
    pub fn answers(&self) -> Vec<Value> {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

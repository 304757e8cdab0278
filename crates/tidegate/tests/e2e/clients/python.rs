//! The Python programs beside: a place with the packages they need, and running them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::packages;

/// A program that runs; killed where it is still there in the end.
#[derive(Debug)]
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a program of this folder.
    pub fn start(name: &str, args: &[&str]) -> Program {
        let mut child = Command::new(packages::python("clients-python", &folder()))
            .arg(folder().join(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Program { child, input, output }
    }

    /// Starts one that serves, and where: it says its port first.
    pub fn serve(name: &str, args: &[&str]) -> (Program, SocketAddr) {
        let mut program = Self::start(name, args);
        let port = program.line().parse().unwrap();
        (program, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Runs one to its end; what it found.
    pub fn found(name: &str, args: &[&str]) -> Value {
        Self::start(name, args).last_words()
    }

    /// The next line it says.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "the program said nothing more");
        line.trim_end().to_owned()
    }

    /// Tells it to go on.
    pub fn go_on(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Ends its input and reads the one line of JSON that it says then.
    pub fn last_words(mut self) -> Value {
        self.input = None;
        let found = serde_json::from_str(&self.line()).unwrap();
        assert!(self.child.wait().unwrap().success());
        found
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/clients")
}

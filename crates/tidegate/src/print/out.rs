//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

/// Standard output. Written when dropped or flushed. Once nobody reads it the command ends, quietly.
pub struct Out(BufWriter<StdoutLock<'static>>);

impl Out {
    /// Standard output.
    pub fn new() -> Self {
        Out(BufWriter::new(io::stdout().lock()))
    }

    /// A line.
    pub fn line(&mut self, line: impl Display) -> Result<Exit, Failure> {
        let written = writeln!(self.0, "{line}");
        self.ended(written)
    }

    /// Text that ends its own lines.
    pub fn text(&mut self, text: &str) -> Result<Exit, Failure> {
        self.bytes(text.as_bytes())
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<Exit, Failure> {
        let written = self.0.write_all(bytes);
        self.ended(written)?;
        self.flush()
    }

    /// A value as JSON in a line.
    pub fn json_line<T: Serialize>(&mut self, value: &T) -> Result<Exit, Failure> {
        let text = serde_json::to_string(value);
        self.line(text.map_err(|error| unprintable(&error))?)
    }

    /// A value as JSON for people and programs.
    pub fn json_pretty<T: Serialize>(&mut self, value: &T) -> Result<Exit, Failure> {
        let text = serde_json::to_string_pretty(value);
        self.line(text.map_err(|error| unprintable(&error))?)?;
        self.flush()
    }

    /// Writes what is held back.
    pub fn flush(&mut self) -> Result<Exit, Failure> {
        let written = self.0.flush();
        self.ended(written)
    }

    fn ended(&self, written: io::Result<()>) -> Result<Exit, Failure> {
        match written {
            Ok(()) => Ok(Exit::DONE),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::nobody_reads()),
            Err(error) => Err(Failure::environment(
                format!("cannot write the output: {error}"),
                "look where it goes to",
            )),
        }
    }
}

fn unprintable(error: &serde_json::Error) -> Failure {
    Failure::environment(
        format!("cannot print the answer as JSON: {error}"),
        "run the command without --json",
    )
}

/// Talk. Nobody reading it is no reason to stop.
pub fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

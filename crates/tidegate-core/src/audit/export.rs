//! The log as a file: a line for each entry with its hash, and at the end how far the log had come.
//!
//! ```text
//! {"entry":{"action":"operate","at_ms":1767323045000,…,"prev":"…","seq":1,"who":"owner"},"hash":"…"}
//! {"head":{"installation":"…","seq":1,"hash":"…","at_ms":1767323045000}}
//! ```
//!
//! A line may be read and written again by any program that keeps its values: what is hashed is the canonical text of `entry`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::anchor::Anchor;
use super::canonical::canonical;
use super::chain::{Link, begin};
use super::hash::Hash;
use super::verify::{Broken, How, Verified, Verifier};

/// A line of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An entry.
    Entry(Link),
    /// How far the log had come: the last line.
    Head(Anchor),
}

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is neither an entry with its hash nor the head of a log")]
pub struct NoLine;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Entry { entry: Value, hash: Hash },
    Head { head: Anchor },
}

impl Line {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(text: &str) -> Result<Self, NoLine> {
        match serde_json::from_str(text).map_err(|_| NoLine)? {
            Written::Entry { entry, hash } => {
                let seq = entry.get("seq").and_then(Value::as_u64).ok_or(NoLine)?;
                Ok(Line::Entry(Link { seq, body: canonical(&entry), hash }))
            }
            Written::Head { head } => Ok(Line::Head(head)),
        }
    }

    /// The line, without its end. An entry's text goes in as it is kept, whatever is in it.
    pub fn write(&self) -> String {
        match self {
            Line::Entry(link) => format!("{{\"entry\":{},\"hash\":\"{}\"}}", link.body, link.hash),
            Line::Head(anchor) => {
                let Anchor { installation, seq, hash, at_ms } = anchor;
                let installation = Value::from(installation.as_str());
                format!(
                    "{{\"head\":{{\"installation\":{installation},\"seq\":{seq},\"hash\":\"{hash}\",\"at_ms\":{at_ms}}}}}"
                )
            }
        }
    }
}

/// Reads a file of the log line by line.
#[derive(Debug)]
pub struct ExportReader {
    verifier: Verifier,
    anchors: Vec<Anchor>,
    /// What the first entry holds, where it is the first of the log.
    begins: Option<Hash>,
    head: Option<Anchor>,
}

impl ExportReader {
    /// Of a file of which somebody knew this much.
    pub fn new(anchors: Vec<Anchor>) -> Self {
        let verifier = anchors.iter().cloned().fold(Verifier::of_part(), Verifier::knowing);
        ExportReader { verifier, anchors, begins: None, head: None }
    }

    /// Reads the next line, without its end.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn push(&mut self, text: &str) -> Result<(), Broken> {
        let seq = self.verifier.expected();
        let line = Line::read(text).map_err(|_| Broken { seq, how: How::Altered })?;
        match line {
            _ if self.head.is_some() => Err(Broken { seq, how: How::Unfinished }),
            Line::Head(head) => {
                self.head = Some(head);
                Ok(())
            }
            Line::Entry(link) => {
                if link.seq == 1 {
                    self.begins = link.entry().ok().map(|entry| entry.prev);
                }
                self.verifier.push(link)
            }
        }
    }

    /// The last entry that was read; 0: none was.
    pub fn last(&self) -> u64 {
        self.verifier.expected() - 1
    }

    /// What is known of the file now that there is no more of it, and its head.
    ///
    /// # Errors
    /// Where its end is not there, or is not the end of what was read.
    pub fn finish(self) -> Result<(Verified, Anchor), Broken> {
        let seq = self.verifier.expected();
        let Some(head) = self.head else { return Err(Broken { seq, how: How::Unfinished }) };
        let foreign =
            |anchor: &Anchor| !anchor.installation.is_empty() && anchor.installation != head.installation;
        if self.anchors.iter().any(foreign) {
            return Err(Broken { seq: head.seq, how: How::Foreign });
        }
        if self.begins.is_some_and(|found| found != begin(&head.installation)) {
            return Err(Broken { seq: 1, how: How::Unlinked });
        }
        let known = self.verifier.knowing(head.clone()).finish()?;
        let empty = known.first == 0;
        if !empty && (known.last, known.hash) != (head.seq, head.hash) {
            return Err(Broken { seq: known.last, how: How::Rewritten });
        }
        Ok((known, head))
    }
}

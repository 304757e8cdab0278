//! Reading a chain from front to back, and saying where it is broken.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use super::chain::{Link, begin};
use super::hash::Hash;

/// A chain that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("entry {seq}: {how}")]
#[schemars(rename = "AuditBroken")]
pub struct Broken {
    /// The first entry that is not as it should be.
    pub seq: u64,
    /// In what way.
    pub how: How,
}

/// In what way a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AuditBrokenHow")]
pub enum How {
    /// Its text is not the one that was hashed.
    Altered,
    /// It and all up to this one are gone.
    Missing {
        /// The last that is gone.
        through: u64,
    },
    /// It and another one have changed places.
    Swapped {
        /// The other one's number.
        with: u64,
    },
    /// There is a second one of its number.
    Inserted,
    /// Each is whole, and it is not the one that came after the one before it.
    Unlinked,
    /// It is not the one that somebody knew under this number: the log was written anew.
    Rewritten,
    /// It and all up to the known end are gone.
    Cut {
        /// The last entry that somebody knew.
        known: u64,
    },
    /// The log is another installation's.
    Foreign,
    /// A file of the log ends, or goes on, where it should not.
    Unfinished,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Altered => f.write_str("it was altered: its hash is that of another text"),
            How::Missing { through } => write!(f, "it is missing, and all up to entry {through}"),
            How::Swapped { with } => write!(f, "it was swapped with entry {with}"),
            How::Inserted => f.write_str("a second entry of this number was inserted"),
            How::Unlinked => {
                f.write_str("it does not follow from the entry before it: one of the two was replaced")
            }
            How::Rewritten => {
                f.write_str("it is not the entry that the anchor knows: the log was written anew")
            }
            How::Cut { known } => {
                write!(f, "it is missing: the end of the log was cut off, the anchor knows of entry {known}")
            }
            How::Foreign => f.write_str("it is of another installation's log than the anchor"),
            How::Unfinished => {
                f.write_str("the file does not end with its head: its end is missing, or something was added")
            }
        }
    }
}

/// What is known of a chain that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The number of the first entry that was read; 0 where there was none.
    pub first: u64,
    /// The number of the last one; 0 where there was none.
    pub last: u64,
    /// Its hash.
    pub hash: Hash,
    /// Anchors that lie before the first entry that was read: nothing is known of them.
    pub unchecked: Vec<u64>,
}

/// Reads a chain link by link.
#[derive(Debug)]
pub struct Verifier {
    /// The number that is to come; `None`: whichever comes first.
    expected: Option<u64>,
    /// What the next one must hold; `None`: nothing is known of the one before.
    prev: Option<Hash>,
    first: u64,
    /// One that came too early: the next one says whether those before it are missing or changed places with it.
    held: Option<Link>,
    /// What is known of it besides, in any order.
    anchors: Vec<Anchor>,
}

impl Verifier {
    /// Of the whole chain of an installation.
    pub fn of_all(installation: &str) -> Self {
        Verifier { expected: Some(1), prev: Some(begin(installation)), ..Self::of_part() }
    }

    /// Of a part of a chain: nothing is known of what came before.
    pub fn of_part() -> Self {
        Verifier { expected: None, prev: None, first: 0, held: None, anchors: Vec::new() }
    }

    /// Of what comes after an entry that was verified.
    pub fn after(seq: u64, hash: Hash) -> Self {
        Verifier { expected: Some(seq + 1), prev: Some(hash), ..Self::of_part() }
    }

    /// With something that is known of the chain.
    pub fn knowing(mut self, anchor: Anchor) -> Self {
        self.anchors.push(anchor);
        self
    }

    /// The number that is to come; 1 where nothing was read.
    pub fn expected(&self) -> u64 {
        self.expected.unwrap_or(1)
    }

    /// Reads the next link.
    ///
    /// # Errors
    /// Where the chain is broken; nothing is to be read after that.
    pub fn push(&mut self, link: Link) -> Result<(), Broken> {
        let expected = *self.expected.get_or_insert(link.seq);
        if let Some(held) = self.held.take() {
            return Err(early(expected, held.seq, link.seq));
        }
        if link.seq > expected {
            self.held = Some(link);
            return Ok(());
        }
        if link.seq < expected {
            let how = if link.seq + 1 == expected { How::Inserted } else { How::Swapped { with: expected } };
            return Err(Broken { seq: link.seq, how });
        }
        self.follow(&link)
    }

    fn follow(&mut self, link: &Link) -> Result<(), Broken> {
        let broken = |how| Err(Broken { seq: link.seq, how });
        if !link.is_whole() {
            return broken(How::Altered);
        }
        let Ok(entry) = link.entry() else { return broken(How::Altered) };
        if entry.seq != link.seq {
            return broken(How::Swapped { with: entry.seq });
        }
        if self.prev.is_some_and(|prev| prev != entry.prev) {
            return broken(How::Unlinked);
        }
        if self.anchors.iter().any(|anchor| anchor.seq == link.seq && anchor.hash != link.hash) {
            return broken(How::Rewritten);
        }
        if self.first == 0 {
            self.first = link.seq;
        }
        (self.expected, self.prev) = (Some(link.seq + 1), Some(link.hash));
        Ok(())
    }

    /// Says what is known now that there is no more.
    ///
    /// # Errors
    /// Where the end is not there.
    pub fn finish(self) -> Result<Verified, Broken> {
        let expected = self.expected.unwrap_or(1);
        if let Some(held) = self.held {
            return Err(Broken { seq: expected, how: How::Missing { through: held.seq - 1 } });
        }
        let last = expected - 1;
        if let Some(known) = self.anchors.iter().map(|anchor| anchor.seq).filter(|known| *known > last).max()
        {
            return Err(Broken { seq: expected, how: How::Cut { known } });
        }
        let before = |anchor: &&Anchor| anchor.seq > 0 && (self.first == 0 || anchor.seq < self.first);
        let unchecked = self.anchors.iter().filter(before).map(|anchor| anchor.seq).collect();
        Ok(Verified { first: self.first, last, hash: self.prev.unwrap_or_else(|| begin("")), unchecked })
    }
}

fn early(expected: u64, held: u64, next: u64) -> Broken {
    let how = if next < held { How::Swapped { with: held } } else { How::Missing { through: held - 1 } };
    Broken { seq: expected, how }
}

/// Reads the whole chain of an installation, which somebody knew as these anchors have it.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(
    installation: &str,
    links: impl IntoIterator<Item = Link>,
    anchors: &[Anchor],
) -> Result<Verified, Broken> {
    let foreign = |anchor: &Anchor| !anchor.installation.is_empty() && anchor.installation != installation;
    if let Some(anchor) = anchors.iter().find(|anchor| foreign(anchor)) {
        return Err(Broken { seq: anchor.seq, how: How::Foreign });
    }
    let mut verifier = Verifier::of_all(installation);
    verifier.anchors = anchors.to_vec();
    links.into_iter().try_for_each(|link| verifier.push(link))?;
    verifier.finish()
}

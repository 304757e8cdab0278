//! Verifies the chain on a thread of its own: all of it when the control plane begins and once a day, from then on what is new.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tidegate_core::audit::{Anchor, Broken, Hash, How, Verifier};
use tidegate_core::event::Event;
use tidegate_store::{Reader, StoreError};

use super::seal::Seal;
use crate::answer::store_trouble;
use crate::handle::Handle;
use crate::run::Published;

/// The longest sleep between two looks.
const PERIOD: Duration = Duration::from_secs(5);
const ANEW: Duration = Duration::from_secs(86_400);
/// Links read at once.
const PAGE: usize = 1_000;

/// The watch.
pub struct Watch {
    /// Weak, so that it keeps nothing open once the server has ended.
    handle: Weak<Handle>,
    published: Published,
    reader: Reader,
    data: PathBuf,
    /// Up to where the chain is verified.
    at: Option<(u64, Hash)>,
    begun: Instant,
}

impl Watch {
    /// Starts it on a thread of its own. It ends with the handle, or with the first thing that is wrong.
    ///
    /// # Errors
    /// Where there is no thread to be had, or the database cannot be read.
    pub fn start(handle: &Arc<Handle>) -> std::io::Result<()> {
        let data = handle.data().to_owned();
        let reader = Reader::open(&data.join("tidegate.db")).map_err(std::io::Error::other)?;
        let published = handle.published().clone();
        let handle = Arc::downgrade(handle);
        let watch = Watch { handle, published, reader, data, at: None, begun: Instant::now() };
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || watch.go_on()).map(drop)
    }

    fn go_on(mut self) {
        let mut seen = 0;
        while self.handle.upgrade().is_some() {
            match self.look() {
                Ok(Ok(())) => {}
                Ok(Err(broken)) => return self.tell(broken),
                Err(error) => {
                    tracing::warn!(%error, "the audit log could not be verified; it is tried again")
                }
            }
            seen = self.published.wait_for_event(seen, PERIOD);
            if self.begun.elapsed() > ANEW {
                (self.at, self.begun) = (None, Instant::now());
            }
        }
    }

    /// Verifies what is new.
    fn look(&mut self) -> Result<Result<(), Broken>, StoreError> {
        let (mut verifier, after) = match self.at {
            Some((seq, hash)) => {
                if let Err(broken) = still_there(&self.reader, seq, hash)? {
                    return Ok(Err(broken));
                }
                (Verifier::after(seq, hash), seq)
            }
            None => (from_the_beginning(&self.reader, &self.data)?, 0),
        };
        if let Err(broken) = read_on(&self.reader, &mut verifier, after)? {
            return Ok(Err(broken));
        }
        match verifier.finish() {
            Ok(known) => {
                self.at = Some((known.last, known.hash));
                self.published.audit.lock().verified = Some(known.last);
                Ok(Ok(()))
            }
            Err(broken) => Ok(Err(broken)),
        }
    }

    /// For `doctor`, and for whoever follows the timeline.
    fn tell(&self, broken: Broken) {
        let message = format!("the audit log is not whole: {broken}");
        tracing::error!("{message}");
        self.published.audit.lock().broken = Some(broken);
        let Some(handle) = self.handle.upgrade() else { return };
        let event = Event::platform("audit.broken", message);
        let told = handle.ask(move |world, time| {
            world.store.transaction(|tx| tx.event(&event, time.unix_ms)).map_err(store_trouble)
        });
        if let Err(error) = told {
            tracing::error!(%error, "that the audit log is not whole could not be put into the timeline");
        }
    }
}

/// What is sealed is in the log, or after what is read of it: the file is never ahead.
fn from_the_beginning(reader: &Reader, data: &Path) -> Result<Verifier, StoreError> {
    let verifier = Verifier::of_all(&reader.installation()?);
    let sealed: Option<Anchor> = Seal::of(data).and_then(|seal| seal.read()).ok().flatten();
    Ok(match sealed {
        Some(anchor) => verifier.knowing(anchor),
        None => verifier,
    })
}

fn read_on(
    reader: &Reader,
    verifier: &mut Verifier,
    mut after: u64,
) -> Result<Result<(), Broken>, StoreError> {
    loop {
        let page = reader.audit_links(after, PAGE)?;
        let Some(last) = page.last().map(|link| link.seq) else { return Ok(Ok(())) };
        after = last;
        for link in page {
            if let Err(broken) = verifier.push(link) {
                return Ok(Err(broken));
            }
        }
    }
}

/// Whether the last entry that was verified is where it was.
fn still_there(reader: &Reader, seq: u64, hash: Hash) -> Result<Result<(), Broken>, StoreError> {
    if seq == 0 {
        return Ok(Ok(()));
    }
    Ok(match reader.audit_link(seq)? {
        Some(link) if link.hash == hash => Ok(()),
        Some(_) => Err(Broken { seq, how: How::Rewritten }),
        None => Err(Broken { seq: reader.audit_head()?.0 + 1, how: How::Cut { known: seq } }),
    })
}

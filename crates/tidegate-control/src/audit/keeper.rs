//! Keeps how far the log has come outside the database: after each pass that added to it, and once a day in the timeline.
//!
//! A kill between a transaction and the file leaves the file behind the log, never ahead of it. So what is sealed must be found in the
//! log: where it is not, the log was cut or written anew, and the file stays as it is. It is evidence.

use std::path::Path;

use tidegate_core::access::Action;
use tidegate_core::audit::{Anchor, Deed, begin};
use tidegate_core::event::Event;
use tidegate_store::{Reader, Store, StoreError};

use super::seal::{FILE, Seal};
use super::standing::Standing;
use crate::engine::Time;

/// When the timeline was last told.
const TOLD: &str = "audit_anchor_told";
const DAY_MS: u64 = 86_400_000;

/// The loop's.
#[derive(Debug)]
pub struct Keeper {
    seal: Option<Seal>,
    /// What is sealed.
    last: Option<Anchor>,
    standing: Standing,
}

impl Keeper {
    /// Looks whether what is sealed is in the log, and enters that the control plane began.
    ///
    /// # Errors
    /// The store's.
    pub fn begin(data: &Path, store: &mut Store, time: Time, standing: Standing) -> Result<Self, StoreError> {
        let mut keeper = Keeper { seal: None, last: None, standing };
        match Seal::of(data).and_then(|seal| seal.read().map(|found| (seal, found))) {
            Ok((seal, Some(anchor))) => keeper.go_on(store, seal, anchor)?,
            Ok((seal, None)) => keeper.begin_anew(store, seal, time)?,
            Err(error) => keeper.stop(format!(
                "how far the audit log had come is not known: {FILE} cannot be believed: {error}"
            )),
        }
        let up = Deed::new(Action::Administer, "up").with("version", env!("CARGO_PKG_VERSION"));
        let entered = store.transaction(|tx| tx.audit(up, time.unix_ms).map(drop));
        unless_transient(entered)?;
        keeper.keep(store, time.unix_ms);
        Ok(keeper)
    }

    fn go_on(&mut self, store: &Reader, seal: Seal, anchor: Anchor) -> Result<(), StoreError> {
        self.standing.lock().sealed = Some(anchor.clone());
        if is_there(store, &anchor)? {
            (self.seal, self.last) = (Some(seal), Some(anchor));
        } else {
            self.stop(lost(&anchor));
        }
        Ok(())
    }

    /// A log that has entries had a file as well.
    fn begin_anew(&mut self, store: &mut Store, seal: Seal, time: Time) -> Result<(), StoreError> {
        if store.audit_head()?.0 > 0 {
            let message =
                format!("{FILE} was missing: whether the end of the audit log was cut off is not known");
            let event = Event::platform("audit.anchor-missing", message);
            unless_transient(store.transaction(|tx| tx.event(&event, time.unix_ms).map(drop)))?;
        }
        // Before the first entry, so that no log is without a file.
        let nothing = Anchor::of_nothing(&store.installation()?, time.unix_ms);
        if let Err(error) = seal.write(&nothing) {
            tracing::error!(%error, "{FILE} cannot be written");
        }
        (self.seal, self.last) = (Some(seal), Some(nothing));
        Ok(())
    }

    fn stop(&mut self, trouble: String) {
        tracing::error!("{trouble}");
        self.standing.lock().trouble = Some(trouble);
        self.seal = None;
    }

    /// Seals how far the log has come, where that is new. A full disk is waited for.
    pub fn keep(&mut self, store: &Reader, unix_ms: u64) {
        if let Err(error) = self.try_keep(store, unix_ms) {
            tracing::warn!(%error, "how far the audit log has come could not be kept; it is tried again");
        }
    }

    fn try_keep(&mut self, store: &Reader, unix_ms: u64) -> Result<(), String> {
        let (Some(seal), Some(last)) = (&self.seal, &self.last) else { return Ok(()) };
        let now = store.audit_anchor(unix_ms).map_err(|error| error.to_string())?;
        if (now.seq, now.hash) == (last.seq, last.hash) {
            return Ok(());
        }
        if !is_there(store, last).map_err(|error| error.to_string())? {
            let trouble = lost(last);
            self.stop(trouble);
            return Ok(());
        }
        seal.write(&now).map_err(|error| format!("{FILE}: {error}"))?;
        self.standing.lock().sealed = Some(now.clone());
        self.last = Some(now);
        Ok(())
    }

    /// Tells the timeline once a day how far the log has come: whoever follows it holds an anchor that is not on this disk.
    ///
    /// # Errors
    /// The store's.
    pub fn tell(&self, store: &mut Store, unix_ms: u64) -> Result<(), StoreError> {
        let told = store.meta(TOLD)?.and_then(|told| told.parse::<u64>().ok());
        if told.is_some_and(|told| unix_ms >= told && unix_ms - told < DAY_MS) {
            return Ok(());
        }
        let anchor = store.audit_anchor(unix_ms)?;
        let message = format!("the audit log is at {anchor}");
        store.transaction(|tx| {
            tx.event(&Event::platform("audit.anchor", message), unix_ms)?;
            tx.set_meta(TOLD, &unix_ms.to_string())
        })
    }
}

/// A full disk keeps nothing from going on that runs already.
fn unless_transient(result: Result<(), StoreError>) -> Result<(), StoreError> {
    result.or_else(|error| {
        tracing::error!(%error, "the audit log could not be written to");
        if error.is_transient() { Ok(()) } else { Err(error) }
    })
}

/// Whether the log has the entry that an anchor is of.
fn is_there(store: &Reader, anchor: &Anchor) -> Result<bool, StoreError> {
    let installation = store.meta("installation")?.unwrap_or_default();
    if anchor.installation != installation {
        return Ok(false);
    }
    match anchor.seq {
        0 => Ok(anchor.hash == begin(&installation)),
        seq => Ok(store.audit_link(seq)?.is_some_and(|link| link.hash == anchor.hash)),
    }
}

fn lost(anchor: &Anchor) -> String {
    format!(
        "the audit log was cut off or written anew: entry {}, which it had come to, is not in it any more",
        anchor.seq
    )
}

//! What is served now to those who see this board, and the news of a change. Whoever has flags publishes; servers read,
//! streams follow.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ledger::{Ledger, Standing};
use crate::snapshot::Snapshot;
use crate::tally::Tally;

/// See the module.
#[derive(Debug)]
pub struct Board {
    now: watch::Sender<Arc<Snapshot>>,
    ledger: Arc<Ledger>,
}

impl Board {
    /// With the first flags on it.
    pub fn new(first: Snapshot) -> Arc<Self> {
        let ledger = Arc::<Ledger>::default();
        ledger.on_published(first.since());
        Self::of(first, ledger)
    }

    /// One of several, which share a ledger.
    pub(crate) fn of(first: Snapshot, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Board { now: watch::Sender::new(Arc::new(first)), ledger })
    }

    /// Serves these from now on. Says whether they are others than before; followers hear of others only.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        self.ledger.on_published(snapshot.since());
        self.show(snapshot)
    }

    /// The same, where the source of the flags has more than one board.
    pub(crate) fn show(&self, snapshot: Snapshot) -> bool {
        self.now.send_if_modified(|now| {
            let others = now.whole().revision() != snapshot.whole().revision();
            if others {
                *now = Arc::new(snapshot.after_another());
            }
            others
        })
    }

    /// What is newest cannot be served: what is served stays.
    pub fn complain(&self, trouble: String) {
        self.ledger.on_trouble(trouble);
    }

    /// How well the source is.
    pub fn standing(&self) -> Standing {
        self.ledger.standing()
    }

    /// What is served.
    pub fn now(&self) -> Arc<Snapshot> {
        self.now.borrow().clone()
    }

    /// What is served, and every change of it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.now.subscribe()
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.ledger.tally()
    }
}

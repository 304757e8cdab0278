//! What is served now, and the news of a change. Whoever has flags publishes; servers read, streams follow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::snapshot::Snapshot;
use crate::tally::Tally;

/// See the module.
#[derive(Debug)]
pub struct Board {
    now: watch::Sender<Arc<Snapshot>>,
    standing: Mutex<Standing>,
    tally: Tally,
}

/// How well the source of the flags is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why what is newest is not what is served.
    pub trouble: Option<String>,
    /// When flags were published last.
    pub published: Option<SystemTime>,
}

impl Board {
    /// With the first flags on it.
    pub fn new(first: Snapshot) -> Arc<Self> {
        let standing = Standing { trouble: None, published: Some(first.since()) };
        let now = watch::Sender::new(Arc::new(first));
        Arc::new(Board { now, standing: Mutex::new(standing), tally: Tally::default() })
    }

    /// Serves these from now on. Says whether they are others than before; followers hear of others only.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = Standing { trouble: None, published: Some(snapshot.since()) };
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
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).trouble = Some(trouble);
    }

    /// How well the source is.
    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is served.
    pub fn now(&self) -> Arc<Snapshot> {
        self.now.borrow().clone()
    }

    /// What is served, and every change of it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.now.subscribe()
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

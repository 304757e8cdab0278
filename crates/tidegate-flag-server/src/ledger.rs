//! What all boards of a process write down together: what was asked and answered, and how well the source of the flags is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::tally::Tally;

/// How well the source of the flags is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why what is newest is not what is served.
    pub trouble: Option<String>,
    /// When flags were published last.
    pub published: Option<SystemTime>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    standing: Mutex<Standing>,
    tally: Tally,
}

impl Ledger {
    pub(crate) fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Flags of this time are served.
    pub(crate) fn on_published(&self, at: SystemTime) {
        *self.lock() = Standing { trouble: None, published: Some(at) };
    }

    /// What is newest cannot be served: what is served stays.
    pub(crate) fn on_trouble(&self, trouble: String) {
        self.lock().trouble = Some(trouble);
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

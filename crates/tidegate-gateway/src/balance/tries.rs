//! What a request has behind it, and whether it may be repeated.

use super::{Shared, Terms};

/// Most endpoints one request is sent to or tries to connect to.
const MOST: usize = 8;

/// Why an attempt is to be repeated. It is for the caller to know that the request may be: nothing came back of it, and it
/// was not seen, or is idempotent and without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The endpoint saw nothing of it.
    Unsent,
    /// The same, and it is not to blame: it has as many requests as it takes.
    Full,
    /// The connection broke before an answer.
    Broken,
    /// The answer was 502, 503 or 504.
    Status,
}

impl Failure {
    /// Whether the endpoint saw nothing of the request.
    pub(crate) fn is_unseen(self) -> bool {
        matches!(self, Failure::Unsent | Failure::Full)
    }
}

/// The attempts of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tries {
    uids: [u64; MOST],
    many: usize,
    repeats: u32,
}

impl Tries {
    /// The endpoints that were asked.
    pub(crate) fn endpoints(&self) -> &[u64] {
        &self.uids[..self.many]
    }

    /// An attempt on this endpoint ended so. Whether there may be another.
    pub(crate) fn on_failure(&mut self, endpoint: u64, failure: Failure, terms: &Terms) -> bool {
        if self.many == MOST {
            return false;
        }
        self.uids[self.many] = endpoint;
        self.many += 1;
        if failure.is_unseen() {
            return self.many < MOST;
        }
        self.repeats += 1;
        self.repeats <= terms.repeats && self.many < MOST
    }

    /// Whether the budget allows another attempt. One that no endpoint saw costs nothing where the next is up: nobody has
    /// more work by it.
    pub(crate) fn pays(failure: Failure, up: bool, terms: &Terms, shared: &Shared, now: u64) -> bool {
        (failure.is_unseen() && up) || shared.spend(terms.budget, now)
    }
}

//! The thread that sends copies. It is not a worker: what copies cost, and be it an endless answer, no request waits for.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::budget::Slot;
use super::pair::Pair;
use super::send::{Letter, send};
use super::tap::{Drawn, Spilled};
use crate::limits::Limits;
use crate::upstream::Kept;

const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// The way to the thread. It ends when the last of these is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Post(mpsc::UnboundedSender<Errand>);

/// One copy. Budgets bound how many are under way.
pub(super) struct Errand {
    pub(super) letter: Letter,
    pub(super) body: Parcel,
    pub(super) pair: Pair,
}

/// The body of a copy.
pub(super) enum Parcel {
    /// There is none.
    Empty(Slot),
    /// It is on its way to the original's endpoint.
    Awaited(Drawn),
}

impl Post {
    /// Starts the thread.
    pub(crate) fn start(limits: Limits) -> io::Result<Post> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (to, errands) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("mirror".to_owned());
        thread.spawn(move || LocalSet::new().block_on(&runtime, work(errands, limits)))?;
        Ok(Post(to))
    }

    pub(super) fn send(&self, errand: Errand) {
        // The thread is there for as long as this is.
        let _ = self.0.send(errand);
    }
}

async fn work(mut errands: mpsc::UnboundedReceiver<Errand>, limits: Limits) {
    let kept = Rc::new(Kept::of_its_own(limits));
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(errand) => drop(tokio::task::spawn_local(run(errand, kept.clone(), limits))),
                None => return,
            },
            _ = sweep.tick() => kept.sweep(),
        }
    }
}

/// One copy from its body to its answer.
async fn run(errand: Errand, kept: Rc<Kept>, limits: Limits) {
    let Errand { letter, body, pair } = errand;
    let drawn = match body {
        Parcel::Empty(slot) => Ok(Ok((Bytes::new(), slot))),
        Parcel::Awaited(drawn) => drawn.await,
    };
    let count = |what: fn(&mut tidegate_core::model::MirrorCounts) -> &mut u64| pair.ledger().count(what);
    let answer = match drawn {
        Ok(Ok((body, slot))) => {
            let answer = send(&letter, body, &kept, limits).await;
            drop(slot);
            if answer.is_none() {
                count(|counts| &mut counts.failed);
            }
            answer
        }
        Ok(Err(Spilled::TooLarge)) => {
            count(|counts| &mut counts.too_large);
            None
        }
        Ok(Err(Spilled::NoRoom)) => {
            count(|counts| &mut counts.dropped);
            None
        }
        Err(_) => {
            count(|counts| &mut counts.incomplete);
            None
        }
    };
    pair.on_copy(answer);
}

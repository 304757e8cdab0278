//! The thread that sends copies. It is not a worker: what copies cost, and be it an endless answer, no request waits for.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_core::model::MirrorCounts;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::answer::Answer;
use super::budget::Slot;
use super::case::{Case, Others};
use super::send::{Letter, send};
use super::tap::{Drawn, Spilled};
use crate::descriptors::Descriptors;
use crate::limits::Limits;
use crate::upstream::Kept;

/// Well below the time that somebody waits for what is kept here.
const SWEEP_EVERY: Duration = Duration::from_millis(200);

/// The way to the thread. It ends when the last of these is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Post(mpsc::UnboundedSender<Errand>);

/// One copy. Budgets bound how many are under way.
pub(super) struct Errand {
    pub(super) letter: Letter,
    /// For who answers the client, a second time.
    pub(super) again: Option<(Letter, Slot)>,
    pub(super) body: Parcel,
    pub(super) case: Case,
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
    pub(crate) fn start(limits: Limits, descriptors: Arc<Descriptors>) -> io::Result<Post> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (to, errands) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("mirror".to_owned());
        thread.spawn(move || LocalSet::new().block_on(&runtime, work(errands, limits, descriptors)))?;
        Ok(Post(to))
    }

    pub(super) fn send(&self, errand: Errand) {
        // The thread is there for as long as this is.
        let _ = self.0.send(errand);
    }
}

async fn work(mut errands: mpsc::UnboundedReceiver<Errand>, limits: Limits, descriptors: Arc<Descriptors>) {
    let kept = Rc::new(Kept::for_copies(limits, descriptors.clone()));
    let mut gave_way = descriptors.wanted();
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(errand) => drop(tokio::task::spawn_local(run(errand, kept.clone(), limits))),
                None => return,
            },
            _ = sweep.tick() => {
                let wanted = descriptors.wanted();
                // All that copies have goes beyond claims.
                if std::mem::replace(&mut gave_way, wanted) != wanted {
                    kept.clear();
                }
                kept.sweep();
            }
        }
    }
}

/// One copy from its body to what came of it.
async fn run(errand: Errand, kept: Rc<Kept>, limits: Limits) {
    let Errand { letter, again, body, case } = errand;
    let drawn = match body {
        Parcel::Empty(slot) => Ok(Ok((Bytes::new(), slot))),
        Parcel::Awaited(drawn) => drawn.await,
    };
    let what: fn(&mut MirrorCounts) -> &mut u64 = match drawn {
        Ok(Ok((body, slot))) => {
            let others = ask((&letter, again), body, &kept, (limits, case.stable_first())).await;
            drop(slot);
            return case.settle(others, limits.mirror).await;
        }
        Ok(Err(Spilled::TooLarge)) => |counts| &mut counts.too_large,
        Ok(Err(Spilled::NoRoom)) => |counts| &mut counts.dropped,
        Err(_) => |counts| &mut counts.incomplete,
    };
    case.ledger().count(what);
}

/// Sends the copy, and beside it the same request once more where that is wanted.
async fn ask(
    (letter, again): (&Letter, Option<(Letter, Slot)>),
    body: Bytes,
    kept: &Rc<Kept>,
    (limits, stable_first): (Limits, bool),
) -> Others {
    let copy = send(letter, body.clone(), kept, limits);
    let Some((letter, slot)) = again else { return Others { copy: copy.await, again: None } };
    let again = send(&letter, body, kept, limits);
    let (copy, again) = both(copy, again, stable_first).await;
    drop(slot);
    Others { copy, again: Some(again) }
}

/// Both at the same time; who begins is said, as being the first to be asked may matter.
async fn both(
    copy: impl Future<Output = Option<Answer>>,
    again: impl Future<Output = Option<Answer>>,
    stable_first: bool,
) -> (Option<Answer>, Option<Answer>) {
    if stable_first {
        let (again, copy) = tokio::join!(again, copy);
        return (copy, again);
    }
    tokio::join!(copy, again)
}

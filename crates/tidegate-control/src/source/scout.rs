//! Looks at repositories whenever one is due: a few at a time, each on a thread of its own, never one of them twice at once.
//!
//! Started by the wiring of `tidegate up`. It decides nothing: when a look is due is said by [`tidegate_core::source`], what it means
//! by [`super::look`].

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tidegate_core::event::Event;
use tidegate_core::health::backoff::seed_of;
use tidegate_core::model::{GitSource, Name};
use tidegate_core::source::{after_failure, after_look};
use tidegate_store::{Store, StoreError};

use super::keys;
use super::look::{Looked, look};
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::git::GitRepositories;
use crate::handle::Handle;
use crate::plane::Refusal;
use crate::run::Published;

/// The longest sleep between two rounds.
const PERIOD: Duration = Duration::from_secs(1);
/// Looks at the same time.
const AT_ONCE: usize = 4;
/// The most sentences of one look in the timeline.
const MOST_NEWS: usize = 50;
/// The longest sentence about a failure, in characters.
const LONGEST_ERROR: usize = 500;

/// The scout.
pub struct Scout {
    /// Weak, so that it keeps nothing open once the server has ended.
    handle: Weak<Handle>,
    published: Published,
    repositories: GitRepositories,
    /// The apps whose repositories are being looked at.
    busy: Arc<Mutex<BTreeSet<Name>>>,
}

impl Scout {
    /// Starts it on a thread of its own, with a look at every repository. It ends with the handle.
    ///
    /// # Errors
    /// The file system's, or where there is no thread to be had.
    pub fn start(handle: &Arc<Handle>, repositories: GitRepositories) -> io::Result<()> {
        let begun = handle.ask(|world, time| begin(world.store, time).map_err(store_trouble));
        let sources = begun.map_err(io::Error::other)?;
        keys::keep_only(handle.data(), &sources)?;
        let published = handle.published().clone();
        let scout = Scout { handle: Arc::downgrade(handle), published, repositories, busy: Arc::default() };
        std::thread::Builder::new().name("scout".to_owned()).spawn(move || scout.go_on()).map(drop)
    }

    fn go_on(self) {
        let mut seen = 0;
        loop {
            seen = self.published.wait_for_event(seen, PERIOD);
            let Some(handle) = self.handle.upgrade() else { return };
            if let Err(refusal) = self.round(&handle) {
                tracing::warn!(error = %refusal, "repositories at other hosts wait");
                drop(handle);
                std::thread::sleep(PERIOD);
            }
        }
    }

    fn round(&self, handle: &Arc<Handle>) -> Result<(), Refusal> {
        let sources = handle.read(|answers| answers.store.git_sources().map_err(store_trouble))?;
        for source in sources.iter().filter(|source| self.is_due(source)) {
            if let Some(seat) = self.seat(&source.app) {
                self.send(handle, seat);
            }
        }
        Ok(())
    }

    fn is_due(&self, source: &GitSource) -> bool {
        source.state.due.is_some_and(|due| due <= self.published.state().now)
    }

    /// A seat for an app; `None` where there is none, or where its repository is being looked at.
    fn seat(&self, app: &Name) -> Option<Seat> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = busy.len() < AT_ONCE && busy.insert(app.clone());
        taken.then(|| Seat { busy: Arc::clone(&self.busy), app: app.clone() })
    }

    fn send(&self, handle: &Arc<Handle>, seat: Seat) {
        let (handle, repositories) = (Arc::clone(handle), self.repositories.clone());
        let going = move || {
            if let Err(error) = one_look(&handle, &repositories, &seat.app) {
                tracing::warn!(%error, "what a look found could not be kept: it is looked again");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("look".to_owned()).spawn(going) {
            tracing::warn!(%error, "a repository could not be looked at");
        }
    }
}

/// Looks at what is known of it now that nobody else does.
fn one_look(handle: &Handle, repositories: &GitRepositories, app: &Name) -> Result<(), Refusal> {
    let source = handle.read(|answers| answers.store.git_source(app).map_err(store_trouble))?;
    let Some(source) = source.filter(|source| source.state.due.is_some()) else { return Ok(()) };
    let looked = look(handle, repositories, &source);
    handle.ask(move |world, time| settle(world.store, time, &source, looked).map_err(store_trouble))
}

/// A look in progress; over when it is dropped, by a panic as well.
struct Seat {
    busy: Arc<Mutex<BTreeSet<Name>>>,
    app: Name,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.app);
    }
}

/// Has every repository looked at: a webhook may have come to nobody meanwhile.
fn begin(store: &mut Store, time: Time) -> Result<Vec<GitSource>, StoreError> {
    let mut sources = store.git_sources()?;
    sources.iter_mut().for_each(|source| source.state.due = Some(time.now));
    store.transaction(|tx| sources.iter().try_for_each(|source| tx.put_git_source(source)))?;
    Ok(sources)
}

/// Keeps what a look found, and when the next one is due. `before`: the repository as it was when the look began.
pub(super) fn settle(
    store: &mut Store,
    time: Time,
    before: &GitSource,
    looked: Looked,
) -> Result<(), StoreError> {
    let current = store.git_source(&before.app)?.filter(|source| source.id == before.id);
    // Disconnected or connected anew meanwhile: then this look is nobody's.
    let Some(mut source) = current else { return Ok(()) };
    let events = events(before, &looked);
    let state = &mut source.state;
    state.heads.retain(|branch, _| !looked.gone.contains(branch));
    state.heads.extend(looked.heads);
    let asked_again = state.due != before.state.due;
    let seed = seed_of(source.app.as_str());
    let next = match looked.error {
        None => {
            state.hints.retain(|branch, hint| before.state.hints.get(branch) != Some(hint));
            state.looked_at_unix_ms = Some(time.unix_ms);
            (state.failures, state.error) = (0, None);
            after_look(source.poll, time.now, seed)
        }
        Some(error) => {
            state.failures = state.failures.saturating_add(1);
            state.error = Some(line(&error));
            Some(after_failure(source.poll, state.failures, time.now, seed))
        }
    };
    state.due = if asked_again { Some(time.now) } else { next };
    store.transaction(|tx| {
        tx.put_git_source(&source)?;
        events.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))
    })
}

fn events(before: &GitSource, looked: &Looked) -> Vec<Event> {
    let about = |kind: &str, message: String| Event::of_app(before.app.as_str(), kind, message);
    let mut events: Vec<Event> =
        looked.news.iter().take(MOST_NEWS).map(|news| about("git.fetched", news.clone())).collect();
    match (&before.state.error, &looked.error) {
        (None, Some(error)) => {
            let message = format!("{} could not be read: {}", before.address, line(error));
            events.push(about("git.unreachable", message));
        }
        (Some(_), None) => {
            events.push(about("git.reachable", format!("{} can be read again", before.address)));
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    events
}

/// What a host said, on one line.
fn line(error: &str) -> String {
    error.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_ERROR).collect()
}

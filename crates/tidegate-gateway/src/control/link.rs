//! The control plane's end of the control socket: a thread that stays connected, sends the newest table and keeps what
//! the gateway said. Its methods never wait for the gateway.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_core::model::{ArmCounts, ArmRole, GatewayObservation, RouteChange, RouteCounts, RouteTable};
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Notify, mpsc};

use super::lines;
use super::protocol::{Command, Message, Told};

/// Called when something changed that a reconciler may wait for. Must return quickly.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

const RECONNECT_EVERY: Duration = Duration::from_millis(50);
/// In tenths of that.
const COMES_BACK_WITHIN: u32 = 40;

/// A link to the gateway of one directory. Dropping it ends its thread.
#[derive(Debug)]
pub struct GatewayLink {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    waker: Waker,
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Default)]
struct State {
    seen: GatewayObservation,
    /// Why the newest table was refused.
    refused: Option<String>,
    table: Option<Arc<RouteTable>>,
    /// Changes with every push: tells a table that was sent from one that was not.
    serial: u64,
    /// What the gateway that is connected can do.
    able: Able,
    /// What it said of its next report.
    pieces: (Vec<ArmCounts>, Vec<RouteCounts>),
    /// It wants the newest table whole.
    whole: bool,
    shutdown: Option<Duration>,
    dropped: bool,
}

/// What a gateway says of itself in its hello; older ones say less.
#[derive(Clone, Copy, Debug, Default)]
struct Able {
    /// It takes changes of a table.
    changes: bool,
    /// And, in those, routes by their places.
    places: bool,
    /// It gives a report in pieces.
    pieces: bool,
}

impl GatewayLink {
    /// Starts the thread. `dir` is the gateway's directory; the gateway need not run yet.
    pub fn start(dir: &Path, waker: Waker) -> io::Result<GatewayLink> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { dir: dir.to_owned(), waker, state, wanted: Notify::new() });
        let theirs = shared.clone();
        let stay = move || runtime.block_on(stay_connected(&theirs));
        std::thread::Builder::new().name("gateway-link".to_owned()).spawn(stay)?;
        Ok(GatewayLink { shared })
    }

    /// Has the gateway use this table as soon as it can. Only the newest is kept; it is sent again after every
    /// reconnect. An acknowledgement shows in [`GatewayLink::observe`].
    pub fn push(&self, table: &RouteTable) {
        let mut state = self.shared.lock();
        if state.table.as_deref() == Some(table) && state.seen.alive && state.refused.is_none() {
            return; // sent, or about to be
        }
        state.table = Some(Arc::new(table.clone()));
        state.refused = None;
        state.serial += 1;
        self.shared.wanted.notify_one();
    }

    /// What the gateway last said. While `alive` is false the rest is what it said before it was lost.
    pub fn observe(&self) -> GatewayObservation {
        self.shared.lock().seen.clone()
    }

    /// Why the gateway refused the newest table, where it did.
    pub fn refusal(&self) -> Option<String> {
        self.shared.lock().refused.clone()
    }

    /// Tells the gateway to finish what is in flight, for at most `drain`, and to end. Does not wait for it.
    pub fn shutdown(&self, drain: Duration) {
        self.shared.lock().shutdown = Some(drain);
        self.shared.wanted.notify_one();
    }
}

impl Drop for GatewayLink {
    fn drop(&mut self) {
        self.shared.lock().dropped = true;
        self.shared.wanted.notify_one();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dropped(&self) -> bool {
        self.lock().dropped
    }

    /// Takes in a message; whether a reconciler may have waited for it.
    fn on_message(&self, message: Message) -> bool {
        let mut state = self.lock();
        match message {
            Message::Hello {
                pid,
                listen,
                https,
                guests,
                epoch,
                inflight,
                takes_changes,
                takes_places,
                gives_pieces,
                ..
            } => {
                state.able = Able { changes: takes_changes, places: takes_places, pieces: gives_pieces };
                state.pieces = Default::default();
                let (counts, counted_at) = (state.seen.counts.take(), state.seen.counted_at);
                let mirrors = std::mem::take(&mut state.seen.mirrors);
                let earlier_counts = std::mem::take(&mut state.seen.earlier_counts);
                let waiting = std::mem::take(&mut state.seen.waiting);
                let (pid, listen) = (Some(pid), Some(listen));
                state.seen = GatewayObservation {
                    alive: true,
                    pid,
                    listen,
                    https,
                    guests,
                    acked: epoch,
                    inflight,
                    counts,
                    counted_at,
                    mirrors,
                    earlier_counts,
                    waiting,
                };
                true
            }
            Message::Ack { epoch, inflight } => {
                (state.seen.acked, state.seen.inflight) = (epoch, inflight);
                true
            }
            Message::Refused { epoch, why, .. } => {
                if state.table.as_ref().is_some_and(|table| table.epoch == epoch) {
                    state.refused = Some(why);
                }
                true
            }
            Message::Whole { .. } => {
                state.whole = true;
                false
            }
            Message::Piece { rows, routes } => {
                state.pieces.0.extend(rows);
                state.pieces.1.extend(routes);
                false
            }
            Message::Report {
                epoch,
                inflight,
                mut counts,
                in_pieces,
                earlier,
                same_earlier,
                mirrors,
                waiting,
            } => {
                let (rows, routes) = std::mem::take(&mut state.pieces);
                if in_pieces {
                    (counts.rows, counts.routes) = (rows, routes);
                }
                let woken = waiting.keys().any(|name| !state.seen.waiting.contains_key(name));
                let idle = state.seen.inflight.keys().any(|id| !inflight.contains_key(id));
                // A candidate is judged each second.
                let judged = state.table.as_deref().is_some_and(has_a_candidate);
                (state.seen.acked, state.seen.inflight) = (epoch, inflight);
                (state.seen.counts, state.seen.counted_at) = (Some(counts), epoch);
                state.seen.mirrors = mirrors;
                if !same_earlier {
                    state.seen.earlier_counts = earlier;
                }
                state.seen.waiting = waiting;
                idle || judged || woken
            }
        }
    }

    fn on_disconnect(&self) {
        let was = std::mem::replace(&mut self.lock().seen.alive, false);
        if was {
            (self.waker)();
        }
    }
}

fn has_a_candidate(table: &RouteTable) -> bool {
    table.upstreams.values().flat_map(|upstream| &upstream.arms).any(|arm| arm.role == ArmRole::Candidate)
}

async fn stay_connected(shared: &Arc<Shared>) {
    while !shared.dropped() {
        let comes_back = match connect(&shared.dir) {
            Ok(stream) => {
                if let Err(error) = converse(shared, stream).await {
                    tracing::debug!(%error, "the gateway's control connection ended");
                }
                comes_back(shared).await
            }
            // Also where it seemed to come back, and it was the socket of one that had not quite ended.
            Err(_) => false,
        };
        if !comes_back {
            shared.on_disconnect();
        }
        tokio::time::sleep(RECONNECT_EVERY).await;
    }
}

/// Whether there is a gateway again at once: one that was given the place of another.
async fn comes_back(shared: &Shared) -> bool {
    for _ in 0..COMES_BACK_WITHIN {
        if shared.dropped() || connect(&shared.dir).is_ok() {
            return true;
        }
        tokio::time::sleep(RECONNECT_EVERY / 10).await;
    }
    false
}

fn connect(dir: &Path) -> io::Result<UnixStream> {
    let stream = tidegate_os::socket::connect(&dir.join("control.sock"))?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

async fn converse(shared: &Arc<Shared>, stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    // Reading a line cannot be broken off half-way: it has a task of its own.
    let (hear, mut heard) = mpsc::channel(16);
    let reading = tokio::spawn(async move {
        let mut reader = BufReader::new(reader);
        while let Ok(Some(message)) = lines::read::<Message>(&mut reader).await {
            if hear.send(message).await.is_err() {
                return;
            }
        }
    });
    let result = talk(shared, &mut writer, &mut heard).await;
    reading.abort();
    result
}

async fn talk(
    shared: &Arc<Shared>,
    writer: &mut OwnedWriteHalf,
    heard: &mut mpsc::Receiver<Message>,
) -> io::Result<()> {
    // Its hello says it anew.
    shared.lock().able = Able::default();
    let mut takes_pieces = false;
    // The last table it was told on this connection, and its number.
    let mut told: Option<(u64, Arc<RouteTable>)> = None;
    loop {
        let (table, serial, shutdown, dropped, able) = {
            let mut state = shared.lock();
            if std::mem::take(&mut state.whole) {
                told = None;
            }
            let shutdown = state.shutdown.take();
            (state.table.clone(), state.serial, shutdown, state.dropped, state.able)
        };
        if dropped && shutdown.is_none() {
            return Ok(());
        }
        if able.pieces && !takes_pieces {
            lines::write(writer, &Command::TakesPieces).await?;
            takes_pieces = true;
        }
        // To take a large table apart takes longer than the gateway needs for a change: not before its answer.
        let mut _before = None;
        if let Some(table) = table.filter(|_| told.as_ref().is_none_or(|(known, _)| *known != serial)) {
            match told.as_ref().filter(|_| able.changes) {
                Some((_, before)) => {
                    let change = RouteChange::between(before, &table);
                    let change = if able.places { change } else { change.with_all_routes(&table) };
                    lines::write(writer, &Told::Change(&change)).await?;
                }
                None => lines::write(writer, &Told::Apply(&table)).await?,
            }
            _before = told.replace((serial, table));
        }
        if let Some(drain) = shutdown {
            lines::write(writer, &Command::Shutdown { drain_ms: drain.as_millis() as u64 }).await?;
        }
        tokio::select! {
            message = heard.recv() => match message {
                Some(message) => if shared.on_message(message) { (shared.waker)() },
                None => return Ok(()),
            },
            () = shared.wanted.notified() => {}
        }
    }
}

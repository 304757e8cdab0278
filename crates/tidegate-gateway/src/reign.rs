//! A gateway from the moment its workers accept to its end: it leads them by the control socket, and ends by draining, told
//! to or because another gateway took its place.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::model::{RouteTable, ServiceSpec, Upstream};
use tidegate_core::shared::Shared;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};

use crate::control::server;
use crate::epochs::Epochs;
use crate::gateway::{GatewayError, Hired, file_error};
use crate::guest::Guest;
use crate::handover::{self, Elder, Estate, Given};
use crate::worker::{Drain, Order};

/// How long requests in flight may take when the process is told to end by a signal.
const SIGNAL_DRAIN: Duration = Duration::from_secs(30);
/// How long quiet connections are kept open when the gateway ends for good: a client may be sending a request.
const LAST_CALL: Duration = Duration::from_millis(300);

/// See the module.
pub(crate) struct Reign {
    pub(crate) dir: PathBuf,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) idle: Arc<Notify>,
    pub(crate) workers: Vec<Hired>,
    pub(crate) guest: Option<Arc<dyn Guest>>,
    pub(crate) estate: Estate,
}

/// Why it ends.
enum Ending {
    Told(Duration),
    Succeeded(Given),
}

impl Reign {
    /// Serves to the end. `elder`: whose place this gateway takes.
    pub(crate) async fn run(mut self, elder: Option<Elder>) -> Result<(), GatewayError> {
        if let Some(elder) = elder {
            elder.succeed(&self.epochs).await.map_err(GatewayError::Handover)?;
        }
        handover::step("confirmed");
        self.estate.lock.sign(std::process::id())?;
        let control = self.bind("control.sock")?;
        let handover = self.bind(handover::SOCKET)?;
        handover::step("bound");
        let Reign { dir, epochs, idle, workers, guest, estate } = self;
        let estate = Arc::new(estate);
        let (end, mut ended) = mpsc::channel(1);
        tokio::spawn(reopen_when_told(signal(SignalKind::user_defined1())?, epochs.clone()));
        let ending = tokio::select! {
            result = server::serve(control, epochs.clone(), idle.clone(), end.clone()) => {
                Ending::Told(result.map(|()| SIGNAL_DRAIN)?)
            }
            given = handover::serve(handover, estate.clone(), epochs.clone()) => Ending::Succeeded(given?),
            Some(drain) = ended.recv() => Ending::Told(drain),
            signalled = signalled() => Ending::Told(signalled.map(|()| SIGNAL_DRAIN)?),
        };
        epochs.on_drain();
        match ending {
            Ending::Told(drain) => {
                tracing::info!(drain_ms = drain.as_millis() as u64, "gateway ends");
                // The lock stays; the listening sockets go with the workers', so that nobody waits in a queue for nothing.
                let lock = estate.lock.share()?;
                drop(estate);
                send_away(&workers, Drain::for_good(drain));
                let (joined, (), ()) =
                    tokio::join!(join(workers), epochs.elders.end(drain), bid_farewell(guest));
                // Before the lock is released: afterwards another gateway may have its own sockets there.
                for name in ["control.sock", handover::SOCKET] {
                    let _ = fs::remove_file(dir.join(name));
                }
                drop(lock);
                Ok(joined?)
            }
            Ending::Succeeded(Given { stream, drain, hold }) => {
                epochs.on_succeeded();
                // The successor has them: closing ours takes nothing from anybody.
                drop((estate, hold));
                let longest = drain.max(longest_drain(&epochs.table()));
                tracing::info!(drain_ms = longest.as_millis() as u64, "gateway drains for its successor");
                send_away(&workers, Drain::for_a_successor(drain, longest));
                let drained = drain_behind(stream, (dir, epochs, idle), (end, ended), workers);
                let (drained, ()) = tokio::join!(drained, bid_farewell(guest));
                Ok(drained?)
            }
        }
    }

    fn bind(&self, name: &str) -> Result<std::os::unix::net::UnixListener, GatewayError> {
        let path = self.dir.join(name);
        tidegate_os::socket::bind(&path).map_err(|source| file_error(&path, source))
    }
}

/// Drains while the successor serves, obeying it; tells it the last counts at the end.
async fn drain_behind(
    stream: std::os::unix::net::UnixStream,
    (dir, epochs, idle): (PathBuf, Arc<Epochs>, Arc<Notify>),
    (end, mut ended): (mpsc::Sender<Duration>, mpsc::Receiver<Duration>),
    workers: Vec<Hired>,
) -> io::Result<()> {
    let (over, is_over) = watch::channel(false);
    let orders: Vec<_> = workers.iter().map(|worker| worker.orders.clone()).collect();
    let hurried = async {
        loop {
            let drain = tokio::select! {
                Some(drain) = ended.recv() => drain,
                _ = signalled() => SIGNAL_DRAIN,
            };
            let drain = Drain::for_good(drain);
            for worker in &orders {
                let _ = worker.send(Order::Drain(drain));
            }
        }
    };
    let working = async {
        let joined = tokio::select! {
            joined = join(workers) => joined,
            () = hurried => Ok(()),
        };
        over.send_replace(true);
        joined
    };
    let (joined, ()) = tokio::join!(working, handover::follow(stream, &dir, (&epochs, &idle), &end, is_over));
    joined
}

impl Drain {
    /// Nobody serves here afterwards.
    fn for_good(drain: Duration) -> Self {
        let now = Instant::now();
        Drain { until: now + drain, last_call: now + LAST_CALL, usual: drain }
    }

    /// Another gateway serves: what is in flight may take `longest`, and whoever holds a quiet connection learns with its
    /// next answer that it closes, so that no request can cross the close.
    fn for_a_successor(usual: Duration, longest: Duration) -> Self {
        let now = Instant::now();
        Drain { until: now + longest, last_call: now + usual * 9 / 10, usual }
    }
}

/// How long the service that gives its requests the most time gives them: an upgrade is to take none of that away.
fn longest_drain(table: &RouteTable) -> Duration {
    let of = |upstream: &Shared<Upstream>| upstream.drain.unwrap_or(ServiceSpec::DRAIN).0;
    Duration::from_millis(table.upstreams.values().map(of).max().unwrap_or(0))
}

fn send_away(workers: &[Hired], drain: Drain) {
    for worker in workers {
        // A worker that is gone already has nothing to drain.
        let _ = worker.orders.send(Order::Drain(drain));
    }
}

/// Whoever follows the guest goes to the successor at once, and what it is asked is answered soon.
async fn bid_farewell(guest: Option<Arc<dyn Guest>>) {
    let Some(guest) = guest else { return };
    // A guest that fails to end does not keep the gateway.
    let _ = tokio::task::spawn_blocking(move || guest.end()).await;
}

async fn join(workers: Vec<Hired>) -> io::Result<()> {
    let join = move || {
        workers
            .into_iter()
            .try_for_each(|worker| worker.thread.join().map_err(|_| io::Error::other("a worker panicked"))?)
    };
    tokio::task::spawn_blocking(join).await.map_err(io::Error::other)?
}

/// Whoever moves log files away says so by SIGUSR1.
async fn reopen_when_told(mut told: Signal, epochs: Arc<Epochs>) {
    while told.recv().await.is_some() {
        epochs.log().reopen();
    }
}

async fn signalled() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

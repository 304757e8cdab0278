//! The gateway process: takes its directory, starts the workers, speaks with the control plane, and ends in order.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_os::lock::{Lock, LockError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use crate::control::server;
use crate::epochs::{Epochs, TABLE_FILE, load_table};
use crate::limits::Limits;
use crate::listen;
use crate::registry::Registry;
use crate::worker::{self, Order, Setup};

/// How long requests in flight may take when the process is told to end by a signal.
const SIGNAL_DRAIN: Duration = Duration::from_secs(30);

/// What a gateway needs to know at start.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Its directory, `<data>/gateway`: lock, control socket, last routing table.
    pub dir: PathBuf,
    /// Where it listens for users' requests. Port 0: any free one, told in the `hello` of the control socket.
    pub listen: SocketAddr,
    /// How many workers; at least one is started.
    pub workers: usize,
}

/// Why a gateway did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Another gateway has the directory.
    #[error("another gateway (process {pid}) runs in {dir}")]
    Held {
        /// Who.
        pid: u32,
        /// The directory.
        dir: PathBuf,
    },
    /// A file of the directory cannot be used.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The table on disk is not one: somebody else's file, or a torn one.
    #[error("{path} holds no routing table: {why}")]
    Table {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The machine gave no thread or event queue.
    #[error("the machine refused a thread or an event queue: {0}")]
    Machine(#[from] io::Error),
}

/// Runs a gateway until it is told to end, by SIGTERM, SIGINT or its control socket.
pub fn gateway_main(config: GatewayConfig) -> Result<(), GatewayError> {
    gateway_run(config, Limits::default())
}

/// As [`gateway_main`], with limits of the caller's own.
pub fn gateway_run(config: GatewayConfig, limits: Limits) -> Result<(), GatewayError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        |source| GatewayError::File { path, source }
    };
    fs::create_dir_all(&config.dir).map_err(file(&config.dir))?;
    let _lock = take_lock(&config.dir)?;
    let table = load_table(&config.dir.join(TABLE_FILE))?;
    let workers = config.workers.max(1);
    let listen_error = |source| GatewayError::Listen { address: config.listen, source };
    let listeners = listen::bind_all(config.listen, workers).map_err(listen_error)?;
    let address = listeners[0].local_addr().map_err(listen_error)?;
    let socket = config.dir.join("control.sock");
    let control = tidegate_os::socket::bind(&socket).map_err(file(&socket))?;

    let idle = Arc::new(Notify::new());
    let mut registry = Registry::new(workers, idle.clone());
    let compiled = Arc::new(registry.compile(&table));
    let unrouted = Arc::new(AtomicU64::new(0));
    let mut orders = Vec::with_capacity(workers);
    let mut threads = Vec::with_capacity(workers);
    for (index, listener) in listeners.into_iter().enumerate() {
        let (order, receive) = mpsc::unbounded_channel();
        let (table, unrouted) = (compiled.clone(), unrouted.clone());
        let setup = Setup { index, listener, table, limits, unrouted, orders: receive };
        threads
            .push(std::thread::Builder::new().name(format!("worker-{index}")).spawn(|| worker::run(setup))?);
        orders.push(order);
    }
    let epochs = Arc::new(Epochs::new(config.dir, address, registry, table, orders.clone(), unrouted));
    tracing::info!(%address, workers, epoch = epochs.epoch(), "gateway listens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let drain = runtime.block_on(attend(control, epochs, idle))?;
    end(orders, threads, drain)?;
    // After the lock is released another gateway may have its own socket there.
    let _ = fs::remove_file(&socket);
    Ok(())
}

fn take_lock(dir: &Path) -> Result<Lock, GatewayError> {
    let path = dir.join("lock");
    Lock::acquire(&path).map_err(|error| match error {
        LockError::Held { pid } => GatewayError::Held { pid, dir: dir.to_owned() },
        LockError::Io(source) => GatewayError::File { path, source },
    })
}

/// Serves the control socket until somebody ends the gateway; returns how long it may drain.
async fn attend(
    control: std::os::unix::net::UnixListener,
    epochs: Arc<Epochs>,
    idle: Arc<Notify>,
) -> io::Result<Duration> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (end, mut ended) = mpsc::channel(1);
    tokio::select! {
        result = server::serve(control, epochs, idle, end) => result.map(|()| SIGNAL_DRAIN),
        Some(drain) = ended.recv() => Ok(drain),
        _ = terminate.recv() => Ok(SIGNAL_DRAIN),
        _ = interrupt.recv() => Ok(SIGNAL_DRAIN),
    }
}

fn end(
    orders: Vec<mpsc::UnboundedSender<Order>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    drain: Duration,
) -> io::Result<()> {
    tracing::info!(drain_ms = drain.as_millis() as u64, "gateway ends");
    let deadline = Instant::now() + drain;
    for order in &orders {
        // A worker that is gone already has nothing to drain.
        let _ = order.send(Order::Drain(deadline));
    }
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
    }
    Ok(())
}

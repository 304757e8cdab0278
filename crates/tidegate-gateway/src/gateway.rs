//! The gateway process: takes its directory, starts the workers, speaks with the control plane, and ends in order.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tidegate_os::lock::{Lock, LockError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use crate::assign::Secret;
use crate::control::server;
use crate::count::Front;
use crate::door::Sockets;
use crate::epochs::{Epochs, Places, TABLE_FILE, load_table};
use crate::geo::{self, Geo};
use crate::limits::Limits;
use crate::listen;
use crate::mirror::Post;
use crate::observe::{self, Observe, Observer};
use crate::registry::Registry;
use crate::route::Table;
use crate::tls::{Acme, AcmeConfig, Challenges, LocalCa, Shelf, Source, Status, Supply, Tls, Watch};
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
    /// Where clients are: a database of countries or cities in MaxMind's format. `None`: `geo.mmdb` in `dir`, if it is there.
    pub geo: Option<PathBuf>,
    /// What it tells of requests.
    pub observe: Observe,
    /// Where it listens for users' requests under TLS; `None`: nowhere.
    pub https: Option<SocketAddr>,
    /// Where certificates are: `<certs>/<host>/cert.pem` and `key.pem`.
    pub certs: PathBuf,
    /// Whose PROXY headers are believed and required. Empty: nobody's, and there are none.
    pub proxies: Vec<IpNet>,
    /// Routed hosts without a certificate get one of this authority, from ACME first.
    pub acme: Option<AcmeConfig>,
    /// The directory of the local authority that makes certificates for routed hosts without one.
    pub local_ca: Option<PathBuf>,
}

impl GatewayConfig {
    /// One worker without TLS.
    pub fn new(dir: PathBuf, listen: SocketAddr) -> Self {
        let (certs, observe) = (dir.join("certs"), Observe::default());
        GatewayConfig {
            dir,
            listen,
            workers: 1,
            geo: None,
            observe,
            https: None,
            certs,
            proxies: Vec::new(),
            acme: None,
            local_ca: None,
        }
    }
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
    fs::create_dir_all(&config.dir).map_err(|source| file_error(&config.dir, source))?;
    let _lock = take_lock(&config.dir)?;
    let table = load_table(&config.dir.join(TABLE_FILE))?;
    let secret = Secret::load_or_make(&config.dir)
        .map_err(|error| GatewayError::File { path: error.path, source: error.source })?;
    let count = config.workers.max(1);
    let (plain, address) = listen_all(config.listen, count)?;
    let (tls, https) = config.https.map(|https| listen_all(https, count)).transpose()?.unzip();
    let (shelf, challenges) = (Arc::new(Shelf::default()), Arc::new(Challenges::default()));
    let shared = Arc::new(Tls::new(shelf.clone(), challenges.clone(), limits.handshake)?);
    let sockets = sockets(plain, tls, &shared, &config.proxies);
    let supply = https.map(|_| supply(&config, &shelf, &challenges, &shared)).transpose()?;
    let watch = https.map(|_| Watch::new(config.certs, shelf));
    let socket = config.dir.join("control.sock");
    let control = tidegate_os::socket::bind(&socket).map_err(|source| file_error(&socket, source))?;

    let idle = Arc::new(Notify::new());
    let front = Front::new(count);
    let (observers, writer) = observe::open(&config.observe, count, front.log())?;
    let mut registry = Registry::new(count, limits, secret, idle.clone());
    let compiled = Arc::new(registry.compile(&table));
    let geo = Arc::new(Geo::open(config.geo.unwrap_or_else(|| config.dir.join(geo::FILE))));
    let sockets = sockets.into_iter().zip(observers).collect();
    let post = Post::start(limits)?;
    let workers = start_workers(sockets, &compiled, limits, (&front, &geo, &post, &challenges))?;
    drop(post);
    let orders: Vec<_> = workers.iter().map(|worker| worker.orders.clone()).collect();
    let places = Places { address, https };
    let epochs = Arc::new(Epochs::new(config.dir, places, registry, table, orders, front));
    tracing::info!(%address, ?https, workers = workers.len(), epoch = epochs.epoch(), "gateway listens");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.spawn(geo::watch(geo));
    if let Some(address) = config.observe.metrics {
        runtime.spawn(observe::metrics::serve(address, epochs.clone()));
    }
    if let Some(supply) = supply {
        runtime.spawn(supply.keep(epochs.clone()));
    }
    let drain = runtime.block_on(attend(control, epochs, idle, watch))?;
    end(workers, drain)?;
    if let Some(writer) = writer {
        writer.finish();
    }
    // Before the lock is released: afterwards another gateway may have its own socket there.
    let _ = fs::remove_file(&socket);
    Ok(())
}

/// A worker as the control side holds it.
struct Hired {
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<io::Result<()>>,
}

fn listen_all(listen: SocketAddr, workers: usize) -> Result<(Vec<TcpListener>, SocketAddr), GatewayError> {
    let error = |source| GatewayError::Listen { address: listen, source };
    let listeners = listen::bind_all(listen, workers).map_err(error)?;
    let address = listeners[0].local_addr().map_err(error)?;
    Ok((listeners, address))
}

/// Who sees to it that routed hosts have certificates.
fn supply(
    config: &GatewayConfig,
    shelf: &Arc<Shelf>,
    challenges: &Arc<Challenges>,
    tls: &Tls,
) -> Result<Supply, GatewayError> {
    let source = match (&config.acme, &config.local_ca) {
        (Some(acme), _) => {
            Source::Acme(Arc::new(Acme::new(acme.clone(), config.dir.join("acme"), challenges.clone())))
        }
        (None, Some(dir)) => {
            let ca = LocalCa::open_or_make(dir);
            Source::Dev(Box::new(ca.map_err(|error| file_error(dir, io::Error::other(error)))?))
        }
        (None, None) => Source::None,
    };
    let status = Status::new(&config.dir, tls.counts().clone());
    Ok(Supply::new(source, config.certs.clone(), shelf.clone(), status))
}

/// Each worker's share of the listeners.
fn sockets(
    plain: Vec<TcpListener>,
    tls: Option<Vec<TcpListener>>,
    shared: &Arc<Tls>,
    proxies: &[IpNet],
) -> Vec<Sockets> {
    let proxies: Arc<[IpNet]> = proxies.into();
    let tls = tls.unwrap_or_default().into_iter().map(|listener| Some((listener, shared.clone())));
    let tls = tls.chain(std::iter::repeat_with(|| None));
    plain.into_iter().zip(tls).map(|(plain, tls)| Sockets { plain, tls, proxies: proxies.clone() }).collect()
}

fn start_workers(
    sockets: Vec<(Sockets, Observer)>,
    table: &Arc<Table>,
    limits: Limits,
    (front, geo, post, challenges): (&Front, &Arc<Geo>, &Post, &Arc<Challenges>),
) -> io::Result<Vec<Hired>> {
    let workers = sockets.len();
    let start = |(index, (sockets, observer)): (usize, _)| {
        let (orders, receive) = mpsc::unbounded_channel();
        let (table, tally, geo) = (table.clone(), front.tally(index), geo.clone());
        let (post, challenges) = (post.clone(), challenges.clone());
        let setup = Setup {
            index,
            workers,
            sockets,
            challenges,
            table,
            limits,
            tally,
            observer,
            geo,
            post,
            orders: receive,
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}"));
        Ok(Hired { orders, thread: thread.spawn(|| worker::run(setup))? })
    };
    sockets.into_iter().enumerate().map(start).collect()
}

fn file_error(path: &Path, source: io::Error) -> GatewayError {
    GatewayError::File { path: path.to_owned(), source }
}

fn take_lock(dir: &Path) -> Result<Lock, GatewayError> {
    let path = dir.join("lock");
    Lock::acquire(&path).map_err(|error| match error {
        LockError::Held { pid } => GatewayError::Held { pid, dir: dir.to_owned() },
        LockError::Io(source) => file_error(&path, source),
    })
}

/// Serves the control socket until somebody ends the gateway; returns how long it may drain.
async fn attend(
    control: std::os::unix::net::UnixListener,
    epochs: Arc<Epochs>,
    idle: Arc<Notify>,
    watch: Option<Watch>,
) -> io::Result<Duration> {
    if let Some(watch) = watch {
        tokio::spawn(watch.keep());
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (end, mut ended) = mpsc::channel(1);
    tokio::spawn(reopen_when_told(signal(SignalKind::user_defined1())?, epochs.clone()));
    tokio::select! {
        result = server::serve(control, epochs, idle, end) => result.map(|()| SIGNAL_DRAIN),
        Some(drain) = ended.recv() => Ok(drain),
        _ = terminate.recv() => Ok(SIGNAL_DRAIN),
        _ = interrupt.recv() => Ok(SIGNAL_DRAIN),
    }
}

/// Whoever moves log files away says so by SIGUSR1.
async fn reopen_when_told(mut told: Signal, epochs: Arc<Epochs>) {
    while told.recv().await.is_some() {
        epochs.log().reopen();
    }
}

fn end(workers: Vec<Hired>, drain: Duration) -> io::Result<()> {
    tracing::info!(drain_ms = drain.as_millis() as u64, "gateway ends");
    let deadline = Instant::now() + drain;
    for worker in &workers {
        // A worker that is gone already has nothing to drain.
        let _ = worker.orders.send(Order::Drain(deadline));
    }
    for worker in workers {
        worker.thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
    }
    Ok(())
}

//! The gateway process: takes its directory, starts the workers, speaks with the control plane, and ends in order.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{Notify, mpsc};

use crate::assign::Secret;
use crate::count::Front;
use crate::descriptors::Descriptors;
use crate::door::Sockets;
use crate::epochs::Epochs;
use crate::flags;
use crate::geo::{self, Geo};
use crate::guest::Guest;
use crate::handover::{Elders, Estate};
use crate::limits::Limits;
use crate::mirror::Post;
use crate::observe::{self, Observe, Observer};
use crate::registry::Registry;
use crate::reign::Reign;
use crate::route::Table;
use crate::start::Start;
use crate::table_file::TableFile;
use crate::tls::{Acme, AcmeConfig, Challenges, LocalCa, Shelf, Source, Status, Supply, Tls, Watch};
use crate::worker::{self, Order, Setup};

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
    /// What else serves in its process.
    pub guest: Option<Arc<dyn Guest>>,
    /// Takes the place of the gateway that runs in the directory, which may then drain so long. `None`: refused where one runs.
    pub take_over: Option<Duration>,
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
            guest: None,
            take_over: None,
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
    /// The gateway that runs keeps its place.
    #[error("the gateway that runs keeps its place: {0}")]
    Handover(io::Error),
    /// The gateway that runs listens elsewhere than this one is to.
    #[error("the gateway that runs listens on {there}, not on {asked}")]
    Elsewhere {
        /// Where it listens.
        there: SocketAddr,
        /// Where this one is to.
        asked: SocketAddr,
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
    let start = Start::of(&config)?;
    let secret = Secret::load_or_make(&config.dir)
        .map_err(|error| GatewayError::File { path: error.path, source: error.source })?;
    let (places, given, count) = (start.places()?, start.duplicates()?, start.plain.len());
    let of_guest = secret.derive("guest", "");
    let (shelf, challenges) = (Arc::new(Shelf::default()), Arc::new(Challenges::default()));
    let shared = Arc::new(Tls::new(shelf.clone(), challenges.clone(), limits.handshake)?);
    let sockets = sockets(start.plain, start.tls, &shared, &config.proxies);
    let supply = places.https.map(|_| supply(&config, &shelf, &challenges, &shared)).transpose()?;
    let watch = places.https.map(|_| Watch::new(config.certs, shelf.clone()));

    let idle = Arc::new(Notify::new());
    let front = Front::new(count);
    let (observers, writer) = observe::open(&config.observe, count, front.log())?;
    let ledger = Arc::new(flags::Ledger::new(config.dir.clone(), count));
    let sets = Arc::new(flags::Sets::of(config.dir.join(flags::FILE)).telling(ledger.clone()));
    let mut registry = Registry::new(count, limits, secret, idle.clone()).with_flags(sets.clone());
    let table = Arc::new(start.table);
    let compiled = registry.compile(&table);
    let geo = Arc::new(Geo::open(config.geo.unwrap_or_else(|| config.dir.join(geo::FILE))));
    let sockets = sockets.into_iter().zip(observers).collect();
    let of_guest_files = config.guest.as_ref().map_or(0, |guest| guest.descriptors());
    let descriptors = Descriptors::new(tidegate_os::process::file_limit()?, of_guest_files);
    let post = Post::start(limits, descriptors.clone())?;
    let workers =
        start_workers(sockets, &compiled, limits, (&front, &geo, &post, &challenges, &descriptors))?;
    drop(post);
    let orders: Vec<_> = workers.iter().map(|worker| worker.orders.clone()).collect();
    let (dir, elders) = (config.dir.clone(), Elders::new(idle.clone()));
    let (address, https, connections) = (places.address, places.https, descriptors.most_clients());
    tracing::info!(%address, ?https, workers = count, connections, "gateway listens");
    let file = TableFile::new(config.dir);
    let epochs = Epochs::new(file, places, registry, table, orders, front, elders);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.spawn(geo::watch(geo));
    runtime.spawn(flags::follow(sets));
    let epochs = Arc::new(epochs);
    let incarnation = epochs.incarnation.clone();
    runtime.spawn(flags::keep(ledger.clone(), incarnation.clone()));
    let following = epochs.clone();
    runtime.spawn(async move { following.follow_on_disk().await });
    if let Some(address) = config.observe.metrics {
        runtime.spawn(observe::metrics::serve(address, epochs.clone(), config.guest.clone()));
    }
    if let Some(supply) = supply {
        runtime.spawn(supply.keep(epochs.clone()));
    }
    if let Some(watch) = watch {
        runtime.spawn(watch.keep());
    }
    let estate = Estate { lock: start.lock, listeners: given };
    start.rooms.begin(config.guest.as_ref(), &dir, of_guest, shelf)?;
    let reign = Reign { dir, epochs, idle, workers, guest: config.guest, estate };
    let reigned = runtime.block_on(reign.run(start.elder));
    if let Err(error) = ledger.write(&incarnation) {
        tracing::warn!(%error, "what the last second saw of users of experiments is lost");
    }
    if let Some(writer) = writer {
        writer.finish();
    }
    reigned
}

/// A worker as the control side holds it.
#[derive(Debug)]
pub(crate) struct Hired {
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) thread: JoinHandle<io::Result<()>>,
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
    tls: Vec<TcpListener>,
    shared: &Arc<Tls>,
    proxies: &[IpNet],
) -> Vec<Sockets> {
    let proxies: Arc<[IpNet]> = proxies.into();
    let tls = tls.into_iter().map(|listener| Some((listener, shared.clone())));
    let tls = tls.chain(std::iter::repeat_with(|| None));
    plain.into_iter().zip(tls).map(|(plain, tls)| Sockets { plain, tls, proxies: proxies.clone() }).collect()
}

fn start_workers(
    sockets: Vec<(Sockets, Observer)>,
    table: &Arc<Table>,
    limits: Limits,
    (front, geo, post, challenges, descriptors): (
        &Front,
        &Arc<Geo>,
        &Post,
        &Arc<Challenges>,
        &Arc<Descriptors>,
    ),
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
            descriptors: descriptors.clone(),
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

pub(crate) fn file_error(path: &Path, source: io::Error) -> GatewayError {
    GatewayError::File { path: path.to_owned(), source }
}

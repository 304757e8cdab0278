//! The control plane's process: the loop on a thread of its own, the API on this one, until somebody ends it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tidegate_api::{
    Access, ApiConfig, CountsSource, Listener, ProvenanceDesk, SettingDesk, SourceDesk, serve, token,
};
use tidegate_backend::process::{ProcessBackend, ProcessConfig, RunAs, doctor, stop_all};
use tidegate_control::audit::Watch;
use tidegate_control::courier::Courier;
use tidegate_control::engine::EngineConfig;
use tidegate_control::experiment::Pseudonyms;
use tidegate_control::git::GitRepositories;
use tidegate_control::identity::{Welcome, welcome};
use tidegate_control::openid::OpenIdSettings;
use tidegate_control::provenance::{self, Advisories, Desk, Keys};
use tidegate_control::run::{Parts, Published, Signal, run, signals};
use tidegate_control::source::Scout;
use tidegate_control::vault::Vault;
use tidegate_control::workshop::DirWorkshop;
use tidegate_control::workspace::DirWorkspaces;
use tidegate_control::{Handle, HandleParts};
use tidegate_core::model::{Limits, SecretVersion, UserRange};
use tidegate_core::units::{ByteSize, MilliCpu};
use tidegate_core::view::DoctorFinding;
use tidegate_gateway::control::GatewayLink;
use tidegate_os::clock::unix_ms;
use tidegate_os::file::free_bytes;
use tidegate_os::process::Inherited;
use tidegate_store::{Store, StoreError};
use tokio::sync::watch;

use super::backups::{self, BackupsArgs};
use super::certificates;
use super::data_dir::DataDir;
use super::flags;
use super::gateway::{GatewayKeeper, GatewayProcess, Sink};
use super::git;
use super::identity;
use super::observe::ObserveArgs;
use super::openid;
use super::program::Program;
use super::upgrade::Upgrade;
use crate::edge::EdgeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;

/// What `tidegate up` was told.
#[derive(Debug)]
pub struct UpOptions {
    /// The data directory.
    pub data: PathBuf,
    /// Where users' requests come in.
    pub gateway: SocketAddr,
    /// How the gateway meets its clients besides.
    pub edge: EdgeArgs,
    /// Where the API listens, and how.
    pub api: ApiOptions,
    /// What the gateway tells of requests, from its next start on.
    pub observe: ObserveArgs,
    /// Where advisories are.
    pub advisories: Option<PathBuf>,
    /// What users of apps are taken from.
    pub app_users: UserRange,
    /// Whether apps may ask a cloud's metadata service.
    pub cloud_metadata: bool,
    /// Which backups are made by themselves.
    pub backups: BackupsArgs,
    /// Whose word lets people in besides tokens and codes.
    pub openid: Option<OpenIdSettings>,
}

/// Where the API listens besides the socket, and how.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// The address.
    pub at: SocketAddr,
    /// Files with its certificates and its key, where it speaks TLS.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// The host names it goes by besides.
    pub names: Vec<String>,
}

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// A signal: everything else goes on.
    Leave,
    /// `tidegate down`: everything stops.
    Down,
    /// `tidegate upgrade`: this process goes on as the program on disk.
    Upgrade,
    /// The loop cannot go on.
    Broken,
}

type LoopThread = JoinHandle<Result<Parts, StoreError>>;

/// A control plane that runs.
struct Running {
    data: DataDir,
    program: Program,
    gateway: GatewayProcess,
    link: Arc<GatewayLink>,
    keeper: GatewayKeeper,
    signals: std::sync::mpsc::Sender<Signal>,
    looping: LoopThread,
    ending: watch::Receiver<Option<Ending>>,
    end: watch::Sender<Option<Ending>>,
}

/// Runs a control plane until a signal or `tidegate down`.
pub fn up(options: &UpOptions) -> Result<Exit, Failure> {
    let begun = Instant::now();
    // Before anything is started, and before the file can be replaced under a process that has run for long.
    let (program, inherited) = (Program::of_this_process(), Inherited::all());
    let data = DataDir::claim(&options.data)?;
    let api = identity::listener(&options.api)?;
    let api_at = api.address();
    let keys = Keys::open(data.path(), unix_ms()).map_err(|error| keyless(data.path(), &error))?;
    let about = (Arc::new(keys), Arc::new(Advisories::new(options.advisories.clone())));
    let (running, handle, (listening, welcome)) = start(data, options, &about, (program, inherited))?;
    let local =
        Listener::unix(&running.data.socket()).map_err(|error| machine("the API's socket", &error))?;
    let token = token::load_or_create(&running.data.path().join("token"))
        .map_err(|error| machine("the token", &error))?;
    let mut config = ApiConfig::new(vec![api, local], token, running.data.path().join("spool"));
    let link = running.link.clone();
    config.git =
        Some(git::served(running.data.path()).map_err(|error| machine("the Git repositories", &error))?);
    config.counts = CountsSource(Arc::new(move || link.observe()));
    let runtime = runtime().map_err(|error| machine("a runtime", &error))?;
    say_ready(&api_at, &listening, running.data.path(), begun);
    let handle = Arc::new(handle);
    identity::say(&welcome, &api_at);
    let desk = identity::desk(&handle, running.data.path())?;
    config.openid = openid::desk(options.openid.as_ref(), &desk);
    config.identity = Some(desk);
    Courier::start(&handle).map_err(|error| machine("a thread", &error))?;
    Watch::start(&handle).map_err(|error| machine("the audit log", &error))?;
    let repositories = GitRepositories::of(running.data.path());
    backups::start(&handle, running.data.path(), &options.backups)
        .map_err(|error| machine("backups", &error))?;
    Scout::start(&handle, repositories).map_err(|error| machine("repositories elsewhere", &error))?;
    config.sources = Some(SourceDesk(handle.clone()));
    config.access = Some(Access(handle.clone()));
    let (keys, advisories) = about;
    config.provenance = Some(ProvenanceDesk(Arc::new(Desk::new(handle.clone(), keys, advisories))));
    config.settings = Some(SettingDesk(handle.clone()));
    let ending = runtime.block_on(serve_until_the_end(config, handle, &running))?;
    runtime.shutdown_background();
    finish(running, ending)
}

fn start(
    data: DataDir,
    options: &UpOptions,
    (keys, advisories): &(Arc<Keys>, Arc<Advisories>),
    (program, inherited): (Program, Inherited),
) -> Result<(Running, Handle, (String, Welcome)), Failure> {
    let mut store = opened(&data)?;
    let vault = vault(data.path(), &mut store, unix_ms());
    data.clear_leftovers();
    let (sender, receiver) = signals();
    let waking = std::sync::Mutex::new(sender.clone());
    let waker: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        // The loop is gone: nobody is left to wake.
        let _ = waking.lock().map(|sender| sender.send(Signal::Look));
    });
    let gateway = GatewayProcess::new(data.path(), options.gateway, &options.edge)?;
    let observe = options.observe.typed().map_err(|error| machine("the working directory", &error))?;
    let gateway = gateway.with_options(observe);
    let link = GatewayLink::start(gateway.dir(), waker.clone())
        .map_err(|error| machine("the gateway's link", &error))?;
    let link = Arc::new(link);
    let mut listening = format!("http://{}", gateway.ensure(&link)?);
    // Not before: a start that is refused changes nothing.
    let welcome = welcome(&mut store, data.path())?;
    if let Some(https) = link.observe().https {
        listening.push_str(&format!("  https://{https}"));
    }
    print::to_stderr(&flags::warning(&options.edge.flags, options.edge.flags_tls).unwrap_or_default());
    if let Some(flags) = flags::said(&link.observe().guests, options.edge.flags_tls) {
        listening.push_str(&format!("\n  flags    {flags}"));
    }
    let process = process_config(data.path(), options);
    let backend = ProcessBackend::open(process.clone(), waker.clone()).map_err(|error| {
        Failure::environment(error.to_string(), "see the data directory's permissions and free space")
    })?;
    let workshop =
        DirWorkshop::new(data.path(), None, waker.clone()).map_err(|error| machine("the builds", &error))?;
    let workspaces =
        DirWorkspaces::new(data.path(), waker).map_err(|error| machine("the workspaces", &error))?;
    let repositories =
        git::repositories(data.path()).map_err(|error| machine("the Git repositories", &error))?;
    let published = Published::default();
    let (end, ending) = watch::channel(None);
    let (asked, upgraded) = (end.clone(), end.clone());
    let upgrade = Upgrade::new(program.clone(), gateway.clone(), link.clone());
    let reader =
        store.reader().map_err(|error| Failure::environment(error.to_string(), "run `tidegate up` again"))?;
    let logs: Arc<dyn tidegate_backend::Logs> = Arc::new(backend.logs());
    let gateway_dir = gateway.dir().to_owned();
    let said_of_builds = builds_doctor(&store, data.path(), (keys.clone(), advisories.clone()))?;
    let (data_dir, backing) = (data.path().to_owned(), options.backups.clone());
    let handle = Handle::new(HandleParts {
        signals: sender.clone(),
        published: published.clone(),
        reader,
        logs: logs.clone(),
        data: data.path().to_owned(),
        machine: Box::new(move || {
            let mut findings = doctor(&process);
            findings.extend(certificates::findings(&gateway_dir));
            findings.extend(flags::findings(&gateway_dir));
            findings.extend(said_of_builds());
            findings.push(backups::findings(&data_dir, &backing));
            findings
        }),
        down: Box::new(move || {
            let _ = asked.send(Some(Ending::Down));
        }),
        upgrade: Box::new(move || {
            let view = upgrade.begin()?;
            // Whatever else ends the process meanwhile goes first.
            upgraded.send_if_modified(|ending| ending.is_none() && ending.replace(Ending::Upgrade).is_none());
            Ok(view)
        }),
    });
    let parts = Parts {
        store,
        backend: Box::new(backend),
        routes: Box::new(Sink {
            link: link.clone(),
            dir: gateway.dir().to_owned(),
            places: gateway.places().to_owned(),
            written: None,
        }),
        workshop: Box::new(workshop),
        workspaces: Box::new(workspaces),
        repositories: Some(Arc::new(repositories)),
        logs,
        config: EngineConfig {
            job_limits: job_limits(data.path()),
            steps_at_once: cpus(),
            pseudonyms: pseudonyms(data.path()),
            keys: Some(keys.clone()),
            vault,
            ..EngineConfig::default()
        },
        data: data.path().to_owned(),
    };
    let broken = end.clone();
    let looping = std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            let guard = TellWhenGone(broken);
            let result = run(parts, &receiver, &published);
            drop(guard);
            result
        })
        .map_err(|error| machine("a thread", &error))?;
    let keeper = gateway.clone().keep(inherited).map_err(|error| machine("a thread", &error))?;
    let running = Running { data, program, gateway, link, keeper, signals: sender, looping, ending, end };
    Ok((running, handle, (listening, welcome)))
}

/// What is to be told of builds, keys and packages: with a way to the store of its own.
fn builds_doctor(
    store: &Store,
    data: &Path,
    (keys, advisories): (Arc<Keys>, Arc<Advisories>),
) -> Result<impl Fn() -> Vec<DoctorFinding> + Send + Sync + 'static, Failure> {
    let reader =
        store.reader().map_err(|error| Failure::environment(error.to_string(), "run `tidegate up` again"))?;
    let (reader, data) = (Mutex::new(reader), data.to_owned());
    Ok(move || {
        let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        provenance::findings(&reader, &data, &keys, &advisories)
    })
}

/// Nothing could be signed: better not to begin than to build what nobody can verify.
fn keyless(data: &Path, error: &std::io::Error) -> Failure {
    let keys = data.join("keys");
    Failure::environment(
        format!("the keys in {} cannot be used: {error}", keys.display()),
        "restore the folder from a backup; without one, move it away: new builds are signed by a new key, and older ones are verified by \
         the old public one alone",
    )
}

fn opened(data: &DataDir) -> Result<Store, Failure> {
    #[cfg_attr(not(debug_assertions), expect(unused_mut, reason = "only tests of debug builds arm it"))]
    let mut store = data.store()?;
    #[cfg(debug_assertions)]
    super::killed::arm(&mut store);
    Ok(store)
}

fn process_config(data: &Path, options: &UpOptions) -> ProcessConfig {
    let shim_command = vec![super::PROGRAM.into(), "shim".into()];
    ProcessConfig {
        root: data.join("units"),
        logs: data.join("logs"),
        cache: data.join("cache"),
        shim_command,
        run_as: RunAs::Unprivileged,
        app_users: Some(options.app_users),
        metadata: options.cloud_metadata,
    }
}

/// The key of users' digests. Without it everything but what the gateway tells of users goes on.
fn pseudonyms(data: &Path) -> Option<Arc<Pseudonyms>> {
    let key = Pseudonyms::of(data);
    key.inspect_err(|error| tracing::error!(%error, "the key of experiments cannot be read or made"))
        .ok()
        .map(Arc::new)
}

/// What opens secrets. A change of the key that was cut off goes on; without a key whatever refers to no secret goes on.
fn vault(data: &Path, store: &mut Store, now_unix_ms: u64) -> Option<Arc<Vault>> {
    // Where there are secrets, a new key opens none: what is lost is to be seen, and not covered by another.
    let none_yet = store.secret_versions().is_ok_and(|all| all.iter().all(SecretVersion::is_removal));
    let vault = if none_yet { Vault::open_or_make(data) } else { Vault::open(data) };
    let vault = vault
        .inspect_err(|error| tracing::error!(%error, "the key of secrets cannot be read or made"))
        .ok()?;
    if let Err(error) = vault.settle(store, now_unix_ms) {
        tracing::error!(%error, "the change of the key of secrets could not go on; both keys stay");
    }
    Some(Arc::new(vault))
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What a build or a step may write to the disk at the most, where half of what is free is more.
const MOST_WRITTEN: u64 = 20 << 30;

/// What a build may use: most of the machine, never all of it, so that what serves keeps serving.
fn job_limits(data: &Path) -> Limits {
    let cpus = cpus() as u32;
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Limits {
        memory: memory.map(|kib| ByteSize(kib * 1_024 / 4 * 3)),
        cpu: Some(MilliCpu((cpus * 1_000).saturating_sub(250).max(500))),
        pids: Some(4_096),
        disk: free_bytes(data).ok().map(|free| ByteSize((free / 2).min(MOST_WRITTEN))),
    }
}

/// Ends the process where the loop ended without being told to, by an error or a panic.
struct TellWhenGone(watch::Sender<Option<Ending>>);

impl Drop for TellWhenGone {
    fn drop(&mut self) {
        self.0.send_if_modified(|ending| {
            let silent = ending.is_none();
            if silent {
                *ending = Some(Ending::Broken);
            }
            silent
        });
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(64).build()
}

async fn serve_until_the_end(
    config: ApiConfig,
    handle: Arc<Handle>,
    running: &Running,
) -> Result<Ending, Failure> {
    let end = running.end.clone();
    tokio::spawn(async move {
        if wait_for_signal().await.is_ok() {
            let _ = end.send(Some(Ending::Leave));
        }
    });
    let mut ending = running.ending.clone();
    let over = async move {
        let _ = ending.wait_for(Option::is_some).await;
    };
    serve(config, handle, over).await.map_err(|error| machine("the API", &error))?;
    Ok((*running.ending.borrow()).unwrap_or(Ending::Leave))
}

/// Waits until somebody ends this process in good order.
pub async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn finish(running: Running, ending: Ending) -> Result<Exit, Failure> {
    let Running { data, program, gateway, link, keeper, signals, looping, .. } = running;
    drop(keeper);
    let _ = signals.send(Signal::Stop);
    let looped = looping.join();
    let _ = std::fs::remove_file(data.socket());
    match ending {
        Ending::Leave => {
            let data = data.path().display();
            print::to_stderr(&format!(
                "the control plane ends; instances and the gateway go on\n  go on with it: tidegate up --data {data}\n  stop them too: tidegate down --data {data}\n"
            ));
            Ok(Exit::DONE)
        }
        Ending::Down => {
            // Requests in flight finish before the instances that answer them are stopped.
            gateway.end(&link);
            stop_units(data.path())?;
            print::to_stderr("everything is stopped\n");
            Ok(Exit::DONE)
        }
        Ending::Upgrade => {
            // The store is closed before the lock of its directory is released.
            drop((looped, link));
            drop(data);
            Err(program.take_this_process())
        }
        Ending::Broken => Err(match looped {
            Ok(Err(error)) => Failure::environment(
                error.to_string(),
                "instances and the gateway go on; mend it and run `tidegate up` again",
            ),
            Ok(Ok(_)) | Err(_) => Failure::bug("the control loop ended; instances and the gateway go on"),
        }),
    }
}

/// Stops every instance and job of a data directory, each by its own signal and grace.
pub fn stop_units(data: &Path) -> Result<usize, Failure> {
    let stopped = stop_all(&data.join("units")).map_err(|error| machine("an instance", &error))?;
    Ok(stopped.len())
}

fn machine(what: &str, error: &std::io::Error) -> Failure {
    Failure::environment(
        format!("{what}: {error}"),
        "see the permissions and free space of the data directory",
    )
}

fn say_ready(api: &str, listening: &str, data: &Path, begun: Instant) {
    let took = begun.elapsed().as_millis();
    let text = format!(
        "tidegate {} is up ({took} ms)\n  gateway  {listening}\n  api      {api}\n  data     {}\n",
        env!("CARGO_PKG_VERSION"),
        data.display()
    );
    // Whoever started us may have closed standard output: that is no reason to stop.
    use std::io::Write;
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

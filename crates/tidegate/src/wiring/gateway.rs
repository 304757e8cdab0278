//! The gateway's process as the control plane keeps it: found again after a restart, started where it is missing.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_control::seams::RouteSink;
use tidegate_core::model::{ExposureReport, FlagBundle, GatewayObservation, ReportName, RouteTable};
use tidegate_gateway::control::GatewayLink;
use tidegate_os::lock;
use tidegate_os::process::{Detached, Inherited};

use super::{exposures, flags};
use crate::commands::gateway::ELSEWHERE;
use crate::edge::EdgeArgs;
use crate::failure::Failure;

/// How often it is looked whether the gateway still runs.
const LOOK: Duration = Duration::from_millis(50);
/// From one failed start to the next: at least, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a start may take.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long requests in flight may take when a gateway is to end.
pub const DRAIN: Duration = Duration::from_secs(30);
/// Which options the gateway was started with.
const TOLD: &str = "told";
/// Where clients are, unless another file is said; in its directory.
const GEO: &str = "geo.mmdb";
/// Where the gateway listened last.
const LISTENED: &str = "listened";
/// What the gateway serves of flags; it follows the file by itself.
/// The log starts over beyond this size.
const LOG_LARGEST: u64 = 8 << 20;

/// Where the gateway is and how it is started.
#[derive(Clone, Debug)]
pub struct GatewayProcess {
    dir: PathBuf,
    listen: SocketAddr,
    /// Where it speaks TLS.
    https: Option<SocketAddr>,
    /// Where flags are served, each with its option.
    flags: Vec<(&'static str, SocketAddr)>,
    /// Where its database of places is, if there is one.
    places: PathBuf,
    /// Options about clients: another gateway takes the place of one that was started with others.
    edge: Vec<OsString>,
    /// Further options it is started with.
    options: Vec<OsString>,
}

/// Keeps the gateway running until it is dropped.
#[derive(Debug)]
pub struct GatewayKeeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The gateway as the control loop knows it.
#[derive(Debug)]
pub struct Sink {
    /// What tables go by.
    pub link: Arc<GatewayLink>,
    /// Its directory.
    pub dir: PathBuf,
    /// Where its database of places is, if there is one.
    pub places: PathBuf,
    /// The file of flags as this process wrote it.
    pub written: Option<Written>,
}

/// What tells a file from one that somebody else has put in its place, or changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Written {
    fn of(file: &Path) -> Option<Self> {
        let seen = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        Some(Written { inode: seen.ino(), bytes: seen.len(), changed: (seen.mtime(), seen.mtime_nsec()) })
    }
}

impl RouteSink for Sink {
    fn push(&mut self, table: &RouteTable) {
        self.link.push(table);
    }

    fn put_flags(&mut self, bundle: &FlagBundle) -> io::Result<()> {
        let text = serde_json::to_vec(bundle)?;
        let file = self.dir.join(flags::FILE);
        tidegate_os::file::write_atomic(&file, &text, 0o600)?;
        // Somebody may have been quicker than this look.
        self.written = Written::of(&file).filter(|seen| seen.bytes == text.len() as u64);
        Ok(())
    }

    fn has_flags(&self) -> bool {
        self.written.is_some() && self.written == Written::of(&self.dir.join(flags::FILE))
    }

    fn has_places(&self) -> bool {
        self.places.is_file()
    }

    fn reports(&mut self) -> Vec<ReportName> {
        exposures::waiting(&self.dir)
    }

    fn report(&mut self, name: &ReportName) -> io::Result<ExposureReport> {
        exposures::read(&self.dir, name)
    }

    fn drop_report(&mut self, name: &ReportName) {
        exposures::remove(&self.dir, name);
    }

    fn observe(&mut self) -> GatewayObservation {
        self.link.observe()
    }
}

impl GatewayProcess {
    /// The gateway of a data directory.
    pub fn new(data: &Path, listen: SocketAddr, edge: &EdgeArgs) -> Result<Self, Failure> {
        let dir = data.join("gateway");
        // Nobody else lists it; the certificate of the authority that is its own is for whoever knows the way.
        let made = fs::create_dir_all(&dir)
            .and_then(|()| fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)));
        made.map_err(|error| {
            Failure::environment(
                format!("{} cannot be made: {error}", dir.display()),
                "free some space or choose another --data",
            )
        })?;
        let flags = edge.flags.options().collect();
        Ok(GatewayProcess {
            places: edge.geo.clone().unwrap_or_else(|| dir.join(GEO)),
            dir,
            listen,
            https: edge.https,
            flags,
            edge: edge.to_args(),
            options: Vec::new(),
        })
    }

    /// Started with these options from now on; one that runs goes on as it was started.
    pub fn with_options(self, options: Vec<OsString>) -> Self {
        GatewayProcess { options, ..self }
    }

    /// Where its database of places is, if there is one.
    pub fn places(&self) -> &Path {
        &self.places
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a gateway runs there.
    pub fn runs(&self) -> bool {
        lock::holder(&self.dir.join("lock")).is_some()
    }

    /// Finds the gateway that runs, or starts one; where the running one listens elsewhere or was told
    /// otherwise how to meet its clients, one takes the other's place.
    /// Returns where it listens.
    pub fn ensure(&self, link: &GatewayLink) -> Result<String, Failure> {
        let mut child = None;
        if !self.runs() {
            child = Some(self.start().map_err(|error| self.refused(&error.to_string()))?);
        }
        let seen = self.wait_for(link, child.as_mut())?;
        let there = seen.listen.clone().unwrap_or_default();
        let same = there.parse::<SocketAddr>().is_ok_and(|there| same_place(there, self.listen));
        if same && self.is_as_told() {
            self.remember(&there);
            return Ok(there);
        }
        self.can_move_from(&there, &seen)?;
        self.end(link);
        let mut child = self.start().map_err(|error| self.refused(&error.to_string()))?;
        let old = seen.pid;
        let seen = self.wait_until(link, Some(&mut child), |seen| seen.alive && seen.pid != old)?;
        let there = seen.listen.unwrap_or_default();
        self.remember(&there);
        Ok(there)
    }

    /// Where the next one begins as well, if any port will do: whoever knows the address of this one goes on using it.
    fn remember(&self, there: &str) {
        let written = tidegate_os::file::write_whole(&self.dir.join(LISTENED), there.as_bytes(), 0o600);
        if let Err(error) = written {
            tracing::warn!(%error, "the next gateway may listen on another port");
        }
    }

    /// Where a gateway is to listen: where port 0 was asked for, the port of the last one if nobody else has it.
    fn place(&self) -> SocketAddr {
        let last = fs::read_to_string(self.dir.join(LISTENED)).ok();
        self.place_like(last.as_deref()).filter(|last| free(*last, &[]).is_ok()).unwrap_or(self.listen)
    }

    /// Where another gateway listens, if that is what was asked for.
    fn place_like(&self, there: Option<&str>) -> Option<SocketAddr> {
        let there = there?.parse().ok()?;
        same_place(there, self.listen).then_some(there)
    }

    /// Refuses before the gateway that runs is ended: users must not be left without one for a mistyped address. What it
    /// listens on itself will be free.
    fn can_move_from(&self, there: &str, seen: &GatewayObservation) -> Result<(), Failure> {
        let port = |address: &str| address.parse::<SocketAddr>().ok().map(|address| address.port());
        let https = seen.https.as_deref();
        let mut own = vec![port(there), https.and_then(port)];
        own.extend(seen.guests.values().map(|guest| port(guest)));
        let refused = |option: &str, address: SocketAddr, error: &dyn std::fmt::Display, stay: String| {
            let message = format!("the gateway cannot move to {address}: {error}; it goes on at {there}");
            Failure::environment(message, format!("`{stay}` leaves it there, another {option} moves it"))
        };
        if let Err(error) = free(self.listen, &own) {
            return Err(refused("address", self.listen, &error, format!("--gateway {there}")));
        }
        for (option, address) in &self.flags {
            let stay = format!("--gateway {there}");
            free(*address, &own).map_err(|error| refused(&format!("`{option}`"), *address, &error, stay))?;
        }
        let Some(asked) = self.https else { return Ok(()) };
        let stay = https.map_or(format!("--gateway {there}"), |https| format!("--https {https}"));
        if asked.port() != 0 && asked.port() == self.listen.port() {
            return Err(refused("`--https`", asked, &"requests without TLS come in by this port", stay));
        }
        free(asked, &own).map_err(|error| refused("`--https`", asked, &error, stay))
    }

    /// Keeps it running from now on, and reaps the children of an earlier program of this process.
    pub fn keep(self, mut inherited: Inherited) -> io::Result<GatewayKeeper> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("gateway-keeper".to_owned()).spawn(move || {
            let mut children: Vec<Child> = Vec::new();
            let mut pause = PAUSE.0;
            while !stopped.load(Ordering::Acquire) {
                std::thread::sleep(LOOK);
                inherited.reap();
                // Reaps the ones that ended.
                children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
                if self.runs() || stopped.load(Ordering::Acquire) {
                    continue;
                }
                tracing::warn!("the gateway is gone and is started again");
                match self.start() {
                    Ok(child) => children.push(child),
                    Err(error) => tracing::error!(%error, "the gateway could not be started"),
                }
                std::thread::sleep(pause);
                pause = if self.runs() { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
            }
        })?;
        Ok(GatewayKeeper { stop, thread: Some(thread) })
    }

    /// Ends it: requests in flight finish first. Returns once it is gone.
    pub fn end(&self, link: &GatewayLink) {
        link.shutdown(DRAIN);
        let until = Instant::now() + DRAIN + Duration::from_secs(5);
        while let Some(pid) = lock::holder(&self.dir.join("lock")) {
            if Instant::now() >= until {
                let _ = tidegate_os::process::kill(pid, 9);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Has `program` take the place of the gateway that runs: it gets the listening sockets, and the other one drains for
    /// at most `drain`. Both hold the directory's lock meanwhile, so nobody starts a third. Returns the new one's process.
    /// Where this fails the old one keeps its place.
    pub fn hand_over(&self, program: &Path, link: &GatewayLink, drain: Duration) -> Result<u32, Failure> {
        let seen = link.observe();
        let (acked, place) = (seen.acked, self.place_like(seen.listen.as_deref()).unwrap_or(self.listen));
        let further = vec!["--take-over-ms".into(), drain.as_millis().to_string().into()];
        let mut child =
            self.launch(program, place, further).map_err(|error| self.refused(&error.to_string()))?;
        let pid = child.id();
        let serves = |seen: &GatewayObservation| seen.alive && seen.pid == Some(pid) && seen.acked >= acked;
        let waited = self.wait_until(link, Some(&mut child), serves);
        if waited.is_err() && lock::holder(&self.dir.join("lock")) != Some(pid) {
            // It must not take a place later that was taken back from it here. One that is gone already is no error.
            let _ = child.kill();
            let _ = child.wait();
        }
        waited.map(|_| pid)
    }

    fn start(&self) -> io::Result<Child> {
        self.launch(Path::new(super::PROGRAM), self.place(), Vec::new())
    }

    fn launch(&self, program: &Path, listen: SocketAddr, further: Vec<OsString>) -> io::Result<Child> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut args = vec![
            OsString::from("gateway"),
            "--dir".into(),
            self.dir.clone().into(),
            "--listen".into(),
            listen.to_string().into(),
            "--workers".into(),
            workers.to_string().into(),
        ];
        args.extend(self.edge.iter().chain(&self.options).cloned().chain(further));
        tidegate_os::file::write_whole(&self.dir.join(TOLD), &self.told(), 0o600)?;
        let log = self.log()?;
        Detached {
            program: program.into(),
            args,
            stdout: Some(log.try_clone()?.into()),
            stderr: Some(log.into()),
            ..Detached::default()
        }
        .spawn()
    }

    /// Whether the gateway that runs was started with the same options. One that never was told of any has none.
    fn is_as_told(&self) -> bool {
        fs::read(self.dir.join(TOLD)).map_or(self.edge.is_empty(), |told| told == self.told())
    }

    fn told(&self) -> Vec<u8> {
        self.edge.join(OsStr::new("\n")).into_encoded_bytes()
    }

    fn log(&self) -> io::Result<fs::File> {
        let path = self.dir.join("gateway.log");
        let large = fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_LARGEST);
        if large {
            fs::rename(&path, self.dir.join("gateway.log.1"))?;
        }
        OpenOptions::new().create(true).append(true).open(path)
    }

    fn wait_for(&self, link: &GatewayLink, child: Option<&mut Child>) -> Result<GatewayObservation, Failure> {
        self.wait_until(link, child, |seen| seen.alive && seen.listen.is_some())
    }

    fn wait_until(
        &self,
        link: &GatewayLink,
        mut child: Option<&mut Child>,
        done: impl Fn(&GatewayObservation) -> bool,
    ) -> Result<GatewayObservation, Failure> {
        let until = Instant::now() + START_WITHIN;
        loop {
            let seen = link.observe();
            if done(&seen) {
                return Ok(seen);
            }
            if let Some(Ok(Some(status))) = child.as_mut().map(|child| child.try_wait()) {
                return Err(self.refused(&format!("it ended with {status}")));
            }
            if Instant::now() >= until {
                return Err(self.refused(&format!("it did not answer within {} s", START_WITHIN.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn refused(&self, why: &str) -> Failure {
        let (said, help) = self.last_words().unwrap_or((String::new(), ELSEWHERE.to_owned()));
        let said = if said.is_empty() { said } else { format!(" ({said})") };
        let message = format!("the gateway could not be started: {why}{said}");
        let log = self.dir.join("gateway.log");
        Failure::environment(message, format!("{help}; its log is {}", log.display()))
    }

    /// The last error in its log, and what it says is to be done.
    fn last_words(&self) -> Option<(String, String)> {
        let mut file = fs::File::open(self.dir.join("gateway.log")).ok()?;
        let from = file.metadata().ok()?.len().saturating_sub(4_096);
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut tail = Vec::new();
        file.take(4_096).read_to_end(&mut tail).ok()?;
        let text = String::from_utf8_lossy(&tail);
        let (_, words) = text.rsplit_once("\nerror:").or_else(|| text.split_once("error:"))?;
        let (said, help) = words.split_once("\n  help:").unwrap_or((words, ELSEWHERE));
        let first = |text: &str| text.trim().lines().next().unwrap_or_default().to_owned();
        Some((first(said), first(help)))
    }
}

/// Whether the address can be listened on once the gateway with these ports has ended.
fn free(address: SocketAddr, own: &[Option<u16>]) -> io::Result<()> {
    if own.contains(&Some(address.port())) {
        return Ok(());
    }
    std::net::TcpListener::bind(address).map(drop)
}

/// Port 0 asked for any port: whichever it got is right.
fn same_place(there: SocketAddr, asked: SocketAddr) -> bool {
    there.ip() == asked.ip() && (asked.port() == 0 || there.port() == asked.port())
}

impl Drop for GatewayKeeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

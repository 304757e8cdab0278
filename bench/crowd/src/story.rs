//! The story: everything opens, rollouts follow each other with an upgrade in their middle, everything ends.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_load::config::Config;
use tidegate_load::report::Report;
use tidegate_load::run::run as load;
use tidegate_load::target::Target;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::{Account, Step};
use crate::clients::{Crowd, Python, Transfer, download, upload};
use crate::example::{Example, STRATEGIES};
use crate::ledger::{Kind, Ledger, now};
use crate::server::Server;
use crate::size::Size;

/// How long everything may take to open.
const OPEN_WITHIN: Duration = Duration::from_secs(120);
/// Everybody who is sent away is back well within this, and what drained is gone.
const SETTLE_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(3_600);
/// Instances of the app once nothing is under way: two of three services each.
const INSTANCES: usize = 6;

/// Plays it; whether everything was as promised.
pub fn play(tidegate: &Path, python: &Path, size: Size) -> io::Result<bool> {
    let folder = tempfile::Builder::new().prefix("tidegate-crowd-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let server = Arc::new(Server::start(tidegate, folder.path())?);
    let played = runtime.block_on(Stage::new(&server, folder.path(), size)?.play(python));
    let account = match played {
        Ok(account) => account,
        Err(error) => {
            eprintln!("{}\n{}", server.story(), server.logs());
            return Err(error);
        }
    };
    account.print();
    if !account.is_good() {
        eprintln!("{}\n{}", server.story(), server.logs());
    }
    drop(runtime);
    if let Ok(server) = Arc::try_unwrap(server).map_err(|_| "a client still holds it") {
        server.stop()?;
    }
    Ok(account.is_good())
}

/// What the story is played on.
struct Stage {
    server: Arc<Server>,
    folder: PathBuf,
    seen: PathBuf,
    size: Size,
    crowd: Example,
    ledger: Arc<Ledger>,
    over: watch::Sender<bool>,
}

impl Stage {
    fn new(server: &Arc<Server>, folder: &Path, size: Size) -> io::Result<Self> {
        let seen = folder.join("seen");
        fs::create_dir(&seen)?;
        fs::set_permissions(&seen, fs::Permissions::from_mode(0o777))?;
        let crowd = Example::new("crowd", folder, &seen, size)?;
        let still = Example::new("still", folder, &seen, size)?;
        say("deploying both apps");
        server.deploy(crowd.path())?;
        server.deploy(still.path())?;
        let (ledger, over) = (Arc::default(), watch::Sender::new(false));
        Ok(Stage { server: server.clone(), folder: folder.to_owned(), seen, size, crowd, ledger, over })
    }

    async fn play(self, python: &Path) -> io::Result<Account> {
        let load = self.begin_load()?;
        let pythons = self.gather(python)?;
        self.wait_open("everything is open").await?;
        let files = self.of("crowd", "files");
        let (folder, size) = (&self.folder, self.size);
        let transfers = [
            upload(&files, folder, size.bytes.0, size.transfer)?,
            download(&files, folder, size.bytes.1, size.transfer)?,
        ];
        let (steps, [mut up, mut down]) = self.roll_out(transfers).await?;
        let lasted = up.is_under_way()? && down.is_under_way()?;
        let arrived = [up.finish().await?, down.finish().await?];
        let unsettled = self.settle().await.err().map(|error| error.to_string());
        let still_open = Kind::ALL.map(|kind| self.ledger.open(kind, "crowd"));
        let gateways = self.server.gateways();
        self.over.send_replace(true);
        let ends = self.ledger.ends();
        for python in pythons {
            python.finish().await?;
        }
        fs::write(self.folder.join("load-over"), "")?;
        let report = load.await?.map_err(io::Error::other)?;
        let messages = Kind::ALL.map(|kind| self.ledger.messages(kind));
        Ok(Account { size, steps, ends, still_open, messages, lasted, arrived, unsettled, gateways, report })
    }

    /// Rolls out again and again, with the upgrade in the middle, and the transfers under way.
    async fn roll_out(&self, transfers: [Transfer; 2]) -> io::Result<(Vec<Step>, [Transfer; 2])> {
        let mut steps = Vec::new();
        for version in 1..=self.size.rollouts {
            self.crowd.write(version)?;
            let (server, path) = (self.server.clone(), self.crowd.path().to_owned());
            let name = format!("rollout {version}, {}", STRATEGIES[version % STRATEGIES.len()]);
            steps.push(step(name, move || server.deploy(&path)).await?);
            if version == self.size.rollouts.div_ceil(2) {
                let server = self.server.clone();
                steps.push(step("upgrade".into(), move || server.upgrade()).await?);
            }
        }
        Ok((steps, transfers))
    }

    fn of(&self, app: &'static str, service: &str) -> Crowd {
        Crowd {
            gateway: self.server.gateway,
            host: format!("{service}.{app}.localhost"),
            app,
            ledger: self.ledger.clone(),
            over: self.over.subscribe(),
        }
    }

    fn gather(&self, python: &Path) -> io::Result<[Python; 2]> {
        let Size { sockets, python_sockets, streams, calls, still, .. } = self.size;
        self.of("crowd", "web").gather(sockets - python_sockets, streams);
        self.of("still", "web").gather(still.0, still.1);
        let start = |program: &str, service: &str, many: usize| {
            let (address, host) = (self.server.gateway.to_string(), format!("{service}.crowd.localhost"));
            Python::start(python, program, &[&address, &host, &many.to_string()], &self.ledger)
        };
        Ok([start("websocket.py", "web", python_sockets)?, start("grpc_streams.py", "rpc", calls)?])
    }

    fn begin_load(&self) -> io::Result<JoinHandle<io::Result<Report>>> {
        let url = format!("http://{}/", self.server.gateway);
        let target = Target::resolve(&url, Some("web.crowd.localhost")).map_err(io::Error::other)?;
        let mut config = Config::new(target, self.size.rate, LONGEST);
        config.until_file = Some(self.folder.join("load-over"));
        config.seen_log = Some(self.seen.clone());
        config.run_name = "crowd".into();
        (config.fresh_percent, config.large_percent) = (30.0, 0.5);
        (config.slow_percent, config.post_percent, config.bytes_percent) = (2.0, 20.0, 5.0);
        Ok(tokio::spawn(load(config)))
    }

    /// Waits until as much is open as is wanted.
    async fn wait_open(&self, what: &str) -> io::Result<()> {
        let Size { sockets, streams, calls, still, .. } = self.size;
        let wanted = [
            (Kind::Socket, "crowd", sockets),
            (Kind::Stream, "crowd", streams),
            (Kind::Call, "crowd", calls),
            (Kind::Socket, "still", still.0),
            (Kind::Stream, "still", still.1),
        ];
        let until = Instant::now() + OPEN_WITHIN;
        loop {
            let now = wanted.map(|(kind, app, _)| self.ledger.open(kind, app));
            if wanted.iter().zip(now).all(|((.., many), open)| open == *many as u64) {
                say(what);
                return Ok(());
            }
            if Instant::now() > until {
                let last = self.ledger.ends().pop();
                let trouble = format!("not open within {OPEN_WITHIN:?}: {now:?} of {wanted:?}; {last:?}");
                return Err(io::Error::other(trouble));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until all that left are gone, and everybody is back.
    async fn settle(&self) -> io::Result<()> {
        let until = Instant::now() + SETTLE_WITHIN;
        while self.server.instances("crowd")? > INSTANCES || self.server.gateways() > 1 {
            if Instant::now() > until {
                return Err(io::Error::other(format!("what left is still there after {SETTLE_WITHIN:?}")));
            }
            tokio::time::sleep(LOOK).await;
        }
        self.wait_open("everybody is back").await
    }
}

async fn step(name: String, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<Step> {
    let begun = now();
    tokio::task::spawn_blocking(work).await??;
    let step = Step { name, begun, ended: now() };
    say(&format!("{}: {:.1} s", step.name, step.ended - step.begun));
    Ok(step)
}

fn say(what: &str) {
    eprintln!("{what}");
}

//! Load in front of a Tidegate, on a thread of its own, from its start until the test ends it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_load::config::Config;
use tidegate_load::report::Report;
use tidegate_load::run::run;
use tidegate_load::target::Target;
use tidegate_load::tls::Tls;

use super::Tidegate;

/// The longest a load may last.
const LONGEST: Duration = Duration::from_secs(900);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix {
    /// Plain `GET`s, half of them on connections of their own.
    Plain,
    /// Everything: new connections, bodies of 1 MiB, slow answers and slow bodies, `POST`s.
    Everything,
}

/// A running load.
#[derive(Debug)]
pub struct Load {
    folder: TempDir,
    thread: JoinHandle<io::Result<Report>>,
}

/// A folder in which instances (who are another user) log what they handled; its path goes into `SEEN_LOG`.
#[derive(Debug)]
pub struct SeenLog(TempDir);

impl Load {
    /// Begins at `rate` requests a second.
    pub fn start(tidegate: &Tidegate, host: &str, rate: f64, mix: Mix, seen: Option<&SeenLog>) -> Self {
        Self::start_at(tidegate.gateway(), None, host, rate, mix, seen)
    }

    /// The same where TLS is spoken, with the certificates of the authority of its own.
    pub fn start_tls(tidegate: &Tidegate, host: &str, rate: f64, mix: Mix, seen: Option<&SeenLog>) -> Self {
        let (address, ca) = tidegate.https();
        Self::start_at(address, Some(Tls::new(&ca, host).unwrap()), host, rate, mix, seen)
    }

    fn start_at(
        address: SocketAddr,
        tls: Option<Tls>,
        host: &str,
        rate: f64,
        mix: Mix,
        seen: Option<&SeenLog>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::resolve(&format!("http://{address}/"), Some(host)).unwrap();
        let mut config = Config::new(target, rate, LONGEST);
        config.until_file = Some(folder.path().join("stop"));
        config.seen_log = seen.map(|seen| seen.path().to_owned());
        let how = if tls.is_some() { "tls" } else { "plain" };
        config.run_name = format!("{how}{}", std::process::id());
        config.tls = tls;
        config.fresh_percent = 30.0;
        if mix == Mix::Everything {
            config.large_percent = 1.0;
            config.slow_percent = 2.0;
            config.post_percent = 20.0;
            config.bytes_percent = 5.0;
        }
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(config))
        });
        Load { folder, thread }
    }

    /// Ends it, waits for the last answers, and gives the account.
    pub fn finish(self) -> Report {
        fs::write(self.folder.path().join("stop"), "").unwrap();
        self.thread.join().unwrap().unwrap()
    }
}

impl SeenLog {
    /// A new one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-seen-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        SeenLog(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

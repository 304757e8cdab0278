//! Keeps the shelf like the folder: looks every second, reads what changed, and leaves in use what worked while its
//! successor does not. Runs on the control side, never in a worker.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::folder;
use super::pair::{self, Pair, PairError, Stamp};
use super::shelf::{Pairs, Shelf};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most hosts with certificates; more are left out, and it is said.
const MOST_HOSTS: usize = 100_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watch {
    certs: PathBuf,
    shelf: Arc<Shelf>,
    seen: BTreeMap<String, Seen>,
    unreadable: bool,
}

#[derive(Debug, Default)]
struct Seen {
    stamp: Stamp,
    pair: Option<Arc<Pair>>,
    trouble: Trouble,
    /// It was not there at the last look: a folder that is replaced is away for a moment.
    missed: bool,
}

/// Two files cannot be replaced at one moment: the first look at a broken pair says nothing yet.
#[derive(Debug, Default, PartialEq, Eq)]
enum Trouble {
    #[default]
    None,
    Fresh,
    Told(String),
}

impl Watch {
    /// Looks at the folder for the first time. A folder that is not there holds no certificates.
    pub(crate) fn new(certs: PathBuf, shelf: Arc<Shelf>) -> Self {
        let mut watch = Watch { certs, shelf, seen: BTreeMap::new(), unreadable: false };
        watch.look();
        watch
    }

    /// Looks again and again. Never returns.
    pub(crate) async fn keep(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look();
        }
    }

    fn look(&mut self) {
        let Some(hosts) = self.hosts() else { return };
        let before = self.seen.len();
        self.seen.retain(|host, seen| {
            let missed = std::mem::replace(&mut seen.missed, !hosts.contains_key(host));
            !(missed && seen.missed)
        });
        let mut changed = self.seen.len() != before;
        for (host, folder) in hosts {
            let seen = self.seen.entry(host.clone()).or_default();
            changed |= seen.look(&host, &folder);
        }
        if changed {
            let pair = |(host, seen): (&String, &Seen)| Some((host.clone(), seen.pair.clone()?));
            self.shelf.replace(self.seen.iter().filter_map(pair).collect::<Pairs>());
        }
    }

    /// The folders by host; `None` where the folder cannot be listed now: what is in use stays.
    fn hosts(&mut self) -> Option<BTreeMap<String, PathBuf>> {
        let listed = match fs::read_dir(&self.certs) {
            Ok(listed) => listed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(BTreeMap::new()),
            Err(error) => {
                if !std::mem::replace(&mut self.unreadable, true) {
                    let certs = self.certs.display();
                    tracing::error!(%certs, %error, "the certificates cannot be listed; those in use stay");
                }
                return None;
            }
        };
        self.unreadable = false;
        let host = |item: fs::DirEntry| Some((folder::host_of(item.file_name().to_str()?)?, item.path()));
        Some(listed.filter_map(|item| host(item.ok()?)).take(MOST_HOSTS).collect())
    }
}

impl Seen {
    /// Reads the pair again where it changed, or broke a moment ago. Whether another one is in use now.
    fn look(&mut self, host: &str, folder: &Path) -> bool {
        let stamp = Stamp::of(folder);
        if stamp == self.stamp && self.trouble != Trouble::Fresh {
            return false;
        }
        let again = stamp == self.stamp;
        self.stamp = stamp;
        match pair::load(folder) {
            Ok(pair) => {
                self.on_pair(host, folder, pair);
                true
            }
            Err(error) => {
                self.on_trouble(host, &error, again);
                false
            }
        }
    }

    fn on_pair(&mut self, host: &str, folder: &Path, pair: Pair) {
        if pair::is_open_to_all(folder) {
            let key = folder.join(folder::KEY);
            tracing::warn!(key = %key.display(), "everybody on this machine may read this private key: chmod 600");
        }
        tracing::info!(host, issuer = pair.leaf.issuer, "a certificate is in use");
        self.pair = Some(Arc::new(pair));
        self.trouble = Trouble::None;
    }

    fn on_trouble(&mut self, host: &str, error: &PairError, again: bool) {
        if !again {
            self.trouble = Trouble::Fresh;
            return;
        }
        let kept = self.pair.is_some();
        tracing::error!(host, %error, kept, "a certificate cannot be used; the one before it stays where there was one");
        self.trouble = Trouble::Told(error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::LocalCa;

    #[test]
    fn a_folder_that_is_away_for_a_moment_keeps_its_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let certs = dir.path().join("certs");
        LocalCa::open_or_make(dir.path()).unwrap().ensure(&certs, "a.test").unwrap();
        let shelf = Arc::new(Shelf::default());
        let mut watch = Watch::new(certs.clone(), shelf.clone());
        let (here, away) = (folder::of(&certs, "a.test"), dir.path().join("away"));
        for _ in 0..3 {
            assert!(shelf.find("a.test").is_some());
            fs::rename(&here, &away).unwrap();
            watch.look();
            assert!(shelf.find("a.test").is_some());
            fs::rename(&away, &here).unwrap();
            watch.look();
        }
        fs::rename(&here, &away).unwrap();
        watch.look();
        watch.look();
        assert!(shelf.find("a.test").is_none(), "it stays away");
    }
}

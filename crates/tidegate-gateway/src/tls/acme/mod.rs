//! Certificates by ACME (RFC 8555). One account per directory, kept on disk; one order per host at a time, decided by
//! [`super::supply`]. Runs on the control side: workers only answer the challenges.

mod account;
mod order;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instant_acme::Account;
use tokio::sync::Mutex;

use super::{Challenges, Origin, folder};

/// What an order takes at most. An authority that never answers would hold the place of others.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// Which authority, and who asks.
#[derive(Clone, Debug)]
pub struct AcmeConfig {
    /// Where the authority writes to about certificates that expire.
    pub email: String,
    /// The URL of its directory.
    pub directory: String,
    /// The certificate that the authority's own HTTPS is checked by, instead of those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The challenges that are tried, in turn.
    pub challenges: Vec<AcmeChallenge>,
}

/// A way to show that a host is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcmeChallenge {
    /// Over plain HTTP, on port 80 as the authority sees it.
    Http01,
    /// In a TLS handshake, on port 443 as the authority sees it.
    TlsAlpn01,
}

/// Why a host got no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcmeError {
    #[error("{path} cannot be used: {why}")]
    File { path: PathBuf, why: String },
    #[error("the authority: {0}")]
    Authority(#[from] instant_acme::Error),
    #[error("the authority offers none of the challenges that are tried")]
    NoChallenge,
    #[error("the authority did not find what it asked for at this host: {0}")]
    NotShown(String),
    #[error("a certificate cannot be asked for: {0}")]
    Request(String),
    #[error("the authority did not come to an end within {} minutes", .0.as_secs() / 60)]
    Late(Duration),
    #[error(
        "somebody has put a certificate there meanwhile: it stays, and the one that was issued is not used"
    )]
    Taken,
}

/// See the module.
pub(crate) struct Acme {
    config: AcmeConfig,
    dir: PathBuf,
    challenges: Arc<Challenges>,
    account: Mutex<Option<Account>>,
}

impl std::fmt::Debug for Acme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acme").field("config", &self.config).field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Acme {
    /// `dir` keeps the account.
    pub(crate) fn new(config: AcmeConfig, dir: PathBuf, challenges: Arc<Challenges>) -> Self {
        Acme { config, dir, challenges, account: Mutex::new(None) }
    }

    /// Gets a certificate for the host and puts it among the others. `attempt` says which challenge's turn it is.
    pub(crate) async fn obtain(&self, certs: &Path, host: &str, attempt: u32) -> Result<(), AcmeError> {
        let obtained = tokio::time::timeout(WITHIN, self.order(certs, host, attempt)).await;
        obtained.unwrap_or(Err(AcmeError::Late(WITHIN)))
    }

    async fn order(&self, certs: &Path, host: &str, attempt: u32) -> Result<(), AcmeError> {
        let account = self.account().await?;
        let kinds = &self.config.challenges;
        let turn = attempt as usize % kinds.len().max(1);
        let kinds: Vec<AcmeChallenge> = kinds[turn..].iter().chain(&kinds[..turn]).copied().collect();
        let (cert, key) = order::run(&account, host, &kinds, &self.challenges).await?;
        if !Origin::may_put(&folder::of(certs, host)) {
            return Err(AcmeError::Taken);
        }
        let put = Origin::Acme.put(certs, host, &cert, &key);
        put.map_err(|error| AcmeError::File { path: certs.join(host), why: error.to_string() })
    }

    async fn account(&self) -> Result<Account, AcmeError> {
        let mut known = self.account.lock().await;
        if let Some(account) = &*known {
            return Ok(account.clone());
        }
        let account = account::open(&self.config, &self.dir).await?;
        Ok(known.insert(account).clone())
    }
}

//! What is wrong with certificates, in a file beside the routing table: `tidegate cert list` and `doctor` read it, whether
//! or not the gateway lives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::counts::Counts;

/// The file in the gateway's directory.
const FILE: &str = "certificates.json";

/// As the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateTrouble {
    /// Hosts for which no certificate could be made.
    pub failed: BTreeMap<String, Trouble>,
    /// Names that clients asked for and that have no certificate, with how often.
    pub unknown: BTreeMap<String, u64>,
}

/// Why a host has no certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What went wrong last.
    pub why: String,
    /// How often, one after another.
    pub times: u32,
}

impl CertificateTrouble {
    /// What the gateway of a directory last said; nothing where it never ran with TLS.
    pub fn read(gateway_dir: &Path) -> CertificateTrouble {
        let bytes = fs::read(gateway_dir.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// Writes the file when something changed.
#[derive(Debug)]
pub(crate) struct Status {
    path: PathBuf,
    counts: Arc<Counts>,
    told: Option<CertificateTrouble>,
}

impl Status {
    pub(crate) fn new(gateway_dir: &Path, counts: Arc<Counts>) -> Self {
        Status { path: gateway_dir.join(FILE), counts, told: None }
    }

    pub(super) fn tell(&mut self, failed: BTreeMap<String, Trouble>) {
        let now = CertificateTrouble { failed, unknown: self.counts.unknown() };
        if self.told.as_ref() == Some(&now) {
            return;
        }
        let bytes = serde_json::to_vec(&now).unwrap_or_default();
        match tidegate_os::file::write_whole(&self.path, &bytes, 0o600) {
            Ok(()) => self.told = Some(now),
            Err(error) => {
                tracing::debug!(%error, "what is wrong with certificates could not be written down")
            }
        }
    }
}

//! One certificate with its key, read from a folder and looked over before anything uses it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::folder::{CERT, KEY};
use super::leaf::Leaf;

/// No chain or key is near it.
const LARGEST: u64 = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: std::sync::Arc<CertifiedKey>,
    pub(super) leaf: Leaf,
}

/// Why a folder holds no usable pair.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error("{path} cannot be read: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is no PEM file with {what}: {why}")]
    Pem { path: PathBuf, what: &'static str, why: String },
    #[error(
        "{path}: the key is not the one of the certificate beside it, or of a kind that is not spoken: {why}"
    )]
    Mismatch { path: PathBuf, why: String },
}

/// Reads and checks the pair of a folder.
pub(super) fn load(folder: &Path) -> Result<Pair, PairError> {
    let (cert_path, key_path) = (folder.join(CERT), folder.join(KEY));
    let (cert, key) = (read(&cert_path)?, read(&key_path)?);
    let bad = |path: &Path, what, why: String| PairError::Pem { path: path.to_owned(), what, why };
    let chain = CertificateDer::pem_slice_iter(&cert).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| bad(&cert_path, "certificates", error.to_string()))?;
    let first = chain.first().ok_or_else(|| bad(&cert_path, "certificates", "there is none".to_owned()))?;
    let leaf = Leaf::read(first).map_err(|why| bad(&cert_path, "certificates", why))?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| bad(&key_path, "a private key", error.to_string()))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| PairError::Mismatch { path: key_path, why: error.to_string() })?;
    Ok(Pair { key: key.into(), leaf })
}

fn read(path: &Path) -> Result<Vec<u8>, PairError> {
    let error = |source| PairError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(error)?;
    if bytes.len() as u64 > LARGEST {
        return Err(error(io::Error::other("the file is too large")));
    }
    Ok(bytes)
}

/// Whether anybody on the machine may read the key.
pub(super) fn is_open_to_all(folder: &Path) -> bool {
    fs::metadata(folder.join(KEY)).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
}

/// What changes when either file does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([(i64, i64, u64, u64); 2]);

impl Stamp {
    /// Of the two files as they are now; a missing file has a stamp as well.
    pub(super) fn of(folder: &Path) -> Stamp {
        let stamp = |name| {
            let meta = fs::metadata(folder.join(name)).ok();
            meta.map_or((0, 0, 0, 0), |meta| (meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()))
        };
        Stamp([stamp(CERT), stamp(KEY)])
    }
}

//! TLS of the API's listener: a certificate and its key from two files, read again where they change. What cannot be read, or does not
//! belong together, is said and not used: the pair before it goes on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// No chain or key is near it, in bytes.
const LARGEST: u64 = 256 << 10;
/// Between two looks at the files, which happen at handshakes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a handshake may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Shakes hands as a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// With the certificate chain and the key of these PEM files.
    ///
    /// # Errors
    /// A file cannot be read, or the two are no pair.
    pub(crate) fn of(cert: &Path, key: &Path) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let pair = Arc::new(Renewed::read(cert, key)?);
        let mut config = builder.with_no_client_auth().with_cert_resolver(pair);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands; `None`: the connection is over.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(WITHIN, self.0.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

/// The pair as it was read last.
#[derive(Debug)]
struct Renewed {
    cert: PathBuf,
    key: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    pair: Arc<CertifiedKey>,
    stamp: Stamp,
    looked: Instant,
}

/// What changes when either file does; of one that is missing it is nothing.
type Stamp = [Option<(i64, i64, u64, u64)>; 2];

impl Renewed {
    fn read(cert: &Path, key: &Path) -> io::Result<Self> {
        // Before they are read: a change in between is seen at the next look.
        let stamp = stamp_of(cert, key);
        let pair = pair_of(cert, key)?;
        let held = Mutex::new(Held { pair, stamp, looked: Instant::now() });
        Ok(Renewed { cert: cert.to_owned(), key: key.to_owned(), held })
    }

    fn current(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(held.looked) >= LOOK_EVERY {
            held.looked = now;
            let stamp = stamp_of(&self.cert, &self.key);
            if stamp != held.stamp {
                held.stamp = stamp;
                match pair_of(&self.cert, &self.key) {
                    Ok(pair) => {
                        held.pair = pair;
                        tracing::info!("the API's certificate was read again");
                    }
                    Err(error) => tracing::error!(%error, "the API's certificate stays as it was"),
                }
            }
        }
        Arc::clone(&held.pair)
    }
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current(Instant::now()))
    }
}

fn stamp_of(cert: &Path, key: &Path) -> Stamp {
    [cert, key].map(|path| {
        let meta = fs::metadata(path).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()))
    })
}

fn pair_of(cert: &Path, key: &Path) -> io::Result<Arc<CertifiedKey>> {
    let chain = CertificateDer::pem_slice_iter(&whole(cert)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| unusable(cert, "it is no PEM file with certificates"))?;
    let private = PrivateKeyDer::from_pem_slice(&whole(key)?);
    let private = private.map_err(|_| unusable(key, "it is no PEM file with a private key"))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let pair = CertifiedKey::from_der(chain, private, &provider);
    pair.map(Arc::new).map_err(|error| unusable(key, &format!("it does not fit the certificate: {error}")))
}

fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    if bytes.len() as u64 > LARGEST { Err(unusable(path, "it is too large")) } else { Ok(bytes) }
}

fn unusable(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_pair_that_changes_is_read_again_and_a_broken_one_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        assert!(Renewed::read(&cert, &key).is_err());
        write(folder.path(), "one.test");
        let renewed = Renewed::read(&cert, &key).unwrap();
        let begun = Instant::now();
        let first = renewed.current(begun);
        write(folder.path(), "two.test");
        assert!(Arc::ptr_eq(&first, &renewed.current(begun)), "not at each handshake");
        let second = renewed.current(begun + LOOK_EVERY * 2);
        assert_ne!(first.cert, second.cert);
        fs::write(&key, "half a k").unwrap();
        let third = renewed.current(begun + LOOK_EVERY * 4);
        assert!(Arc::ptr_eq(&second, &third));
        fs::remove_file(&cert).unwrap();
        assert!(Arc::ptr_eq(&second, &renewed.current(begun + LOOK_EVERY * 6)));
    }
}

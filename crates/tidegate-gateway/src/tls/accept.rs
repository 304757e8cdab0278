//! The handshake: from an accepted connection to one whose bytes are plain, within a time limit.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{Acceptor, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::{StartHandshake, TlsStream};

use super::challenges::ALPN;
use super::counts::Counts;
use super::{Challenges, Shelf};

/// `unrecognized_name`, fatal (RFC 6066, 3), as a record of its own: rustls would say `access_denied`.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// What all handshakes of a gateway share. Swapping routing tables or certificates leaves it as it is: sessions are
/// resumed across both.
#[derive(Debug)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    shelf: Arc<Shelf>,
    challenges: Arc<Challenges>,
    counts: Arc<Counts>,
    within: Duration,
}

impl Tls {
    /// Offers the certificates of the shelf. A handshake takes at most `within`.
    pub(crate) fn new(shelf: Arc<Shelf>, challenges: Arc<Challenges>, within: Duration) -> io::Result<Self> {
        let config = Arc::new(config(shelf.clone()).map_err(io::Error::other)?);
        Ok(Tls { config, shelf, challenges, counts: Arc::default(), within })
    }

    /// How handshakes went.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Shakes hands; `None`: the connection is over, and it is said and counted why.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let shaken = tokio::time::timeout(self.within, self.shake(stream)).await;
        match shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(Some(stream)) => {
                let resumed = stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
                self.counts.on_done(resumed);
                Some(stream)
            }
            Ok(None) => None,
            Err(error) => {
                self.counts.on_failed();
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    }

    async fn shake(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let local = stream.local_addr()?.ip();
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let asked = start.client_hello().alpn().is_some_and(|mut offered| offered.any(|name| name == ALPN));
        if asked {
            self.show(start).await?;
            return Ok(None);
        }
        let Some(config) = self.config_for(start.client_hello().server_name(), local) else {
            self.refuse(start).await;
            return Ok(None);
        };
        start.into_stream(config).await.map(Some)
    }

    /// `None`: there is no certificate for what the client asks for.
    fn config_for(&self, name: Option<&str>, local: IpAddr) -> Option<Arc<ServerConfig>> {
        match name {
            Some(name) => self.shelf.find(name).map(|_| self.config.clone()),
            None => self.shelf.find_address(local).map(|key| Arc::new(self.with_key(key))),
        }
    }

    /// The same with one certificate for all, as rustls does not say where a client came to.
    fn with_key(&self, key: Arc<CertifiedKey>) -> ServerConfig {
        let mut config = (*self.config).clone();
        config.cert_resolver = Arc::new(SingleCertAndKey::from(key));
        config
    }

    /// An authority looks whether the host is ours: it shakes hands and asks for nothing.
    async fn show(&self, start: StartHandshake<TcpStream>) -> io::Result<()> {
        let Some(key) = self.challenges.certificate(start.client_hello().server_name()) else {
            self.refuse(start).await;
            return Ok(());
        };
        let mut config = config(Arc::new(SingleCertAndKey::from(key))).map_err(io::Error::other)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        start.into_stream(Arc::new(config)).await?.shutdown().await
    }

    async fn refuse(&self, mut start: StartHandshake<TcpStream>) {
        let name = start.client_hello().server_name().map(str::to_owned);
        if self.counts.on_unknown(name.as_deref()) {
            let name = name.as_deref().unwrap_or("(none: the client asked for an address)");
            tracing::warn!(name, "there is no certificate for a name that a client asked for");
        }
        // The client may be gone: then nobody needs to be told.
        let _ = start.io.write_all(&UNRECOGNIZED_NAME).await;
        let _ = start.io.shutdown().await;
    }
}

fn config(certificates: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12])?.with_no_client_auth();
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets hold the session at the client: nothing to share between workers but the key, nothing to fill up.
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

//! TLS on a listener. The certificates are somebody else's, who looks them up by the name a client asks for at each handshake:
//! new ones are offered from the next connection on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Certificates by name.
pub type Certificates = Arc<dyn ResolvesServerCert>;

/// See the module.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    within: Duration,
}

impl Tls {
    /// For a listener that speaks one protocol. A handshake takes at most `within`.
    pub(crate) fn new(certificates: Certificates, protocol: &str, within: Duration) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(io::Error::other)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificates);
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        // Tickets hold the session at the client: nothing to fill up here.
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(io::Error::other)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), within })
    }

    /// Shakes hands; `None`: the connection is over.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(self.within, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

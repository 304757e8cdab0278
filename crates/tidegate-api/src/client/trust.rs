//! Whom a client believes that a server is who it says: the system's authorities, or those of a file.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ClientError;

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// In the authorities of a PEM file, or in the system's.
    pub(super) fn of(ca: Option<&Path>) -> Result<Self, ClientError> {
        let roots = match ca {
            Some(file) => in_file(file)?,
            None => system()?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| ClientError::Trust(error.to_string()))?;
        Ok(Trust(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }

    /// Shakes hands with a host.
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "the host's name cannot be in a certificate")
        })?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }
}

fn system() -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let nobody = || ClientError::Trust("this system trusts no certificate authority".to_owned());
    if added == 0 { Err(nobody()) } else { Ok(roots) }
}

fn in_file(file: &Path) -> Result<RootCertStore, ClientError> {
    let bad = |why: String| ClientError::Trust(format!("the authorities of {}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    let all = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(all.map_err(|error| bad(error.to_string()))?);
    if added == 0 { Err(bad("it holds no certificate".to_owned())) } else { Ok(roots) }
}

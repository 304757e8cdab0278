//! TLS as every proxy is given it: one certificate, and clients that offer one suite, so that all do the same arithmetic.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::case::HOST;

/// Writes a certificate of its own making (ECDSA, P-256): `DIR/<host>/cert.pem`, `key.pem`, and `both.pem` for HAProxy.
/// Returns the folder `DIR`.
pub fn write_certificate(dir: &Path) -> io::Result<PathBuf> {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).map_err(io::Error::other)?;
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certs = dir.join("certs");
    let folder = certs.join(HOST);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("cert.pem"), &cert)?;
    fs::write(folder.join("key.pem"), &key)?;
    fs::write(folder.join("both.pem"), cert + &key)?;
    Ok(certs)
}

/// TLS 1.3 with AES-256-GCM and X25519, which every proxy has, and no resumption.
pub fn client_config() -> io::Result<Arc<ClientConfig>> {
    let provider = CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    };
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).map_err(io::Error::other)?;
    let verifier = Arc::new(Anybody { schemes });
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Takes any certificate without a look: the clients' arithmetic is not what is measured, and shares a processor with the apps.
#[derive(Debug)]
struct Anybody {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

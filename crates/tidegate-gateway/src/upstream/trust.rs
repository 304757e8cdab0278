//! Whom the gateway believes when an endpoint speaks TLS: on this machine anybody, elsewhere those whom the system trusts.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Both versions of HTTP over one way to check certificates. Made once; sessions are resumed.
#[derive(Debug)]
struct Configs {
    http1: Arc<ClientConfig>,
    h2: Arc<ClientConfig>,
}

/// How to speak TLS with an endpoint at the address.
pub(super) fn config(address: IpAddr, h2: bool) -> io::Result<Arc<ClientConfig>> {
    static HERE: OnceLock<Result<Configs, String>> = OnceLock::new();
    static ELSEWHERE: OnceLock<Result<Configs, String>> = OnceLock::new();
    let configs = if address.is_loopback() {
        HERE.get_or_init(|| Configs::new(Trust::Anybody))
    } else {
        ELSEWHERE.get_or_init(|| Configs::new(Trust::System))
    };
    let configs = configs.as_ref().map_err(|why| io::Error::other(why.clone()))?;
    Ok(if h2 { configs.h2.clone() } else { configs.http1.clone() })
}

#[derive(Clone, Copy, Debug)]
enum Trust {
    Anybody,
    System,
}

impl Configs {
    fn new(trust: Trust) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = match trust {
            Trust::Anybody => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            }
            Trust::System => builder.with_root_certificates(system_roots()?),
        };
        let config = config.with_no_client_auth();
        let speaking = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            Arc::new(config)
        };
        Ok(Configs { http1: speaking(b"http/1.1"), h2: speaking(b"h2") })
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err("this system trusts no certificate authority".to_owned()) } else { Ok(roots) }
}

/// Loopback does not leave the machine: a certificate would prove nothing that the address does not. Signatures are
/// checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! The same under TLS.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use tidegate_flag_server::{Certificates, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stage::{Set, Stage};

const HOST: &str = "flags.example";

/// A certificate for the host, and what a client has to trust.
fn certificates() -> (Certificates, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain = vec![made.cert.der().clone()];
    let mut by_name = ResolvesServerCertUsingSni::new();
    by_name.add(HOST, CertifiedKey::new(chain, key)).unwrap();
    (Arc::new(by_name), made.cert.der().clone())
}

fn stage(limits: Limits) -> (Stage, CertificateDer<'static>) {
    let (certificates, trusted) = certificates();
    (Stage::of(Set { certificates: Some(certificates), limits, ..Set::default() }), trusted)
}

async fn connect(
    to: SocketAddr,
    host: &'static str,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host).unwrap(), stream).await
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await.expect("in time") });
}

#[test]
fn flags_are_served_by_both_protocols() {
    let (stage, trusted) = stage(Limits::default());
    run(async {
        let mut http = connect(stage.ofrep, HOST, &trusted, "http/1.1").await.unwrap();
        let ask = b"POST /ofrep/v1/evaluate/flags/banner HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        http.write_all(ask).await.unwrap();
        let mut answer = String::new();
        http.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"variant\":\"off\""), "{answer}");

        let stream = connect(stage.grpc, HOST, &trusted, "h2").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post("https://flags/flagd.evaluation.v1.Service/ResolveAll");
        let request = request.header("content-type", "application/grpc").header("te", "trailers");
        let mut send = send.ready().await.unwrap();
        let (answer, mut body) = send.send_request(request.body(()).unwrap(), false).unwrap();
        body.send_data(bytes::Bytes::from_static(&[0; 5]), true).unwrap();
        let mut answer = answer.await.unwrap().into_body();
        assert!(!answer.data().await.unwrap().unwrap().is_empty());
        connection.abort();
    });
}

#[test]
fn other_names_and_plain_words_are_refused() {
    let (stage, trusted) = stage(Limits { idle: Duration::from_millis(100), ..Limits::default() });
    run(async {
        assert!(connect(stage.ofrep, "other.example", &trusted, "http/1.1").await.is_err());
        for (to, words) in
            [(stage.ofrep, &b"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\n\r\n"[..]), (stage.grpc, b"")]
        {
            let mut plain = TcpStream::connect(to).await.unwrap();
            plain.write_all(words).await.unwrap();
            let mut answer = Vec::new();
            let _ = plain.read_to_end(&mut answer).await;
            assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
        }
    });
}

//! The API over TLS, and whom its client believes.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_api::{Client, ClientError, Listener};

use crate::server::Server;
use crate::stub::Stub;

struct Secure {
    server: Server,
    at: SocketAddr,
    ca: PathBuf,
    _files: tempfile::TempDir,
}

fn secure() -> Secure {
    let files = tempfile::tempdir().unwrap();
    let (ca, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(&ca, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = listener.address().strip_prefix("http://").unwrap().parse().unwrap();
    let listener = listener.named(vec!["td.example".to_owned()]).with_tls(&ca, &key).unwrap();
    assert!(listener.address().starts_with("https://td.example:"));
    let server = Server::start_with(Stub::default(), |config| config.listeners.push(listener));
    Secure { server, at, ca, _files: files }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_talks_to_whom_its_authority_vouches_for_and_to_nobody_else() {
    let secure = secure();
    let url = format!("https://localhost:{}", secure.at.port());
    let token = Some(secure.server.token.clone());
    let client = Client::vouched(&url, token.clone(), Some(&secure.ca)).unwrap();
    assert_eq!(client.address(), url);
    assert_eq!(client.whoami().await.unwrap().kind, "owner");
    let by_address = format!("https://127.0.0.1:{}", secure.at.port());
    assert!(Client::vouched(&by_address, token.clone(), Some(&secure.ca)).unwrap().health().await.is_ok());

    let files = tempfile::tempdir().unwrap();
    let other = files.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&other, made.cert.pem()).unwrap();
    let stranger = Client::vouched(&url, token.clone(), Some(&other)).unwrap();
    let error = stranger.health().await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Unreachable { source, .. }
        if source.kind() == std::io::ErrorKind::InvalidData),
        "{error:?}"
    );
    fs::write(&other, "nothing").unwrap();
    let error = Client::vouched(&url, token.clone(), Some(&other)).unwrap_err();
    assert!(matches!(error, ClientError::Trust(_)), "{error:?}");

    let plain = Client::http(&format!("http://{}", secure.at), token).unwrap();
    assert!(plain.health().await.is_err(), "it speaks nothing but TLS");
    secure.server.stop().await;
}

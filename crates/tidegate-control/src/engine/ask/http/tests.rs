//! A real server on the other side: one that answers, one that hangs, one that goes away, one that speaks TLS.

use std::io::{BufRead, BufReader};
use std::net::{Shutdown, TcpListener};
use std::thread::JoinHandle;

use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;

use super::super::trust;
use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n17\n";

/// Lets one connection in and serves it; what was asked.
fn server(
    serve: impl FnOnce(TcpStream) -> Vec<String> + Send + 'static,
) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (authority, std::thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Reads the head of a request; all of it, or closing would reset the connection.
fn head_of(stream: impl Read) -> Vec<String> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.take_while(|line| !line.is_empty()).collect()
}

fn answering(answer: &'static str) -> (String, JoinHandle<Vec<String>>) {
    server(move |mut stream| {
        let head = head_of(&stream);
        stream.write_all(answer.as_bytes()).unwrap();
        head
    })
}

fn untrusting() -> Result<Arc<ClientConfig>, String> {
    panic!("nobody is to be believed here")
}

fn question(url: String, within_ms: u64) -> Get {
    Get { url, bearer: None, within: Duration::from_millis(within_ms) }
}

fn asked(url: String, within_ms: u64) -> Result<Fetched, String> {
    get(&question(url, within_ms), untrusting)
}

#[test]
fn it_says_who_it_is_and_takes_what_is_answered() {
    let (authority, serving) = answering(OK);
    let bearer = Bearer::new(" s3cret\n");
    let question = Get { bearer, ..question(format!("http://{authority}/length?of=mail"), 5_000) };
    assert!(!format!("{question:?}").contains("s3cret"));
    let fetched = get(&question, untrusting).unwrap();
    assert_eq!((fetched.status, fetched.body.as_str()), (200, "17\n"));
    let head = serving.join().unwrap();
    assert_eq!(head[0], "GET /length?of=mail HTTP/1.1");
    assert!(head.contains(&format!("Host: {authority}")) && head.contains(&"Connection: close".to_owned()));
    assert!(head.contains(&"Authorization: Bearer s3cret".to_owned()), "{head:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let (authority, serving) =
        answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(asked(format!("http://{authority}"), 5_000).unwrap().status, 302);
    assert_eq!(serving.join().unwrap()[0], "GET / HTTP/1.1");
}

#[test]
fn whoever_hangs_is_not_waited_for() {
    // Not a word, and a word now and then.
    for drips in [false, true] {
        let (authority, serving) = server(move |mut stream| {
            let head = head_of(&stream);
            if drips {
                while stream.write_all(b"H").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            } else {
                assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0, "the other side gives up");
            }
            head
        });
        let error = asked(format!("http://{authority}/"), 200).unwrap_err();
        let wanted =
            [format!("{authority}: no answer within 200ms"), format!("{authority}: the answer is no HTTP")];
        assert!(wanted.contains(&error), "{error}");
        serving.join().unwrap();
    }
}

#[test]
fn whoever_goes_away_has_not_answered() {
    let (authority, serving) = server(|stream| {
        let head = head_of(&stream);
        stream.shutdown(Shutdown::Both).unwrap();
        head
    });
    let error = asked(format!("http://{authority}/"), 5_000).unwrap_err();
    assert_eq!(error, format!("{authority}: the connection ended before the answer did"));
    serving.join().unwrap();
    // Closed with a request unread: the system resets.
    let (authority, serving) = server(|_| Vec::new());
    assert!(asked(format!("http://{authority}/"), 5_000).is_err());
    serving.join().unwrap();
    assert_eq!(
        asked(format!("http://{authority}/"), 5_000).unwrap_err(),
        format!("{authority}: connection refused")
    );
}

#[test]
fn a_url_is_taken_apart() {
    let parts = |url: &'static str| Target::of(url).map(|t| (t.tls, t.host, t.port, t.path));
    assert_eq!(parts("http://a.b/c?d"), Ok((false, "a.b", 80, "/c?d".into())));
    assert_eq!(parts("https://[::1]:8443?x"), Ok((true, "::1", 8443, "/?x".into())));
    assert_eq!(parts("https://h"), Ok((true, "h", 443, "/".into())));
    for url in [
        "ftp://a",
        "http://",
        "http://u:p@h/",
        "http://h:x/",
        "http://h/a b",
        "http://h/\r\nx: y",
        "http://[::1/",
        "http://[::1]9/",
    ] {
        assert!(parts(url).is_err(), "{url}");
    }
    assert!(["", " ", "a\r\nb", "a b", "ä"].iter().all(|token| Bearer::new(token).is_none()));
}

/// An authority's certificate, and a server that has one of its own for 127.0.0.1.
fn speaking_tls() -> (rcgen::CertifiedKey<rcgen::KeyPair>, Arc<rustls::ServerConfig>) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    (own, Arc::new(config))
}

#[test]
fn over_tls_it_believes_only_whom_it_trusts() {
    let (own, config) = speaking_tls();
    for trusted in [true, false] {
        let config = config.clone();
        let (authority, serving) = server(move |stream| {
            let mut stream = StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
            let mut first = [0; 4];
            if stream.read_exact(&mut first).is_ok() {
                let _ = stream.write_all(OK.as_bytes()).and_then(|()| stream.flush());
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
                return vec![String::from_utf8_lossy(&first).into_owned()];
            }
            Vec::new()
        });
        let mut roots = RootCertStore::empty();
        if trusted {
            roots.add(own.cert.der().clone()).unwrap();
        }
        let question = question(format!("https://{authority}/"), 5_000);
        let answer = get(&question, || trust::these(roots.clone()));
        if trusted {
            assert_eq!(answer.unwrap().body, "17\n");
            assert_eq!(serving.join().unwrap(), ["GET "]);
        } else {
            assert!(answer.unwrap_err().contains("certificate"));
            assert!(serving.join().unwrap().is_empty(), "not a word, let alone a token");
        }
    }
}

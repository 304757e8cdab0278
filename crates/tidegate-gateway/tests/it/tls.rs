//! TLS from outside: who gets which certificate, what may be spoken, and what survives changes. Clients are curl and
//! OpenSSL, which share no line with the gateway's own TLS.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tidegate_core::model::{HttpsPolicy, RoutePolicy};
use tidegate_core::time::Millis;
use tidegate_gateway::{AccessLog, Limits, LogTarget};

use crate::stage::certs::Authority;
use crate::stage::client::Client;
use crate::stage::program::{curl, s_client};
use crate::stage::table::{table, with_policy};
use crate::stage::upstream::Upstream;
use crate::stage::{Stage, until};

/// A gateway with TLS, certificates for `a.test` and `*.wild.test`, and an upstream that echoes heads.
struct Secure {
    stage: Stage,
    https: SocketAddr,
    certs: PathBuf,
    ca: PathBuf,
    authority: Authority,
    upstream: Upstream,
}

impl Secure {
    fn new() -> Secure {
        Secure::logging(None)
    }

    fn logging(access_log: Option<AccessLog>) -> Secure {
        let authority = Authority::new("Test Authority");
        let stage = Stage::built(Limits::default(), |config| {
            config.https = Some("127.0.0.1:0".parse().unwrap());
            config.observe.access_log = access_log;
            authority.put(&config.certs, "a.test");
            authority.put(&config.certs, "*.wild.test");
        });
        let upstream = Upstream::echoing_heads();
        stage.apply(&table(1, &[("web-1", upstream.address)]));
        let https = stage.link.observe().https.unwrap().parse().unwrap();
        let (certs, ca) = (stage.dir.path().join("certs"), authority.file(stage.dir.path()));
        Secure { stage, https, certs, ca, authority, upstream }
    }

    /// Who signed the certificate that is shown for the name; `None`: none is shown.
    fn issuer(&self, name: &str) -> Option<String> {
        let said = s_client(&self.ca, self.https, &["-servername", name], "");
        said.out.lines().find_map(|line| line.strip_prefix("issuer=").map(str::to_owned))
    }

    fn client(&self, name: &'static str) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(connection, TcpStream::connect(self.https).unwrap())
    }
}

fn ask(client: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    client.write_all(b"GET /kept HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\nx-request-id: ")
        && !String::from_utf8_lossy(&answer).contains("x-request-id: ")
    {
        let mut piece = [0; 4096];
        let read = client.read(&mut piece).unwrap();
        assert!(read > 0, "the connection ended");
        answer.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn every_version_of_http_and_tls_is_spoken() {
    let secure = Secure::new();
    for (args, version) in [
        (&["--http1.1", "--tls-max", "1.2"] as &[&str], "1.1 200"),
        (&["--http1.1", "--tlsv1.3"], "1.1 200"),
        (&["--http2", "--tls-max", "1.2"], "2 200"),
        (&["--http2", "--tlsv1.3"], "2 200"),
    ] {
        let said = curl(&secure.ca, secure.https, "https://a.test/path?q", args);
        assert!(said.done, "{args:?}: {said:?}");
        assert!(said.out.ends_with(version), "{args:?}: {said:?}");
        assert!(said.out.starts_with("GET /path?q HTTP/1.1\n"), "{said:?}");
        assert!(said.out.contains("\nx-forwarded-proto: https\n"), "{said:?}");
        assert!(said.out.contains("\nhost: a.test\n"), "{said:?}");
    }
    let said = s_client(&secure.ca, secure.https, &["-servername", "a.test", "-tls1_1"], "");
    assert!(!said.done, "older versions are not: {said:?}");
}

/// Whoever comes without TLS is sent to the very port where the gateway speaks it, and told there to stay.
#[test]
fn a_redirect_to_https_leads_to_where_tls_is_spoken() {
    let secure = Secure::new();
    let strict = HttpsPolicy { redirect: true, hsts: Some(Millis(86_400_000)), hsts_subdomains: true };
    let policy = RoutePolicy { https: Some(strict), ..RoutePolicy::default() };
    secure.stage.apply(&with_policy(2, &[("web-1", secure.upstream.address)], policy));
    let answer = Client::new(secure.stage.address).get("a.test", "/path?q");
    let there = format!("https://a.test:{}/path?q", secure.https.port());
    assert_eq!((answer.status(), answer.field("location")), (308, Some(there.as_str())));
    assert_eq!(answer.field("strict-transport-security"), None, "nobody believes it without TLS");
    for (args, version) in [(["--http1.1", "-i"], "1.1 200"), (["--http2", "-i"], "2 200")] {
        let said = curl(&secure.ca, secure.https, &there, &args);
        assert!(said.done && said.out.ends_with(version), "{said:?}");
        let strict = "strict-transport-security: max-age=86400; includesubdomains";
        assert!(said.out.to_ascii_lowercase().contains(strict), "{said:?}");
    }
}

#[test]
fn the_log_says_which_tls_a_client_came_with() {
    let log = tempfile::tempdir().unwrap();
    let path = log.path().join("access.log");
    let secure = Secure::logging(Some(AccessLog::new(LogTarget::File(path.clone()))));
    for (args, to) in [
        (["--http1.1", "--tls-max", "1.2"], "https://a.test/one.two"),
        (["--http2", "--tls-max", "1.3"], "https://a.test/one.three"),
    ] {
        assert!(curl(&secure.ca, secure.https, to, &args).done);
    }
    assert_eq!(Client::new(secure.stage.address).get("a.test", "/none").status(), 200);
    let text = until("three lines are written", || {
        fs::read_to_string(&path).ok().filter(|text| text.lines().count() == 3)
    });
    for line in text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        let wanted = match line["path"].as_str().unwrap() {
            "/one.two" => Some("1.2"),
            "/one.three" => Some("1.3"),
            _ => None,
        };
        assert_eq!(line["tls"].as_str(), wanted, "{line}");
    }
}

#[test]
fn only_what_is_offered_is_agreed_on() {
    let secure = Secure::new();
    let agreed =
        |offered| s_client(&secure.ca, secure.https, &["-servername", "a.test", "-alpn", offered], "");
    assert!(agreed("http/1.1,h2").out.contains("ALPN protocol: h2"));
    assert!(agreed("http/1.1").out.contains("ALPN protocol: http/1.1"));
    let old = agreed("http/1.0");
    assert!(!old.done && old.err.contains("no application protocol"), "{old:?}");
}

#[test]
fn a_name_gets_its_own_certificate_or_none() {
    let secure = Secure::new();
    let get = |url| curl(&secure.ca, secure.https, url, &[]);
    assert!(get("https://a.test/").done);
    assert!(get("https://x.wild.test/").done, "a wildcard stands for one label");
    for url in ["https://x.y.wild.test/", "https://wild.test/", "https://b.test/"] {
        let said = get(url);
        assert!(!said.done && said.err.contains("unrecognized name"), "{url}: {said:?}");
    }
    for name in ["x.wild.test", "10.0.0.1", "127.0.0.1"] {
        secure.authority.put(&secure.certs, name);
    }
    // Who asks for an address says none: it is the one that the client came to.
    until("a new host is served", || get("https://127.0.0.1/").done.then_some(()));
    assert!(get("https://x.wild.test/").done);
}

#[test]
fn a_changed_certificate_is_used_and_no_connection_is_dropped() {
    let secure = Secure::new();
    let mut open = secure.client("a.test");
    assert!(ask(&mut open).contains("GET /kept"));
    assert!(secure.issuer("a.test").unwrap().contains("Test Authority"));
    Authority::new("Second Authority").put(&secure.certs, "a.test");
    let issuer = || secure.issuer("a.test");
    until("the new one is shown", || issuer().filter(|issuer| issuer.contains("Second Authority")));
    assert!(ask(&mut open).contains("GET /kept"), "the open connection goes on");
    fs::write(secure.certs.join("a.test/cert.pem"), "no certificate").unwrap();
    // The next host shows that the folder was looked at in the meantime.
    secure.authority.put(&secure.certs, "later.test");
    until("the folder is read again", || secure.issuer("later.test"));
    assert!(issuer().unwrap().contains("Second Authority"), "what worked stays");
    fs::remove_dir_all(secure.certs.join("a.test")).unwrap();
    until("a host without a folder has none", || issuer().is_none().then_some(()));
    assert!(ask(&mut open).contains("GET /kept"));
}

#[test]
fn sessions_are_resumed_on_any_worker_and_after_a_change_of_table() {
    let secure = Secure::new();
    let file = secure.stage.dir.path().join("session.pem");
    let file = file.to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        // OpenSSL writes a TLS 1.3 ticket down when it comes, which is with the first bytes of an answer.
        let args = ["-servername", "a.test", version, "-sess_out", file, "-ign_eof"];
        let request = "GET / HTTP/1.1
Host: a.test
Connection: close

";
        let first = s_client(&secure.ca, secure.https, &args, request);
        assert!(fs::metadata(file).is_ok(), "{first:?}");
        let upstream = Upstream::saying("other");
        let epoch = secure.stage.link.observe().acked + 1;
        secure.stage.apply(&table(epoch, &[("web-2", upstream.address)]));
        // So many that both workers have had some.
        for _ in 0..8 {
            let again =
                s_client(&secure.ca, secure.https, &["-servername", "a.test", version, "-sess_in", file], "");
            assert!(again.out.contains("Reused, TLS"), "{version}: {again:?}");
        }
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_handshake_that_is_not_finished_is_ended() {
    let limits = Limits { handshake: std::time::Duration::from_millis(300), ..Limits::default() };
    let stage = Stage::built(limits, |config| config.https = Some("127.0.0.1:0".parse().unwrap()));
    let https: SocketAddr = stage.link.observe().https.unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(https).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(&[22, 3, 1]).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
}

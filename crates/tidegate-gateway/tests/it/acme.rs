//! Certificates by ACME from Pebble, the authority that Let's Encrypt tests clients with: it checks every signature, nonce and
//! challenge as the real one does. It is asked to find every host on this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tidegate_gateway::Limits;
use tidegate_gateway::tls::{AcmeChallenge, AcmeConfig, CertificateTrouble};

use crate::stage::certs::Authority;
use crate::stage::program::s_client;
use crate::stage::table::{route, table};
use crate::stage::upstream::Upstream;
use crate::stage::{Stage, until};

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Pebble and the name server that tells it where hosts are.
struct Pebble(Vec<Child>);

impl Pebble {
    fn start(dir: &Path, at: SocketAddr, http: SocketAddr, https: SocketAddr) -> Pebble {
        let (cert, key) = Authority::new("Pebble's own").issue_with_file(dir, "127.0.0.1");
        std::fs::write(dir.join("cert.pem"), cert).unwrap();
        std::fs::write(dir.join("key.pem"), key).unwrap();
        let config = format!(
            r#"{{"pebble": {{"listenAddress": "{at}", "certificate": "{dir}/cert.pem", "privateKey": "{dir}/key.pem",
                "httpPort": {}, "tlsPort": {}}}}}"#,
            http.port(),
            https.port(),
            dir = dir.display()
        );
        let path = dir.join("pebble.json");
        std::fs::write(&path, config).unwrap();
        let names = free();
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = quiet(Command::new("pebble-challtestsrv").args([
            "-defaultIPv6",
            "",
            "-defaultIPv4",
            "127.0.0.1",
            "-dns01",
            &names.to_string(),
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-management",
            &free().to_string(),
        ]));
        let pebble = quiet(
            Command::new("pebble")
                .args(["-config".as_ref(), path.as_os_str()])
                .args(["-dnsserver", &names.to_string()])
                .env("PEBBLE_VA_NOSLEEP", "1")
                .env("PEBBLE_WFE_NONCEREJECT", "5"),
        );
        Pebble(vec![server.expect("pebble is installed by ./test"), pebble.unwrap()])
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn obtains_by(challenge: AcmeChallenge) {
    let dir = tempfile::tempdir().unwrap();
    let (at, http, https) = (free(), free(), free());
    let _pebble = Pebble::start(dir.path(), at, http, https);
    let ca = dir.path().join("ca.pem");
    until("Pebble listens", || std::net::TcpStream::connect(at).ok());
    let mine = "mine.example.org";
    let stage = Stage::built(Limits::default(), |config| {
        // Half of a pair that somebody copies there just now.
        std::fs::create_dir_all(config.certs.join(mine)).unwrap();
        std::fs::write(config.certs.join(mine).join("key.pem"), "somebody's").unwrap();
        (config.listen, config.https) = (http, Some(https));
        config.acme = Some(AcmeConfig {
            email: "admin@shop.test".to_owned(),
            directory: format!("https://{at}/dir"),
            ca: Some(ca.clone()),
            challenges: vec![challenge],
        });
    });
    let upstream = Upstream::saying("fine");
    let mut routed = table(1, &[("web-1", upstream.address)]);
    for host in ["shop.example.org", mine] {
        route(&mut routed, host, "/", "app/dev/web");
    }
    stage.apply(&routed);
    until("a certificate of Pebble's is shown", || {
        let trouble = CertificateTrouble::read(stage.dir.path());
        assert!(trouble.failed.is_empty(), "{trouble:?}");
        let said = s_client(&ca, https, &["-servername", "shop.example.org"], "");
        said.out
            .lines()
            .find(|line| line.starts_with("issuer=") && line.contains("Pebble"))
            .map(str::to_owned)
    });
    let folder = stage.dir.path().join("certs/shop.example.org");
    use std::os::unix::fs::PermissionsExt;
    let mut secrets = vec![folder.join("key.pem")];
    secrets
        .extend(std::fs::read_dir(stage.dir.path().join("acme")).unwrap().map(|item| item.unwrap().path()));
    assert_eq!(secrets.len(), 2, "one key, one account");
    for path in secrets {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    // It is ordered once, and what somebody puts there stays as it is.
    let before = files(&stage, "shop.example.org");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(files(&stage, "shop.example.org"), before);
    assert_eq!(files(&stage, mine), BTreeMap::from([("key.pem".into(), b"somebody's".to_vec())]));
}

/// What lies in a host's folder, by file.
fn files(stage: &Stage, host: &str) -> BTreeMap<OsString, Vec<u8>> {
    let listed = std::fs::read_dir(stage.dir.path().join("certs").join(host)).unwrap();
    let read = |item: std::fs::DirEntry| (item.file_name(), std::fs::read(item.path()).unwrap());
    listed.map(|item| read(item.unwrap())).collect()
}

#[test]
fn a_routed_host_gets_its_certificate_by_http() {
    obtains_by(AcmeChallenge::Http01);
}

#[test]
fn a_routed_host_gets_its_certificate_in_the_handshake() {
    obtains_by(AcmeChallenge::TlsAlpn01);
}

//! A gateway process between programs: started in a directory of its own, told its table as the control plane tells it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_core::model::{
    Arm, ArmRole, Endpoint, InstanceId, Protocol, RevisionNo, Route, RoutePolicy, RouteTable, Site, Upstream,
};
use tidegate_core::time::Millis;
use tidegate_gateway::control::GatewayLink;

use crate::support::{eventually, free_address};

/// The host of the certificate.
pub const HOST: &str = "shop.test";
const WITHIN: Duration = Duration::from_secs(20);
const SERVICE: &str = "shop/dev/web";

/// A running gateway.
pub struct Stage {
    folder: TempDir,
    gateway: Child,
    link: GatewayLink,
    table: RouteTable,
    /// Where it listens without TLS.
    pub plain: SocketAddr,
    /// Where it listens with TLS.
    pub tls: SocketAddr,
}

impl Stage {
    /// Starts one whose instances speak this protocol; nothing is routed yet.
    pub fn new(protocol: Protocol, drain: Duration) -> Stage {
        let folder = tempfile::Builder::new().prefix("tidegate-clients-").tempdir().unwrap();
        make_certificate(&folder.path().join("certs").join(HOST));
        let (plain, tls) = (free_address(), free_address());
        let gateway = start(folder.path(), plain, tls);
        let link = GatewayLink::start(folder.path(), Arc::new(|| ())).unwrap();
        eventually("the gateway is there", WITHIN, || link.observe().alive.then_some(()));
        let mut upstream = Upstream { drain: Some(Millis(drain.as_millis() as u64)), ..Upstream::default() };
        upstream.policy.protocol = protocol;
        let (host, path, to) = ("*".to_owned(), "/".to_owned(), SERVICE.to_owned());
        let route = Route { host, path, to, policy: RoutePolicy::default() };
        let upstreams = [(SERVICE.to_owned(), upstream.into())].into();
        let table = RouteTable { routes: vec![route.into()], upstreams, ..RouteTable::default() };
        Stage { folder, gateway, link, table, plain, tls }
    }

    /// One with a server behind it.
    pub fn before(protocol: Protocol, server: SocketAddr) -> Stage {
        let mut stage = Self::new(protocol, Duration::from_secs(10));
        stage.lead_to(server);
        stage
    }

    /// Puts this server in the place of what served before; returns once every worker works by that.
    pub fn lead_to(&mut self, server: SocketAddr) {
        let revision = RevisionNo(self.table.epoch as u32 + 1);
        let endpoints = vec![Endpoint::new(InstanceId(format!("web-{}", revision.0)), server)];
        self.install(Arm { role: ArmRole::Stable, revision, weight: 100, endpoints, site: None });
    }

    /// Serves the files of a folder.
    pub fn serve_files(&mut self, root: &Path) {
        let site = Some(Site { root: root.to_owned(), spa: false, not_found: None, others: Vec::new() });
        let revision = RevisionNo(self.table.epoch as u32 + 1);
        self.install(Arm { role: ArmRole::Stable, revision, weight: 100, endpoints: Vec::new(), site });
    }

    fn install(&mut self, arm: Arm) {
        self.table.epoch += 1;
        self.table.upstreams.get_mut(SERVICE).unwrap().arms = vec![arm];
        self.link.push(&self.table);
        let epoch = self.table.epoch;
        eventually("the table is in use", WITHIN, || (self.link.observe().acked >= epoch).then_some(()));
    }

    /// Waits until so many requests are under way.
    pub fn wait_for_requests(&self, many: u32) {
        let under_way = || self.link.observe().inflight.values().sum::<u32>();
        eventually("the requests are under way", WITHIN, || (under_way() == many).then_some(()));
    }

    /// Its own certificate, which clients are to trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certs").join(HOST).join("cert.pem")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.gateway.kill();
        let _ = self.gateway.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default();
            eprintln!("--- gateway\n{log}");
        }
    }
}

fn start(dir: &Path, plain: SocketAddr, tls: SocketAddr) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["gateway", "--workers", "2", "--listen", &plain.to_string(), "--https", &tls.to_string()])
        .arg("--certs")
        .arg(dir.join("certs"))
        .arg("--dir")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(dir.join("gateway.log")).unwrap())
        .spawn()
        .unwrap()
}

/// A pair that signs itself, as files where the gateway looks for them.
fn make_certificate(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", &format!("/CN={HOST}"), "-addext", &format!("subjectAltName=DNS:{HOST}")])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

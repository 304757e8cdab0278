//! The proxies: how each is told to do the same work.
//!
//! One file a proxy, beside its configuration in `config/`. Each listens for plain HTTP, for TLS and for HTTP/2 without
//! TLS, forwards to the two apps over kept connections with `X-Forwarded-For` added, has one worker and no access log.

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

/// A proxy that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Peer {
    /// HAProxy, of Debian.
    Haproxy,
    /// nginx, of Debian.
    Nginx,
    /// Tidegate's gateway.
    Tidegate,
    /// A loop that forwards bytes without reading HTTP.
    Floor,
    /// The same by splice(2).
    Splice,
}

/// Where a proxy is set up.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its directory, empty.
    pub dir: PathBuf,
    /// Its port for HTTP/1.1.
    pub plain: SocketAddr,
    /// The apps.
    pub upstreams: [SocketAddr; 2],
    /// The program of the gateway.
    pub tidegate: PathBuf,
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
            Peer::Tidegate => "tidegate",
            Peer::Floor => "floor",
            Peer::Splice => "splice",
        }
    }

    /// Whether it forwards bytes alone.
    pub fn is_floor(self) -> bool {
        matches!(self, Peer::Floor | Peer::Splice)
    }

    /// Writes its configuration; returns the command that runs it in the foreground.
    pub fn set_up(self, place: &Place) -> Result<Command, SetupError> {
        fs::create_dir_all(&place.dir)?;
        match self {
            Peer::Haproxy => haproxy::set_up(place),
            Peer::Nginx => nginx::set_up(place),
            Peer::Tidegate => tidegate::set_up(place),
            Peer::Floor => floor::set_up(place, false),
            Peer::Splice => floor::set_up(place, true),
        }
    }
}

impl Place {
    /// A place with free ports.
    pub fn new(dir: &Path, upstreams: [SocketAddr; 2], tidegate: &Path) -> io::Result<Self> {
        Ok(Place { dir: dir.to_owned(), plain: free()?, upstreams, tidegate: tidegate.to_owned() })
    }

    /// Writes a configuration with the words between `@` replaced.
    fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let words = [
            ("@plain@", self.plain.to_string()),
            ("@one@", self.upstreams[0].to_string()),
            ("@two@", self.upstreams[1].to_string()),
            ("@dir@", self.dir.display().to_string()),
        ];
        let text = words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value));
        let path = self.dir.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// The program, where there is one.
fn program(name: &str) -> Result<PathBuf, SetupError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers where users' shells do not look.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.ok_or_else(|| SetupError::Missing(name.to_owned()))
}

/// An address that nobody listens on.
fn free() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

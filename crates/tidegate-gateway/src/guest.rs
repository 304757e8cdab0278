//! Something else that serves in the gateway's process: on a thread and listeners of its own, so that users' requests do not
//! wait for it. The gateway opens the listeners, hands them to the next gateway with its own, and says where they are; what
//! is served there is none of its business.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use crate::gateway::{GatewayError, file_error};
use crate::handover::Listening;
use crate::listen;

/// Where guests listened last, in the gateway's directory.
const LISTENED: &str = "guests.json";
/// How a guest's listener is called among those that are handed over; the gateway's own have names without it.
const PREFIX: &str = "guest:";

/// Certificates by the name that a client asks for.
pub type Certificates = Arc<dyn rustls::server::ResolvesServerCert>;

/// See the module.
pub trait Guest: std::fmt::Debug + Send + Sync {
    /// Where it is to be asked, by a name for each listener.
    fn places(&self) -> Vec<(String, SocketAddr)>;

    /// Begins to serve on these, and returns. `secret` is its own, and the same after a restart; `certificates` are those of
    /// the gateway, of which there are none where it speaks no TLS itself.
    ///
    /// # Errors
    /// Where the machine gives no thread.
    fn begin(
        &self,
        dir: &Path,
        listeners: Vec<(String, TcpListener)>,
        secret: [u8; 32],
        certificates: Certificates,
    ) -> io::Result<()>;

    /// Accepts no more, and ends what is under way. Returns once it has, which is to be soon.
    fn end(&self);

    /// How many descriptors it may take at most, of those of the process.
    fn descriptors(&self) -> u64 {
        0
    }

    /// What it counts, in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// The listeners of a guest.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Vec<(String, TcpListener)>);

impl Rooms {
    /// Opens what a guest asks for. Those of `inherited` that are where one is to be are used; a port that any may be is that
    /// of the last time, if nobody else has it.
    pub(crate) fn open(
        dir: &Path,
        guest: Option<&Arc<dyn Guest>>,
        mut inherited: Vec<(Listening, TcpListener)>,
    ) -> Result<Self, GatewayError> {
        let last = Listened::read(dir);
        let mut rooms = Vec::new();
        for (name, asked) in guest.into_iter().flat_map(|guest| guest.places()) {
            let kind = kind(&name);
            let is_it =
                |(there, _): &(Listening, _)| there.kind == kind && is_same_place(there.address, asked);
            let listener = match inherited.iter().position(is_it) {
                Some(place) => inherited.swap_remove(place).1,
                None => last
                    .bind(&name, asked)
                    .map_err(|source| GatewayError::Listen { address: asked, source })?,
            };
            rooms.push((name, listener));
        }
        let rooms = Rooms(rooms);
        rooms.remember(dir)?;
        Ok(rooms)
    }

    /// Whether a listener that was handed over is a guest's.
    pub(crate) fn are_of(listening: &Listening) -> bool {
        listening.kind.starts_with(PREFIX)
    }

    /// The same sockets again, for whoever takes this gateway's place.
    pub(crate) fn duplicates(&self) -> io::Result<Vec<(Listening, TcpListener)>> {
        let duplicate = |(name, listener): &(String, TcpListener)| {
            Ok((Listening { kind: kind(name), address: listener.local_addr()? }, listener.try_clone()?))
        };
        self.0.iter().map(duplicate).collect()
    }

    /// Where they listen.
    pub(crate) fn places(&self) -> BTreeMap<String, String> {
        let place = |(name, listener): &(String, TcpListener)| {
            Some((name.clone(), listener.local_addr().ok()?.to_string()))
        };
        self.0.iter().filter_map(place).collect()
    }

    /// Has the guest serve on them.
    pub(crate) fn begin(
        self,
        guest: Option<&Arc<dyn Guest>>,
        dir: &Path,
        secret: [u8; 32],
        certificates: Certificates,
    ) -> io::Result<()> {
        guest.map_or(Ok(()), |guest| guest.begin(dir, self.0, secret, certificates))
    }

    fn remember(&self, dir: &Path) -> Result<(), GatewayError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let path = dir.join(LISTENED);
        let text = serde_json::to_vec(&self.places()).map_err(io::Error::from);
        let kept = text.and_then(|text| tidegate_os::file::write_whole(&path, &text, 0o600));
        kept.map_err(|source| file_error(&path, source))
    }
}

/// Where they listened last.
struct Listened(BTreeMap<String, SocketAddr>);

impl Listened {
    fn read(dir: &Path) -> Self {
        let text = fs::read(dir.join(LISTENED)).unwrap_or_default();
        Listened(serde_json::from_slice(&text).unwrap_or_default())
    }

    fn bind(&self, name: &str, asked: SocketAddr) -> io::Result<TcpListener> {
        let last = self.0.get(name).filter(|last| is_same_place(**last, asked));
        let again = last.and_then(|last| bind(*last).ok());
        again.map_or_else(|| bind(asked), Ok)
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let mut listeners = listen::bind_all(address, 1)?;
    listeners.pop().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn kind(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Port 0 asked for any port: whichever it got is right.
fn is_same_place(there: SocketAddr, asked: SocketAddr) -> bool {
    there.ip() == asked.ip() && (asked.port() == 0 || there.port() == asked.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Asks(SocketAddr);

    impl Guest for Asks {
        fn places(&self) -> Vec<(String, SocketAddr)> {
            vec![("one".to_owned(), self.0)]
        }

        fn begin(
            &self,
            _: &Path,
            _: Vec<(String, TcpListener)>,
            _: [u8; 32],
            _: Certificates,
        ) -> io::Result<()> {
            Ok(())
        }

        fn end(&self) {}

        fn metrics(&self) -> String {
            String::new()
        }
    }

    fn guest(at: &str) -> Arc<dyn Guest> {
        Arc::new(Asks(at.parse().unwrap()))
    }

    #[test]
    fn any_port_is_that_of_the_last_time() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Rooms::open(dir.path(), Some(&guest("127.0.0.1:0")), Vec::new()).unwrap();
        let first = open();
        let place = first.places();
        drop(first);
        let second = open();
        assert_eq!(second.places(), place);
        // Somebody has it: another one will do.
        assert_ne!(open().places(), place);
    }

    #[test]
    fn what_was_handed_over_is_used_where_it_is_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let before = Rooms::open(dir.path(), Some(&guest("127.0.0.1:0")), Vec::new()).unwrap();
        let inherited = before.duplicates().unwrap();
        assert!(inherited.iter().all(|(listening, _)| Rooms::are_of(listening)));
        let there = inherited[0].0.address;
        let after = Rooms::open(dir.path(), Some(&guest(&there.to_string())), inherited).unwrap();
        assert_eq!(after.places(), before.places());
        let elsewhere = Rooms::open(dir.path(), Some(&guest("127.0.0.2:0")), before.duplicates().unwrap());
        assert!(elsewhere.unwrap().places()["one"].starts_with("127.0.0.2:"));
    }

    #[test]
    fn a_port_that_somebody_has_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap();
        let refused = Rooms::open(dir.path(), Some(&guest(&address.to_string())), Vec::new());
        assert!(matches!(refused, Err(GatewayError::Listen { address: at, .. }) if at == address));
    }
}

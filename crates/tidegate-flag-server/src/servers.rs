//! All servers of one board: opened together, ended together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::board::Board;
use crate::door::Door;
use crate::grpc::{Grpc, Offer};
use crate::keys::Keys;
use crate::limits::Limits;
use crate::ofrep::Ofrep;
use crate::origins::Origins;
use crate::stop::Stop;

/// What is served to whom.
#[derive(Debug)]
pub struct Settings {
    /// Where.
    pub addresses: Addresses,
    /// To whom.
    pub keys: Keys,
    /// To whose pages.
    pub origins: Origins,
    /// How much at a time.
    pub limits: Limits,
    /// What addresses of event streams are signed with. The same in every process that serves the same clients.
    pub secret: [u8; 32],
}

/// Where each protocol is served; not at all where there is no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// OFREP over HTTP.
    pub ofrep: Option<SocketAddr>,
    /// flagd's evaluation over gRPC.
    pub grpc: Option<SocketAddr>,
    /// flagd's sync over gRPC. It may be the same as that of evaluation.
    pub sync: Option<SocketAddr>,
}

/// An address on which nobody can listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ServeError {
    /// Which.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

/// Open listeners; nobody is served before they run.
#[derive(Debug)]
pub struct Servers {
    board: Arc<Board>,
    ofrep: Option<(Door, Ofrep)>,
    grpc: Vec<(Door, Grpc)>,
    addresses: Addresses,
}

impl Servers {
    /// Opens every listener.
    pub async fn open(settings: Settings, board: Arc<Board>) -> Result<Self, ServeError> {
        let Settings { mut addresses, keys, origins, limits, secret } = settings;
        let mut grpc = Vec::new();
        for offer in offers(addresses) {
            let both = [(offer.evaluation, &mut addresses.grpc), (offer.sync, &mut addresses.sync)];
            let mut own =
                both.into_iter().filter_map(|(offered, address)| address.as_mut().filter(|_| offered));
            let Some(first) = own.next() else { continue };
            let door = door(*first, &limits).await?;
            *first = door.address();
            own.for_each(|second| *second = door.address());
            grpc.push((door, Grpc::new(board.clone(), keys.clone(), limits.clone(), offer)));
        }
        let ofrep = match &mut addresses.ofrep {
            Some(address) => {
                let door = door(*address, &limits).await?;
                *address = door.address();
                Some((door, Ofrep::new(board.clone(), keys, origins, limits, &secret)))
            }
            None => None,
        };
        Ok(Servers { board, ofrep, grpc, addresses })
    }

    /// Where they listen: ports that the machine chose are in it.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Serves until it is told to stop, and ends what is under way.
    pub async fn run(self, stop: Stop) {
        let mut doors = tokio::task::JoinSet::new();
        if let Some((door, ofrep)) = self.ofrep {
            let (board, stop) = (self.board.clone(), stop.clone());
            let ofrep = Arc::new(ofrep);
            doors.spawn(async move {
                door.keep(&board, stop, |stream, stop| ofrep.clone().connection(stream, stop)).await;
            });
        }
        for (door, grpc) in self.grpc {
            let (board, stop) = (self.board.clone(), stop.clone());
            let grpc = Arc::new(grpc);
            doors.spawn(async move {
                door.keep(&board, stop, |stream, stop| grpc.clone().connection(stream, stop)).await;
            });
        }
        while doors.join_next().await.is_some() {}
    }
}

/// What each listener offers: one offers both where they have the same address.
fn offers(addresses: Addresses) -> Vec<Offer> {
    if addresses.grpc == addresses.sync {
        return vec![Offer { evaluation: true, sync: true }];
    }
    vec![Offer { evaluation: true, sync: false }, Offer { evaluation: false, sync: true }]
}

async fn door(address: SocketAddr, limits: &Limits) -> Result<Door, ServeError> {
    Door::open(address, limits.connections).await.map_err(|source| ServeError { address, source })
}

//! All servers of one hall: opened together, ended together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::door::Door;
use crate::grpc::Grpc;
use crate::hall::Hall;
use crate::limits::Limits;
use crate::ofrep::Ofrep;
use crate::origins::Origins;
use crate::stop::Stop;
use crate::tls::{Certificates, Tls};

/// How it is served.
#[derive(Debug)]
pub struct Settings {
    /// To whose pages.
    pub origins: Origins,
    /// How much at a time.
    pub limits: Limits,
    /// What addresses of event streams are signed with. The same in every process that serves the same clients.
    pub secret: [u8; 32],
    /// Under TLS with these; without, everything that is sent can be read on its way, keys too.
    pub certificates: Option<Certificates>,
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

/// What one listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// OFREP over HTTP.
    Ofrep,
    /// flagd's evaluation over gRPC.
    Evaluation,
    /// flagd's sync over gRPC.
    Sync,
    /// Both of flagd's.
    EvaluationAndSync,
}

/// Open listeners; nobody is served before they run.
pub struct Servers {
    hall: Arc<Hall>,
    ofrep: Vec<(Door, Arc<Ofrep>)>,
    grpc: Vec<(Door, Arc<Grpc>)>,
    /// For listeners of OFREP, and for those over gRPC.
    tls: [Option<Tls>; 2],
    addresses: Addresses,
}

impl Servers {
    /// Opens every listener.
    pub async fn open(
        addresses: Addresses,
        settings: &Settings,
        hall: Arc<Hall>,
    ) -> Result<Self, ServeError> {
        let open = |(offer, address)| {
            let listener = std::net::TcpListener::bind(address);
            listener.map(|listener| (offer, listener)).map_err(|source| ServeError { address, source })
        };
        let listeners = addresses.offers().into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let any = listeners.first().and_then(|(_, listener)| listener.local_addr().ok());
        Self::on(listeners, settings, hall).map_err(|source| {
            let address = any.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
            ServeError { address, source }
        })
    }

    /// On listeners that are open. Called within the runtime that is to run them.
    pub fn on(
        listeners: impl IntoIterator<Item = (Offer, std::net::TcpListener)>,
        settings: &Settings,
        hall: Arc<Hall>,
    ) -> io::Result<Self> {
        let Settings { origins, limits, secret, certificates } = settings;
        let tls = |protocol| {
            let certificates = certificates.clone();
            certificates.map(|certificates| Tls::new(certificates, protocol, limits.idle)).transpose()
        };
        let (http, http2) = (tls("http/1.1")?, tls("h2")?);
        let mut servers = Servers {
            hall,
            ofrep: Vec::new(),
            grpc: Vec::new(),
            tls: [http, http2],
            addresses: Addresses::default(),
        };
        for (offer, listener) in listeners {
            let door = Door::of(listener, limits.connections)?;
            servers.addresses.note(offer, door.address());
            let hall = servers.hall.clone();
            if offer == Offer::Ofrep {
                let ofrep = Ofrep::new(hall, origins.clone(), limits.clone(), secret);
                servers.ofrep.push((door, Arc::new(ofrep)));
            } else {
                servers.grpc.push((door, Arc::new(Grpc::new(hall, limits.clone(), offer))));
            }
        }
        Ok(servers)
    }

    /// Where they listen: ports that the machine chose are in it.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Serves until it is told to stop, and ends what is under way.
    pub async fn run(self, stop: Stop) {
        let mut doors = tokio::task::JoinSet::new();
        let [http, http2] = self.tls;
        for (door, ofrep) in self.ofrep {
            let tls = http.clone();
            let (hall, stop) = (self.hall.clone(), stop.clone());
            doors.spawn(async move {
                let serve = |stream, stranger, stop| {
                    let (ofrep, tls) = (ofrep.clone(), tls.clone());
                    async move {
                        match tls {
                            None => ofrep.connection(stream, stranger, stop).await,
                            Some(tls) => {
                                let Some(stream) = tls.accept(stream).await else { return };
                                ofrep.connection(stream, stranger, stop).await;
                            }
                        }
                    }
                };
                door.keep(&hall, stop, serve).await;
            });
        }
        for (door, grpc) in self.grpc {
            let tls = http2.clone();
            let (hall, stop) = (self.hall.clone(), stop.clone());
            doors.spawn(async move {
                let serve = |stream, stranger, stop| {
                    let (grpc, tls) = (grpc.clone(), tls.clone());
                    async move {
                        match tls {
                            None => grpc.connection(stream, stranger, stop).await,
                            Some(tls) => {
                                let Some(stream) = tls.accept(stream).await else { return };
                                grpc.connection(stream, stranger, stop).await;
                            }
                        }
                    }
                };
                door.keep(&hall, stop, serve).await;
            });
        }
        while doors.join_next().await.is_some() {}
    }
}

impl Addresses {
    /// What each listener offers: one offers both of flagd's where they have the same address.
    pub fn offers(&self) -> Vec<(Offer, SocketAddr)> {
        let both = self.grpc.is_some() && self.grpc == self.sync;
        let evaluation = if both { Offer::EvaluationAndSync } else { Offer::Evaluation };
        let sync = self.sync.filter(|_| !both);
        let all = [(Offer::Ofrep, self.ofrep), (evaluation, self.grpc), (Offer::Sync, sync)];
        all.into_iter().filter_map(|(offer, address)| Some((offer, address?))).collect()
    }

    fn note(&mut self, offer: Offer, address: SocketAddr) {
        let at = Some(address);
        match offer {
            Offer::Ofrep => self.ofrep = at,
            Offer::Evaluation => self.grpc = at,
            Offer::Sync => self.sync = at,
            Offer::EvaluationAndSync => (self.grpc, self.sync) = (at, at),
        }
    }
}

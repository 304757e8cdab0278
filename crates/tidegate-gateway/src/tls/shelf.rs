//! The certificates in use, by host name. Written by [`super::watch`], read by every handshake.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::Pair;

/// By host or `*.suffix`.
pub(super) type Pairs = BTreeMap<String, Arc<Pair>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// The lock is held for the time of a reference count, once per handshake.
    pairs: RwLock<Arc<Pairs>>,
}

impl Shelf {
    /// Everything there is.
    pub(super) fn pairs(&self) -> Arc<Pairs> {
        self.pairs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace(&self, pairs: Pairs) {
        *self.pairs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pairs);
    }

    /// The certificate for a name as clients send it.
    pub(super) fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        by_name(&self.pairs(), &name.to_ascii_lowercase()).map(|pair| pair.key.clone())
    }

    /// The same for a client without a name, which asks for an address: of the address it came to, or of the first there
    /// is one for where clients come to another than they know.
    pub(super) fn find_address(&self, local: IpAddr) -> Option<Arc<CertifiedKey>> {
        let pairs = self.pairs();
        let mut addresses = pairs.iter().filter_map(|(host, pair)| Some((address(host)?, pair)));
        let first = addresses.clone().next();
        let own = addresses.find(|(address, _)| *address == local.to_canonical());
        own.or(first).map(|(_, pair)| pair.key.clone())
    }
}

/// The exact name first, then the wildcard of one label (RFC 6125, 6.4.3).
fn by_name<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a Arc<Pair>> {
    let wildcard = || pairs.get(&format!("*.{}", name.split_once('.')?.1));
    pairs.get(name).or_else(wildcard)
}

impl Shelf {
    /// What the certificate for a host or `*.suffix` of a route says; `None` where there is none.
    pub(super) fn leaf(&self, host: &str) -> Option<super::Leaf> {
        let pairs = self.pairs();
        by_name(&pairs, host).map(|pair| pair.leaf.clone())
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

impl ResolvesServerCert for Shelf {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name()?)
    }
}

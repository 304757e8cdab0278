//! Connections on which nobody has been known yet, by the address of the peer: one address gets a part of the seats only.
//!
//! The door counts a connection when it comes in; it counts no more once a call on it was accepted, since whoever has a key is
//! not told apart by address: all of them may come through one proxy.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Of the seats, one address gets one in so many; few seats are not split up so far.
const SHARE: usize = 4;
const FEWEST: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct Strangers {
    most: usize,
    by: Mutex<HashMap<IpAddr, usize>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stranger {
    among: Arc<Strangers>,
    from: IpAddr,
}

impl Strangers {
    /// Where there are so many seats.
    pub(crate) fn of(seats: usize) -> Arc<Self> {
        Arc::new(Strangers { most: (seats / SHARE).max(FEWEST), by: Mutex::default() })
    }

    /// One more from there, if there are not too many.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Stranger> {
        let from = network(from);
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by.entry(from).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Stranger { among: self.clone(), from })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut by = self.among.by.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                by.remove(&self.from);
            }
        }
    }
}

/// Whoever has one address of IPv6 has a whole network of them.
fn network(of: IpAddr) -> IpAddr {
    match of.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(strangers: &Arc<Strangers>, from: &str) -> Option<Stranger> {
        strangers.enter(from.parse().unwrap())
    }

    #[test]
    fn one_address_gets_a_part_of_the_seats() {
        let strangers = Strangers::of(40);
        let mut in_all: Vec<_> = (0..10).map(|_| enter(&strangers, "192.0.2.1").unwrap()).collect();
        assert!(enter(&strangers, "192.0.2.1").is_none());
        assert!(enter(&strangers, "::ffff:192.0.2.1").is_none(), "the same address, written otherwise");
        assert!(enter(&strangers, "192.0.2.2").is_some());
        in_all.pop();
        in_all.push(enter(&strangers, "192.0.2.1").unwrap());
        drop(in_all);
        assert!(strangers.by.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_the_newer_protocol_is_one_address() {
        let strangers = Strangers::of(0);
        let all: Vec<_> =
            (0..8).map(|host| enter(&strangers, &format!("2001:db8::{host}")).unwrap()).collect();
        assert!(enter(&strangers, "2001:db8::ffff:1").is_none());
        assert!(enter(&strangers, "2001:db8:0:1::1").is_some());
        drop(all);
    }
}

//! Free ports for instances.
//!
//! They are taken from outside the range the kernel gives to outgoing connections: none of those can take the port between
//! our look and the instance's bind, and a probe of a port nobody listens on cannot connect to itself.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, socket};

/// Hands out ports, none of them twice in a row.
#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    next: u16,
    recent: VecDeque<u16>,
}

/// A port is not handed out again before this many others were: its next owner may not have bound it yet.
const REMEMBERED: usize = 512;
const WANTED: u16 = 8_192;
const LOWEST: u16 = 10_240;

impl Ports {
    /// Starts somewhere that differs from one control plane to the next (`seed`).
    pub(super) fn new(seed: u64) -> Ports {
        let range = beside(outgoing().unwrap_or((32_768, 60_999)));
        let span = u64::from(range.end() - range.start()) + 1;
        let offset = u16::try_from(seed % span).unwrap_or_default();
        Ports { next: range.start() + offset, range, recent: VecDeque::new() }
    }

    /// A port nothing is bound to and that is not among `used`.
    pub(super) fn take(&mut self, used: &BTreeSet<u16>) -> io::Result<u16> {
        for _ in self.range.clone() {
            let port = self.step();
            if !used.contains(&port) && !self.recent.contains(&port) && is_free(port) {
                self.recent.push_back(port);
                if self.recent.len() > REMEMBERED {
                    self.recent.pop_front();
                }
                return Ok(port);
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no free port in {:?}", self.range)))
    }

    fn step(&mut self) -> u16 {
        let port = self.next;
        self.next = if port >= *self.range.end() { *self.range.start() } else { port + 1 };
        port
    }
}

/// The range of outgoing connections.
fn outgoing() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The wider of the ranges below and above the outgoing one.
fn beside((low, high): (u16, u16)) -> RangeInclusive<u16> {
    let below = low.saturating_sub(1).saturating_sub(WANTED - 1).max(LOWEST)..=low.saturating_sub(1);
    let above = high.saturating_add(1)..=high.saturating_add(WANTED);
    let wide = |range: &RangeInclusive<u16>| range.end().saturating_sub(*range.start());
    let best = if wide(&below) >= wide(&above) { below } else { above };
    // Somebody gave nearly every port to outgoing connections: then there is no better place.
    if wide(&best) < 256 { 20_000..=32_000 } else { best }
}

/// Whether an instance could bind the port on any address, even without `SO_REUSEADDR`.
fn is_free(port: u16) -> bool {
    let Ok(fd) = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None) else {
        return false;
    };
    bind(fd.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_beside_the_outgoing_range() {
        assert_eq!(beside((32_768, 60_999)), 24_576..=32_767);
        assert_eq!(beside((1_024, 50_000)), 50_001..=58_192);
        assert_eq!(beside((1_024, 65_535)), 20_000..=32_000);
    }

    #[test]
    fn a_port_is_neither_used_nor_given_twice_nor_bound() {
        let mut ports = Ports::new(7);
        let first = ports.take(&BTreeSet::new()).unwrap();
        let held = std::net::TcpListener::bind(("127.0.0.1", first + 1)).ok();
        let used = BTreeSet::from([first + 2]);
        let mut other = Ports::new(7);
        assert_eq!(other.next, Ports::new(7).next);
        let more: Vec<u16> = (0..3).map(|_| ports.take(&used).unwrap()).collect();
        assert!(!more.contains(&first) && !more.contains(&(first + 2)));
        assert!(held.is_none() || !more.contains(&(first + 1)));
        assert!(other.take(&BTreeSet::from([first])).unwrap() != first);
    }
}

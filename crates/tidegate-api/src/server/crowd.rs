//! How many connections one address has: whoever is not on this machine cannot take all there are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of one address beyond this machine.
const MOST: usize = 64;

/// Who is connected.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One connection of the crowd, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    crowd: Crowd,
    from: IpAddr,
}

impl Crowd {
    /// Lets one more connection in; `None`: its address has as many as it may. Behind one address of a network there may be many
    /// people; on this machine they are counted together with all others alone.
    pub(super) fn enter(&self, from: IpAddr) -> Option<Guest> {
        let from = from.to_canonical();
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counted.entry(from).or_default();
        if *here >= MOST && !from.is_loopback() {
            return None;
        }
        *here += 1;
        Some(Guest { crowd: self.clone(), from })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counted = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = counted.get_mut(&self.from) {
            *here -= 1;
            if *here == 0 {
                counted.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_seats_and_has_them_again_once_it_left() {
        let crowd = Crowd::default();
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut guests: Vec<Guest> = (0..MOST).map(|_| crowd.enter(one).unwrap()).collect();
        assert!(crowd.enter(one).is_none());
        assert!(crowd.enter("::ffff:192.0.2.1".parse().unwrap()).is_none(), "the same in other words");
        let _other = crowd.enter(other).unwrap();
        guests.pop();
        guests.push(crowd.enter(one).unwrap());
        drop(guests);
        assert_eq!(crowd.0.lock().unwrap().len(), 1, "who has left is forgotten");
        let local: Vec<Guest> =
            (0..2 * MOST).map(|_| crowd.enter("127.0.0.1".parse().unwrap()).unwrap()).collect();
        assert_eq!(local.len(), 2 * MOST);
    }
}

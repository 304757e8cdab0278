//! A worker's own view of the database: no lock and no search for an address that was asked for lately.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::database::Database;
use super::{Geo, Locate, Whereabouts};

/// Addresses that are remembered, one in each slot.
const SLOTS: usize = 1_024;

type Slot = Option<(IpAddr, Option<Whereabouts>)>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Atlas {
    geo: Arc<Geo>,
    /// The epoch of `database`.
    epoch: Cell<u64>,
    database: RefCell<Option<Arc<Database>>>,
    /// Empty until the first address is asked for.
    lately: RefCell<Vec<Slot>>,
}

impl Atlas {
    pub(crate) fn new(geo: Arc<Geo>) -> Self {
        Atlas { geo, epoch: Cell::new(0), database: RefCell::default(), lately: RefCell::default() }
    }

    fn keep_up(&self) {
        let epoch = self.geo.epoch();
        if self.epoch.replace(epoch) != epoch {
            self.database.replace(self.geo.database());
            self.lately.borrow_mut().clear();
        }
    }
}

impl Locate for Atlas {
    fn locate(&self, address: IpAddr) -> Option<Whereabouts> {
        self.keep_up();
        let database = self.database.borrow();
        let database = database.as_ref()?;
        let address = address.to_canonical();
        let mut lately = self.lately.borrow_mut();
        if lately.is_empty() {
            lately.resize(SLOTS, None);
        }
        // Who fills a slot on purpose only makes searches as slow as they are without.
        let slot = &mut lately[FixedState::default().hash_one(address) as usize % SLOTS];
        match slot {
            Some((known, found)) if *known == address => *found,
            _ => slot.insert((address, database.locate(address))).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Code;
    use crate::geo::made::{country, made};
    use std::fs;
    use std::time::{Duration, Instant};

    fn country_of(atlas: &Atlas) -> Option<Code> {
        atlas.locate("127.0.1.5".parse().unwrap())?.country
    }

    async fn until(what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < deadline, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("geo.mmdb");
        let geo = Arc::new(Geo::open(path.clone()));
        let atlas = Atlas::new(geo.clone());
        assert_eq!(country_of(&atlas), None);
        let watching = tokio::spawn(super::super::watch(geo));
        // Once with a chance to see that there is no file yet.
        tokio::task::yield_now().await;
        for code in ["DE", "FR"] {
            fs::write(&path, made("GeoLite2-Country", &[country("127.0.1.0/24", code, "EU")])).unwrap();
            until("the file is read", || country_of(&atlas) == Code::new(code)).await;
        }
        watching.abort();
    }

    #[test]
    fn a_broken_file_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("geo.mmdb");
        let good = made("GeoLite2-Country", &[country("127.0.1.0/24", "DE", "EU")]);
        fs::write(&path, &good).unwrap();
        let geo = Arc::new(Geo::open(path.clone()));
        let atlas = Atlas::new(geo.clone());
        let mut damaged = good.clone();
        // The record's type: only looking through the file shows it.
        let at = good.windows(7).position(|bytes| bytes == b"country").unwrap();
        damaged[at + 7] = 0xff;
        for broken in [&b"broken"[..], &good[..good.len() / 2], &damaged] {
            fs::write(&path, broken).unwrap();
            geo.reload();
            assert_eq!((geo.epoch(), country_of(&atlas)), (1, Code::new("DE")));
        }
        fs::remove_file(&path).unwrap();
        geo.reload();
        assert_eq!(country_of(&atlas), Code::new("DE"));
    }
}

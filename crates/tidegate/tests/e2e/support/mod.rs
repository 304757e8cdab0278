//! What every end-to-end test stands on: a Tidegate of its own, an app to change, load, and a look at processes.
//!
//! A [`Tidegate`] stops all it started when it is dropped and fails the test where anything is left over. States are
//! waited for with [`Tidegate::wait_for`] or [`eventually`], never slept for.
#![allow(dead_code)] // not every test uses everything

mod answer;
mod app;
pub mod bare;
pub mod figures;
mod load;
pub mod packages;
mod ports;
mod processes;
mod repo;
mod shell;
mod tidegate;

pub use answer::{get, get_with};
pub use app::App;
pub use load::{Load, Mix, SeenLog};
pub use ports::free_address;
pub use processes::{Process, kill};
pub use repo::Repo;
pub use shell::{refused, type_in, typed_well};
pub use tidegate::{Deployed, Tidegate};

use std::time::{Duration, Instant};

/// Between two looks at a state that is waited for.
pub const LOOK: Duration = Duration::from_millis(10);

/// Whether the long versions are asked for.
pub fn full() -> bool {
    std::env::var_os("TIDEGATE_E2E_FULL").is_some_and(|value| value == "1")
}

/// Looks until `look` finds something; fails the test after `within`.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not within {within:?}: {what}");
        std::thread::sleep(LOOK);
    }
}

//! How many files may be open: thousands of connections, here and in the proxies, which inherit it.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// More than any case needs.
const ENOUGH: u64 = 65_536;

/// Raises the limit to what is enough, or to what is allowed.
pub fn allow_many() -> io::Result<()> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = ENOUGH.min(most);
    if now < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, most)?;
    }
    Ok(())
}

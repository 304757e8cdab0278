//! How many files a process may have open. Each connection is one.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Lets this process open as many files as it is allowed to; how many that is. What is usual (1,024) is meant for programs
/// that use select(2), and is 500 clients of a gateway.
pub fn allow_many_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// How many files this process may have open.
pub fn file_limit() -> io::Result<u64> {
    Ok(getrlimit(Resource::RLIMIT_NOFILE)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_as_high_as_it_may_be_afterwards() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(256), hard).unwrap();
        assert_eq!(allow_many_files().unwrap(), hard);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
        assert_eq!(file_limit().unwrap(), hard);
    }
}

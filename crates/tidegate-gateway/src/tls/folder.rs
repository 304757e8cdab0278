//! Where the certificate of a host lies: `<certs>/<host>/cert.pem` and `key.pem`. A wildcard's folder is named
//! `_.example.com`, because a shell would expand a star.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::route::host_name;

/// Chain, leaf first.
pub(super) const CERT: &str = "cert.pem";
/// Private key of the leaf.
pub(super) const KEY: &str = "key.pem";

/// The host or `*.suffix` a folder's name stands for; `None` where it is no such name.
pub(super) fn host_of(folder: &str) -> Option<String> {
    let (star, name) = match folder.strip_prefix("_.") {
        Some(rest) => ("*.", rest),
        None => ("", folder),
    };
    let spelled = !name.starts_with('.') && host_name(name).is_ok_and(|same| same == name);
    spelled.then(|| format!("{star}{name}"))
}

/// The folder of a host or `*.suffix`.
pub(super) fn of(certs: &Path, host: &str) -> PathBuf {
    match host.strip_prefix("*.") {
        Some(rest) => certs.join(format!("_.{rest}")),
        None => certs.join(host),
    }
}

/// Where the next pair of a folder is made. It is no host's.
pub(super) fn beside(folder: &Path) -> PathBuf {
    let mut name = OsString::from(".next-");
    name.push(folder.file_name().unwrap_or_default());
    folder.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_hosts_are_told_from_each_other() {
        for (name, host) in [("a.test", "a.test"), ("_.a.test", "*.a.test"), ("127.0.0.1", "127.0.0.1")] {
            assert_eq!(host_of(name).as_deref(), Some(host));
            assert_eq!(of(Path::new("/c"), host), Path::new("/c").join(name));
        }
        for name in [".hidden", "A.test", "..", "_.", "a b", ""] {
            assert_eq!(host_of(name), None, "{name}");
        }
    }
}

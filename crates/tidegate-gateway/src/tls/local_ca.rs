//! A certificate authority of one machine's own, for development: browsers that are told to trust it see the same HTTPS
//! that users will see. Its key never leaves the data directory.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tidegate_os::file::write_atomic;

use super::{Origin, folder, pair};

const NAME: &str = "Tidegate development authority";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clocks of the machines that look at it differ.
const EARLIER: Duration = Duration::from_secs(60 * 60);
const CA_DAYS: u32 = 3_650;
const LEAF_DAYS: u32 = 90;

/// See the module.
#[derive(Debug)]
pub struct LocalCa {
    certificate: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// Why there is no authority, or no certificate of it.
#[derive(Debug, thiserror::Error)]
pub enum LocalCaError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key or a name is not what it should be.
    #[error("{what}: {source}")]
    Made {
        /// What was to be made of it.
        what: String,
        /// Why not.
        source: rcgen::Error,
    },
}

impl LocalCa {
    /// The authority of a directory, made where there is none.
    pub fn open_or_make(dir: &Path) -> Result<LocalCa, LocalCaError> {
        let (certificate, key) = (dir.join("ca.pem"), dir.join("ca.key"));
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| LocalCaError::File { path, source }
        };
        let made = |source| LocalCaError::Made { what: key.display().to_string(), source };
        let pair = if key.exists() && certificate.exists() {
            let pem = fs::read_to_string(&key).map_err(file(&key))?;
            KeyPair::from_pem(&pem).map_err(made)?
        } else {
            let pair = KeyPair::generate().map_err(made)?;
            fs::DirBuilder::new().recursive(true).mode(0o711).create(dir).map_err(file(dir))?;
            write_atomic(&key, pair.serialize_pem().as_bytes(), 0o600).map_err(file(&key))?;
            let own = authority().map_err(made)?.self_signed(&pair).map_err(made)?;
            write_atomic(&certificate, own.pem().as_bytes(), 0o644).map_err(file(&certificate))?;
            pair
        };
        let issuer = Issuer::new(authority().map_err(made)?, pair);
        Ok(LocalCa { certificate, issuer })
    }

    /// What browsers must be told to trust.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Sees to it that the host has a certificate that holds for a while. Whether one was made: what somebody else put
    /// there stays.
    pub fn ensure(&self, certs: &Path, host: &str) -> Result<bool, LocalCaError> {
        let folder = folder::of(certs, host);
        match pair::load(&folder) {
            Ok(pair) if Origin::of(&folder) != Origin::Dev || !pair.leaf.is_due(SystemTime::now()) => {
                return Ok(false);
            }
            Err(_) if !Origin::may_put(&folder) => return Ok(false),
            Ok(_) | Err(_) => {}
        }
        let (cert, key) =
            self.issue(host).map_err(|source| LocalCaError::Made { what: host.to_owned(), source })?;
        Origin::Dev
            .put(certs, host, &cert, &key)
            .map_err(|source| LocalCaError::File { path: folder, source })?;
        Ok(true)
    }

    fn issue(&self, host: &str) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let name = host.trim_matches(['[', ']']).to_owned();
        let mut params = CertificateParams::new(vec![name.clone()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        last(&mut params, LEAF_DAYS);
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

/// Whether a certificate can be made for it: a name, a wildcard or an address.
pub fn is_host(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let name = host.strip_prefix("*.").unwrap_or(host);
    address || crate::route::host_name(name).is_ok_and(|same| same == name && !name.starts_with('['))
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    last(&mut params, CA_DAYS);
    Ok(params)
}

fn last(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now();
    params.not_before = (now - EARLIER).into();
    params.not_after = (now + DAY * days).into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_authority_signs_for_hosts_that_have_nothing_better() {
        let dir = tempfile::tempdir().unwrap();
        let certs = dir.path().join("certs");
        let first = LocalCa::open_or_make(dir.path()).unwrap();
        let own = fs::read(first.certificate()).unwrap();
        assert!(first.ensure(&certs, "a.test").unwrap());
        let again = LocalCa::open_or_make(dir.path()).unwrap();
        assert_eq!(fs::read(again.certificate()).unwrap(), own);
        assert!(!again.ensure(&certs, "a.test").unwrap(), "it holds for a while");
        for host in ["127.0.0.1", "[::1]", "*.a.test"] {
            assert!(is_host(host) && again.ensure(&certs, host).unwrap(), "{host}");
            let pair = pair::load(&folder::of(&certs, host)).unwrap();
            assert_eq!(pair.leaf.names, [host.trim_matches(['[', ']'])]);
            assert_eq!(pair.leaf.issuer, NAME);
        }
        assert!(!is_host("a b") && !is_host(""));
    }

    #[test]
    fn what_somebody_else_put_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let ca = LocalCa::open_or_make(dir.path()).unwrap();
        for (host, file) in [("a.test", "cert.pem"), ("b.test", "key.pem")] {
            let folder = dir.path().join(host);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), "broken").unwrap();
            assert!(!ca.ensure(dir.path(), host).unwrap());
            assert_eq!(fs::read(folder.join(file)).unwrap(), b"broken");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{file} stays alone");
        }
    }

    #[test]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let ca = LocalCa::open_or_make(dir.path()).unwrap();
        ca.ensure(dir.path(), "a.test").unwrap();
        for key in ["ca.key", "a.test/key.pem"] {
            let mode = fs::metadata(dir.path().join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }
}

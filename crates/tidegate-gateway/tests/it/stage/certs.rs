//! Certificates for tests: an authority of their own, and files where the gateway looks for them.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate as a file.
    pub fn file(&self, dir: &Path) -> PathBuf {
        let path = dir.join("ca.pem");
        fs::write(&path, &self.pem).unwrap();
        path
    }

    /// Chain and key for a host.
    pub fn issue(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// As [`Authority::issue`], with its own certificate as `ca.pem` in the folder.
    pub fn issue_with_file(&self, dir: &Path, host: &str) -> (String, String) {
        self.file(dir);
        self.issue(host)
    }

    /// Puts a pair where the gateway finds it.
    pub fn put(&self, certs: &Path, host: &str) {
        let folder = certs.join(host.replace('*', "_"));
        let (cert, key) = self.issue(host);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("key.pem"), key).unwrap();
        fs::write(folder.join("cert.pem"), cert).unwrap();
    }
}

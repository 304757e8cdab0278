//! Which provider, and as whom it is asked.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use tidegate_core::access::OpenIdRules;

/// The longest secret, in bytes.
const LONGEST_SECRET: usize = 4_096;

/// How a provider is asked, and what its word is worth.
#[derive(Clone, Debug)]
pub struct OpenIdSettings {
    /// As whom the provider knows this Tidegate.
    pub client_id: String,
    /// What proves it.
    pub client_secret: ClientSecret,
    /// What is asked for.
    pub scopes: String,
    /// How browsers reach the API: `https://tidegate.example`.
    pub base: String,
    /// What its word is worth.
    pub rules: OpenIdRules,
}

/// What proves to the provider that it is asked by its client. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct ClientSecret(String);

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

impl ClientSecret {
    /// The text of a file, without blanks around it.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds no secret.
    pub fn in_file(file: &Path) -> io::Result<Self> {
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let text = std::fs::read_to_string(file)?;
        let secret = text.trim();
        match secret.len() {
            0 => Err(bad("the file is empty")),
            1..=LONGEST_SECRET if !secret.contains(char::is_control) => Ok(ClientSecret(secret.to_owned())),
            _ => Err(bad("the file holds more than a secret in one line")),
        }
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Why a URL is none that can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is no URL with a host.
    #[error("`{0}` is no URL like `https://id.example`")]
    Shape(String),
    /// Whoever is on the way could say anything.
    #[error("`{0}` is not encrypted: only on this machine may a provider do without https")]
    Plain(String),
}

impl OpenIdSettings {
    /// Where the provider sends browsers back to: what has to be registered with it.
    pub fn callback(&self) -> String {
        format!("{}/v1/login/oidc/callback", self.base)
    }

    /// Whether an issuer, or another address of the provider, is one that can be believed.
    ///
    /// # Errors
    /// Why not.
    pub fn check_url(url: &str) -> Result<(), SettingsError> {
        let bad = || SettingsError::Shape(url.to_owned());
        let (rest, tls) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(bad()),
        };
        let graphic = rest.bytes().all(|b| b.is_ascii_graphic());
        if !graphic || rest.contains(['@', '#', '\\', '"', '<', '>']) {
            return Err(bad());
        }
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        let (host, _) = crate::engine::ask::http::host_and_port(authority, 443).map_err(|_| bad())?;
        if tls || is_here(host) { Ok(()) } else { Err(SettingsError::Plain(url.to_owned())) }
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_do_without_https() {
        let check = OpenIdSettings::check_url;
        for good in [
            "https://id.example",
            "https://id.example:8443/realms/shop",
            "http://127.0.0.1:3000",
            "http://localhost:3000/x?y",
            "http://[::1]:3000",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for plain in ["http://id.example", "http://192.0.2.1/", "http://localhost.evil.example"] {
            assert_eq!(check(plain), Err(SettingsError::Plain(plain.to_owned())));
        }
        for bad in
            ["", "id.example", "ftp://id.example", "https://", "https://a@b", "https://a b", "https://a:b"]
        {
            assert_eq!(check(bad), Err(SettingsError::Shape(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_one_line_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            ClientSecret::in_file(&file)
        };
        let secret = read(" s3cret\n").unwrap();
        assert_eq!(secret.reveal(), "s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));
        assert!(read("\n").is_err() && read("a\nb").is_err() && read(&"x".repeat(5_000)).is_err());
        assert!(ClientSecret::in_file(&folder.path().join("none")).is_err());
    }
}

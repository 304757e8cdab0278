//! What the command line was given to be let in by, per server: `credentials.json` in the user's own configuration, which nobody else
//! can read. `TIDEGATE_TOKEN` goes before it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tidegate_api::Token;

use crate::failure::Failure;

/// The largest file, in bytes.
const LARGEST: u64 = 1 << 20;

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The server of the last login: asked where nothing else says which.
    pub last: Option<String>,
    /// By address, as `https://tidegate.example:443`.
    servers: BTreeMap<String, Credential>,
}

/// What opens one server. Its `Debug` output does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// The token.
    token: String,
    /// Whose it is, for people.
    pub who: String,
    /// A file with the authorities to believe instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("who", &self.who).finish_non_exhaustive()
    }
}

impl Credential {
    /// Of a token.
    pub fn new(token: &Token, who: String, ca: Option<PathBuf>) -> Self {
        Credential { token: token.reveal().to_owned(), who, ca }
    }

    /// The token.
    pub fn token(&self) -> Token {
        Token::new(self.token.clone())
    }
}

impl Credentials {
    /// What there is; nothing where there is no file. A file that others can read is made private first.
    pub fn load() -> Result<Self, Failure> {
        let Some(path) = path() else { return Ok(Credentials::default()) };
        match read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| damaged(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Credentials::default()),
            Err(error) => Err(trouble(&path, &error)),
        }
    }

    /// What opens a server.
    pub fn of(&self, server: &str) -> Option<&Credential> {
        self.servers.get(server)
    }

    /// Keeps what opens a server, in place of what did.
    pub fn keep(&mut self, server: &str, credential: Credential) {
        self.servers.insert(server.to_owned(), credential);
        self.last = Some(server.to_owned());
    }

    /// Forgets a server; what opened it.
    pub fn forget(&mut self, server: &str) -> Option<Credential> {
        if self.last.as_deref() == Some(server) {
            self.last = None;
        }
        self.servers.remove(server)
    }

    /// Writes it all, whole or not at all.
    pub fn save(&self) -> Result<(), Failure> {
        let path = path().ok_or_else(nowhere)?;
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| trouble(&path, &io::Error::other(error)))?;
        let folder = path.parent().map_or_else(PathBuf::new, PathBuf::from);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.and_then(|()| tidegate_os::file::write_atomic(&path, &text, 0o600))
            .map_err(|error| trouble(&path, &error))
    }
}

fn read(path: &PathBuf) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// `~/.config/tidegate/credentials.json`, or where `XDG_CONFIG_HOME` says; `None`: there is no home.
fn path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("tidegate/credentials.json"))
}

fn nowhere() -> Failure {
    Failure::environment(
        "there is no home to keep the token in",
        "set HOME, or set TIDEGATE_TOKEN yourself instead of logging in",
    )
}

fn trouble(path: &std::path::Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be used: {error}", path.display());
    Failure::environment(message, "see its permissions, or set TIDEGATE_TOKEN instead")
}

fn damaged(path: &std::path::Path) -> Failure {
    let message = format!("{} is not what `tidegate login` writes", path.display());
    Failure::environment(message, "move it away and log in again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_and_the_last_login_is_meant_where_nothing_is_said() {
        let mut known = Credentials::default();
        let credential = |who: &str| Credential::new(&Token::new("secret"), who.to_owned(), None);
        known.keep("https://a:443", credential("ann"));
        known.keep("https://b:443", credential("bob"));
        assert_eq!(known.last.as_deref(), Some("https://b:443"));
        assert!(!format!("{known:?}").contains("secret"));
        let again: Credentials = serde_json::from_str(&serde_json::to_string(&known).unwrap()).unwrap();
        assert_eq!(again.of("https://a:443").unwrap().token().reveal(), "secret");
        assert!(again.of("https://a:80").is_none());
        assert_eq!(known.forget("https://b:443").unwrap().who, "bob");
        assert!(known.last.is_none() && known.of("https://b:443").is_none());
    }
}

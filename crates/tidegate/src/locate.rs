//! Where the server is: as said, or by the data directory in this folder or one above.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tidegate_api::{Client, Token};

use crate::credentials::Credentials;
use crate::failure::Failure;

/// The data directory's name where none is said.
pub const DATA_DIR: &str = ".tidegate";
/// The API's socket in a data directory.
pub const SOCKET: &str = "api.sock";
/// The API's token in a data directory.
pub const TOKEN: &str = "token";

/// A way to the server. `ca`: a file with the authorities to believe instead of the system's. Where nothing is said and no data directory
/// is near, the server of the last login is meant.
pub fn client(api: Option<&str>, ca: Option<&Path>) -> Result<Client, Failure> {
    match api {
        Some(url) if url.contains("://") => by_url(url, ca),
        Some(dir) => by_directory(Path::new(dir)),
        None => match nearest_data_dir() {
            Ok(dir) => by_directory(&dir),
            Err(none) => by_url(&Credentials::load()?.last.ok_or(none)?, ca),
        },
    }
}

/// With the token that is set, or that of a login.
fn by_url(url: &str, ca: Option<&Path>) -> Result<Client, Failure> {
    if let Some(token) = token_set() {
        return Ok(Client::vouched(url, Some(token), ca)?);
    }
    let known = Credentials::load()?;
    let credential = known.of(&Client::address_of(url)?).ok_or_else(|| no_token(url))?;
    Ok(Client::vouched(url, Some(credential.token()), ca.or(credential.ca.as_deref()))?)
}

/// A way to the server of a data directory.
pub fn by_directory(dir: &Path) -> Result<Client, Failure> {
    let socket = dir.join(SOCKET);
    if socket.symlink_metadata().is_ok() {
        return Ok(Client::unix(socket));
    }
    if let Some(pid) = crate::wiring::data_dir::holder(dir) {
        let message = format!(
            "a control plane (process {pid}) runs on {}, but its socket {SOCKET} is not there: it is just starting or \
             ending, or somebody removed the file",
            dir.display()
        );
        let help = format!(
            "try again; if it stays so, `kill {pid}` ends it while instances and the gateway go on, and `tidegate up` with \
             the same --data, --gateway and --api takes over"
        );
        return Err(Failure::environment(message, help));
    }
    let message = if dir.is_dir() {
        format!("no server runs on the data directory {}", dir.display())
    } else {
        format!("{} is no data directory of Tidegate", dir.display())
    };
    Err(Failure::environment(message, format!("start one with `tidegate up --data {}`", dir.display())))
}

fn token_set() -> Option<Token> {
    let set = std::env::var("TIDEGATE_TOKEN").ok().filter(|text| !text.trim().is_empty());
    set.map(|text| Token::new(text.trim()))
}

fn no_token(url: &str) -> Failure {
    let help = format!(
        "`tidegate login {url}`; or set TIDEGATE_TOKEN to a token, or to the text of the file `{TOKEN}` in the server's data directory, like \
         `export TIDEGATE_TOKEN=$(cat {DATA_DIR}/{TOKEN})`"
    );
    Failure::environment(format!("the API at {url} needs a token"), help)
}

/// The first `.tidegate` here or above that has a socket; else the first at all.
pub fn nearest_data_dir() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(|error| {
        Failure::environment(format!("cannot tell the current folder: {error}"), "change to another")
    })?;
    let found = || here.ancestors().map(|folder| folder.join(DATA_DIR)).filter(|dir| is_trusted(dir));
    found().find(|dir| dir.join(SOCKET).exists()).or_else(|| found().next()).ok_or_else(|| {
        let message = format!("no server found: there is no {DATA_DIR} in {} or above", here.display());
        Failure::environment(message, "start one with `tidegate up`, or set TIDEGATE_API to where it runs")
    })
}

/// A directory that we or root own: one that somebody else left in a folder above would be given what is uploaded. To use
/// another's, name it.
fn is_trusted(dir: &Path) -> bool {
    let own = tidegate_os::process::own_user().uid;
    dir.metadata().is_ok_and(|meta| meta.is_dir() && (meta.uid() == own || meta.uid() == 0))
}

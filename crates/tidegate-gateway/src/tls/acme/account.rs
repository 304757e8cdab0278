//! The account with an authority: made once, kept in a file that only its owner may read.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};
use tidegate_os::file::write_atomic;

use super::{AcmeConfig, AcmeError};

/// The account of the authority, from its file or new.
pub(super) async fn open(config: &AcmeConfig, dir: &Path) -> Result<Account, AcmeError> {
    let path = dir.join(file_name(&config.directory));
    match fs::read(&path) {
        Ok(bytes) => {
            let known: AccountCredentials =
                serde_json::from_slice(&bytes).map_err(|error| file(&path, &error.to_string()))?;
            Ok(builder(config)?.from_credentials(known).await?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(config, dir, &path).await,
        Err(error) => Err(file(&path, &error.to_string())),
    }
}

async fn make(config: &AcmeConfig, dir: &Path, path: &Path) -> Result<Account, AcmeError> {
    let contact = format!("mailto:{}", config.email);
    let wanted =
        NewAccount { contact: &[&contact], terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder(config)?.create(&wanted, config.directory.clone(), None).await?;
    let bytes = serde_json::to_vec(&credentials).map_err(|error| file(path, &error.to_string()))?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .and_then(|()| write_atomic(path, &bytes, 0o600))
        .map_err(|error| file(path, &error.to_string()))?;
    tracing::info!(directory = config.directory, "an account with the authority was made");
    Ok(account)
}

fn builder(config: &AcmeConfig) -> Result<AccountBuilder, AcmeError> {
    Ok(match &config.ca {
        Some(ca) => Account::builder_with_root(ca)?,
        None => Account::builder()?,
    })
}

/// One account per authority: its URL, without what a file name cannot have.
fn file_name(directory: &str) -> PathBuf {
    let plain = directory.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' });
    format!("account-{}.json", plain.collect::<String>()).into()
}

fn file(path: &Path, why: &str) -> AcmeError {
    AcmeError::File { path: path.to_owned(), why: why.to_owned() }
}

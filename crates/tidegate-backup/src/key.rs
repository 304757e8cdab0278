//! Whom a backup is encrypted for. The machine keeps public keys alone: whoever takes all of it cannot open its backups.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519;
use tidegate_os::file;

use crate::error::{BackupError, io, mistake};

/// The folder of a data directory that says how it is backed up.
pub(crate) const FOLDER: &str = "backup";
const PUBLIC: &str = "recipients";
/// More than any file of keys or any passphrase.
const LARGEST: u64 = 64 << 10;
/// A passphrase shorter than this is guessed by whoever has the file.
const SHORTEST: usize = 12;
/// Recipients of one backup: each makes the file's head larger.
const MOST: usize = 64;

/// Whom it is encrypted for.
pub enum Recipients {
    /// Whoever holds the private part of one of these keys.
    Keys(Vec<x25519::Recipient>),
    /// Whoever knows it.
    Passphrase(SecretString),
}

/// What opens it.
pub enum Unlock {
    /// Private keys.
    Identities(Vec<x25519::Identity>),
    /// A passphrase.
    Passphrase(SecretString),
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipients::Keys(keys) => write!(f, "Recipients({} keys)", keys.len()),
            Recipients::Passphrase(_) => f.write_str("Recipients(passphrase)"),
        }
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unlock::Identities(keys) => write!(f, "Unlock({} keys)", keys.len()),
            Unlock::Passphrase(_) => f.write_str("Unlock(passphrase)"),
        }
    }
}

impl Recipients {
    /// Of public keys as text: `age1…`.
    ///
    /// # Errors
    /// [`BackupError::Mistake`] for one that is none, or for none or too many.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Recipients, BackupError> {
        let keys = texts.into_iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() || keys.len() > MOST {
            let what = format!("a backup is for 1 to {MOST} keys, these are {}", keys.len());
            return Err(mistake(what, "name some with --recipient age1…"));
        }
        Ok(Recipients::Keys(keys))
    }

    /// Of a passphrase in a file: its first line.
    pub fn passphrase_in(path: &Path) -> Result<Recipients, BackupError> {
        let passphrase = passphrase(path)?;
        if passphrase.expose_secret().chars().count() < SHORTEST {
            let what = format!("the passphrase in {} has fewer than {SHORTEST} characters", path.display());
            return Err(mistake(what, "take a longer one, such as six words by chance"));
        }
        Ok(Recipients::Passphrase(passphrase))
    }

    /// What opens a backup for them as well; `None`: the private keys are elsewhere.
    pub(crate) fn opens(&self) -> Option<Unlock> {
        match self {
            Recipients::Keys(_) => None,
            Recipients::Passphrase(passphrase) => Some(Unlock::Passphrase(passphrase.clone())),
        }
    }
}

impl Unlock {
    /// Private keys in a file, one a line; lines that begin with `#` say something else.
    pub fn identities_in(path: &Path) -> Result<Unlock, BackupError> {
        let text = read(path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<x25519::Identity> = lines
            .map(|line| {
                // What was not understood may be a key with a slip of the pen: it is not quoted.
                let what = format!("{} has a line that is no private key", path.display());
                line.parse().map_err(|_| mistake(what, "a key begins with AGE-SECRET-KEY-1"))
            })
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            let what = format!("{} has no private key", path.display());
            return Err(mistake(what, "`tidegate backup key` prints one when it makes it"));
        }
        Ok(Unlock::Identities(keys))
    }

    /// A passphrase in a file: its first line.
    pub fn passphrase_in(path: &Path) -> Result<Unlock, BackupError> {
        passphrase(path).map(Unlock::Passphrase)
    }
}

/// A key that was just made.
pub struct NewKey {
    /// The private part. It is told once and kept nowhere.
    pub identity: SecretString,
    /// The public part, which the data directory keeps.
    pub recipient: String,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({})", self.recipient)
    }
}

impl NewKey {
    /// The private part as text.
    pub fn expose(&self) -> &str {
        self.identity.expose_secret()
    }
}

/// Makes a key for the backups of a data directory. With `more`, those there are stay: each of them opens backups from now on.
///
/// # Errors
/// [`BackupError::Mistake`] where there is one already and `more` was not asked for.
pub fn make_key(data: &Path, more: bool) -> Result<NewKey, BackupError> {
    let path = public(data);
    let known = if path.exists() { read(&path)? } else { String::new() };
    if !known.trim().is_empty() && !more {
        let what = format!("{} has a key already", data.display());
        let help = "`tidegate backup key --more` makes another that opens backups as well; to replace a key remove its line from \
                    `backup/recipients` in the data directory";
        return Err(mistake(what, help));
    }
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let folder = data.join(FOLDER);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io("make", &folder))?;
    let text =
        format!("{known}{}{recipient}\n", if known.is_empty() || known.ends_with('\n') { "" } else { "\n" });
    file::write_atomic(&path, text.as_bytes(), 0o600).map_err(io("write", &path))?;
    Ok(NewKey { identity: identity.to_string(), recipient })
}

/// Whom the backups of a data directory are for where nobody says; `None`: no key was made.
pub fn recipients_of(data: &Path) -> Result<Option<Recipients>, BackupError> {
    let path = public(data);
    if !path.exists() {
        return Ok(None);
    }
    let text = read(&path)?;
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if lines.is_empty() { Ok(None) } else { Recipients::parse(lines).map(Some) }
}

fn public(data: &Path) -> PathBuf {
    data.join(FOLDER).join(PUBLIC)
}

fn recipient(text: &str) -> Result<x25519::Recipient, BackupError> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        let what = "a private key was given in place of a public one";
        return Err(mistake(
            what,
            "name the public one, which begins with age1; and take the private one out of your shell's history",
        ));
    }
    text.parse().map_err(|_| {
        mistake(format!("`{text}` is no public key"), "one begins with age1 and has 62 characters")
    })
}

fn passphrase(path: &Path) -> Result<SecretString, BackupError> {
    let mut text = read(path)?;
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    text.truncate(end);
    if text.is_empty() {
        return Err(mistake(
            format!("{} begins with an empty line", path.display()),
            "write the passphrase into its first line",
        ));
    }
    Ok(SecretString::from(text))
}

fn read(path: &Path) -> Result<String, BackupError> {
    let opened = File::open(path).map_err(io("read", path))?;
    let mut text = String::new();
    opened.take(LARGEST + 1).read_to_string(&mut text).map_err(io("read", path))?;
    if text.len() as u64 > LARGEST {
        return Err(mistake(format!("{} has more than 64 KiB", path.display()), "name the file of the key"));
    }
    Ok(text)
}

/// Whether a key was ever made for a data directory.
pub(crate) fn folder(data: &Path) -> Result<PathBuf, BackupError> {
    let folder = data.join(FOLDER);
    if !fs::exists(&folder).map_err(io("look for", &folder))? {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io("make", &folder))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_part_is_told_once_and_is_nowhere_in_the_data_directory() {
        let data = tempfile::tempdir().unwrap();
        assert!(recipients_of(data.path()).unwrap().is_none());
        let key = make_key(data.path(), false).unwrap();
        assert!(key.expose().starts_with("AGE-SECRET-KEY-1") && key.recipient.starts_with("age1"));
        assert!(!format!("{key:?}").contains(key.expose()));
        let kept = fs::read_to_string(public(data.path())).unwrap();
        assert!(kept.contains(&key.recipient) && !kept.contains(key.expose()));
        assert!(make_key(data.path(), false).unwrap_err().is_mistake());
        let more = make_key(data.path(), true).unwrap();
        assert_ne!(more.recipient, key.recipient);
        let Some(Recipients::Keys(keys)) = recipients_of(data.path()).unwrap() else { panic!("no keys") };
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_private_one_not_quoted() {
        let secret = x25519::Identity::generate().to_string();
        let refused = Recipients::parse([secret.expose_secret()]).unwrap_err();
        assert!(!format!("{refused:?}{refused}").contains(secret.expose_secret()));
        assert!(Recipients::parse(["age1nonsense"]).is_err() && Recipients::parse([]).is_err());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, format!("# made today\n\n{}X\n", secret.expose_secret())).unwrap();
        let refused = Unlock::identities_in(&file).unwrap_err();
        assert!(!format!("{refused:?}{refused}").contains(&secret.expose_secret()[..40]));
        fs::write(&file, format!("# made today\n\n{}\n", secret.expose_secret())).unwrap();
        assert!(matches!(Unlock::identities_in(&file), Ok(Unlock::Identities(keys)) if keys.len() == 1));
        fs::write(&file, "short\n").unwrap();
        assert!(Recipients::passphrase_in(&file).is_err());
        fs::write(&file, "").unwrap();
        assert!(Unlock::passphrase_in(&file).is_err());
    }
}

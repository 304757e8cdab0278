//! What opens the repositories that are followed, and what their webhooks are proved with: files that nobody else can read, in a
//! folder for each connection under `git/sources`. A new connection has a new folder, so none is ever half changed.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tidegate_core::model::{GitSource, SourceAccess};
use tidegate_os::file::write_atomic;

use super::{ConnectSource, Hidden};
use crate::git::Opener;
use crate::hook::HookSecret;

const HOOK: &str = "hook";
const TOKEN: &str = "token";
const KEY: &str = "key";
const KNOWN_HOSTS: &str = "known_hosts";
/// There where whoever connected it said which keys its host has.
const STRICT: &str = "strict";
const ASKPASS: &str = "askpass";
const MOST: u64 = 64 << 10;

/// Gives git what opens a repository, for the host it was connected to and for no other. No secret is in it, in its words or in its
/// surroundings: only the name of a file.
const ASKPASS_TEXT: &str = r#"#!/bin/sh
case $1 in
"Username for '"*"://$TIDEGATE_GIT_HOST'"*) printf '%s\n' "$TIDEGATE_GIT_USER" ;;
"Password for '"*"@$TIDEGATE_GIT_HOST'"*) cat "$TIDEGATE_GIT_TOKEN_FILE" ;;
*) exit 1 ;;
esac
"#;

/// Makes what looking takes. For who holds the data directory, before anything is looked at.
///
/// # Errors
/// Whatever the file system says.
pub fn prepare(data: &Path) -> io::Result<()> {
    private_folder(&root(data))?;
    write_atomic(&root(data).join(ASKPASS), ASKPASS_TEXT.as_bytes(), 0o700)
}

/// Keeps what came with a connection.
pub(super) fn keep(data: &Path, id: &str, secret: &HookSecret, request: &ConnectSource) -> io::Result<()> {
    let folder = folder(data, id);
    private_folder(&folder)?;
    let file = |name: &str, text: &str| write_atomic(&folder.join(name), text.as_bytes(), 0o600);
    file(HOOK, secret.reveal())?;
    if let Some(token) = &request.token {
        file(TOKEN, &line(token))?;
    }
    if let Some(key) = &request.ssh_key {
        file(KEY, &line(key))?;
    }
    if let Some(hosts) = &request.known_hosts {
        file(KNOWN_HOSTS, hosts)?;
        file(STRICT, "")?;
    }
    Ok(())
}

/// A secret as a line: what reads it wants its end.
fn line(secret: &Hidden) -> String {
    format!("{}\n", secret.reveal().trim_end())
}

/// What opens a repository.
pub(super) fn opener(data: &Path, id: &str, access: &SourceAccess) -> Opener {
    let folder = folder(data, id);
    match access {
        SourceAccess::Open => Opener::Nothing,
        SourceAccess::Token { user } => {
            Opener::Token { user: user.clone(), token: folder.join(TOKEN), askpass: root(data).join(ASKPASS) }
        }
        SourceAccess::Key => Opener::Key {
            key: folder.join(KEY),
            known_hosts: folder.join(KNOWN_HOSTS),
            strict: folder.join(STRICT).exists(),
        },
    }
}

/// What webhooks are proved with.
pub(super) fn hook_secret(data: &Path, id: &str) -> io::Result<HookSecret> {
    let mut text = String::new();
    File::open(folder(data, id).join(HOOK))?.take(MOST).read_to_string(&mut text)?;
    HookSecret::chosen(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its file holds none"))
}

/// Removes what came with a connection.
pub(super) fn drop(data: &Path, id: &str) -> io::Result<()> {
    match fs::remove_dir_all(folder(data, id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Removes what belongs to none of these: a kill came before it was used, or after it was.
pub(super) fn keep_only(data: &Path, sources: &[GitSource]) -> io::Result<()> {
    let ids: BTreeSet<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    for entry in fs::read_dir(root(data))? {
        let entry = entry?;
        let used = entry.file_name().to_str().is_some_and(|name| ids.contains(name));
        if entry.file_type()?.is_dir() && !used {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn root(data: &Path) -> PathBuf {
    data.join("git").join("sources")
}

fn folder(data: &Path, id: &str) -> PathBuf {
    root(data).join(id)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    fn request() -> ConnectSource {
        ConnectSource {
            app: "shop".parse().unwrap(),
            url: "https://git.example.org:8443/ann/shop.git".to_owned(),
            branches: Vec::new(),
            poll_ms: None,
            secret: None,
            token: Some(Hidden::new("s3cret")),
            user: None,
            ssh_key: None,
            known_hosts: None,
            by: "ann".to_owned(),
        }
    }

    #[test]
    fn what_opens_a_repository_is_for_its_owner_and_its_host_alone() {
        let data = tempfile::tempdir().unwrap();
        prepare(data.path()).unwrap();
        keep(data.path(), "c1", &HookSecret::made().unwrap(), &request()).unwrap();
        for file in fs::read_dir(folder(data.path(), "c1")).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let access = SourceAccess::Token { user: "ann".to_owned() };
        let Opener::Token { user, token, askpass } = opener(data.path(), "c1", &access) else { panic!() };
        let asked = |prompt: &str| {
            let mut asking = Command::new(&askpass);
            asking.arg(prompt).env("TIDEGATE_GIT_HOST", "git.example.org:8443");
            asking.env("TIDEGATE_GIT_USER", &user).env("TIDEGATE_GIT_TOKEN_FILE", &token);
            String::from_utf8(asking.output().unwrap().stdout).unwrap()
        };
        assert_eq!(asked("Username for 'https://git.example.org:8443': "), "ann\n");
        assert_eq!(asked("Password for 'https://ann@git.example.org:8443': "), "s3cret\n");
        for other in
            ["https://ann@git.example.org", "https://ann@evil.example", "https://ann@git.example.org:84"]
        {
            assert_eq!(asked(&format!("Password for '{other}': ")), "", "{other}");
        }
    }

    #[test]
    fn what_belongs_to_no_connection_goes() {
        let data = tempfile::tempdir().unwrap();
        prepare(data.path()).unwrap();
        keep(data.path(), "c1", &HookSecret::made().unwrap(), &request()).unwrap();
        assert!(hook_secret(data.path(), "c1").is_ok());
        keep_only(data.path(), &[]).unwrap();
        assert!(hook_secret(data.path(), "c1").is_err());
        assert!(root(data.path()).join(ASKPASS).exists());
        drop(data.path(), "c1").unwrap();
    }
}

//! `tidegate git authorize`: lets somebody push over SSH, by the machine's own sshd.

use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_core::model::Name;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::read_small;
use crate::print::Out;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate git authorize ann.pub --user ann >> ~/.ssh/authorized_keys\n  \
                        git push ssh://tidegate@host/shop.git HEAD:main\n\n\
                        Run it as the user who runs `tidegate up`, on that machine: the line lets the key do nothing else."
)]
pub struct AuthorizeArgs {
    /// The public key's file, like id_ed25519.pub
    #[arg(value_name = "FILE")]
    key: PathBuf,
    /// Whose key it is: a user, who may do with it what they may, and nothing once they are disabled
    #[arg(long, value_name = "NAME", required_unless_present = "by", conflicts_with = "by")]
    user: Option<Name>,
    /// Whose key it is, where nobody is known as a user: the name that runs and approvals are known by
    #[arg(long, value_name = "NAME")]
    by: Option<Name>,
    /// Only this app's repository; can be given more than once [default: every app's]
    #[arg(long = "app", value_name = "APP")]
    apps: Vec<Name>,
}

/// Prints a line for authorized_keys.
pub fn run(args: &AuthorizeArgs, session: &Session) -> Result<Exit, Failure> {
    let absent = || Failure::mistake(format!("there is no file {}", args.key.display()), "name another");
    let text = read_small(&args.key)?.ok_or_else(absent)?;
    let key = public_key(&text).ok_or_else(no_key)?;
    let data = session.data_dir().and_then(|dir| dir.canonicalize().ok()).ok_or_else(|| {
        Failure::mistake(
            "no data directory found",
            "run it where the server runs, or name it with `--api DIR`",
        )
    })?;
    let program = std::env::current_exe().map_err(|error| unusable(&error.to_string()))?;
    let (program, data) = (quoted(&program)?, quoted(&data)?);
    let apps: String = args.apps.iter().map(|app| format!(" --app {app}")).collect();
    let (option, name) = whose(args, session)?;
    let line =
        format!("command=\"{program} git-ssh --data {data} {option} {name}{apps}\",restrict {key} {name}");
    Out::new().line(line)
}

/// The option that says whose key it is. A user is looked for, so that a slip of the pen is seen here.
fn whose<'a>(args: &'a AuthorizeArgs, session: &Session) -> Result<(&'static str, &'a Name), Failure> {
    match (&args.user, &args.by) {
        (Some(user), _) => {
            let client = session.client()?;
            let list = session.wait(async { Ok(client.users().await?) })?;
            let known = list.users.iter().any(|known| known.name == user.as_str());
            let unknown =
                || Failure::mistake(format!("there is no user {user}"), "`tidegate user list` shows them");
            known.then_some(("--user", user)).ok_or_else(unknown)
        }
        (None, Some(by)) => Ok(("--by", by)),
        (None, None) => Err(Failure::mistake("whose key it is was not said", "say --user NAME")),
    }
}

/// Type and key of the only line of a public key's file.
fn public_key(text: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let mut words = line.split_ascii_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let known = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| kind.starts_with(start));
    let plain =
        |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    (known && plain(kind, b"-@.") && plain(key, b"+/=")).then(|| format!("{kind} {key}"))
}

fn no_key() -> Failure {
    Failure::mistake("the file holds no public key for SSH", "its only line begins like `ssh-ed25519 AAAA…`")
}

/// For the shell that sshd starts, within the quotes of the line.
fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(['\'', '"', '\\', '\n']));
    text.map(|text| format!("'{text}'")).ok_or_else(|| unusable(&path.display().to_string()))
}

fn unusable(path: &str) -> Failure {
    Failure::mistake(format!("the path {path} cannot stand in authorized_keys"), "use another without quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_key_gets_into_the_line() {
        let key = public_key("ssh-ed25519 AAAAC3Nz+/= ann@laptop\n").unwrap();
        assert_eq!(key, "ssh-ed25519 AAAAC3Nz+/=");
        for bad in [
            "",
            "ssh-ed25519",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
            "command=\"x\" ssh-ed25519 AAAA",
            "ssh-ed25519 AA\"AA",
            "ssh-ed25519 AAAA a\nssh-ed25519 BBBB b",
        ] {
            assert!(public_key(bad).is_none(), "{bad}");
        }
    }
}

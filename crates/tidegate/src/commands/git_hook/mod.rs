//! `tidegate git-hook`: the hooks of Tidegate's own repositories. Started by `git receive-pack`, never by hand.
//!
//! What they write on standard error, whoever pushes reads behind `remote:`.

mod pkt_line;
mod pre_receive;
mod proc_receive;

use clap::{Args, ValueEnum};
use tidegate_api::wire::RefUpdate;
use tidegate_core::model::Name;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The most branches and tags of one push.
const MOST_UPDATES: usize = 200;

/// As typed.
#[derive(Debug, Args)]
pub struct GitHookArgs {
    /// Which
    hook: Hook,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hook {
    PreReceive,
    ProcReceive,
}

/// Does what the hook does.
pub fn run(args: &GitHookArgs, session: &Session) -> Result<Exit, Failure> {
    let app = app()?;
    match args.hook {
        Hook::PreReceive => pre_receive::run(&app),
        Hook::ProcReceive => proc_receive::run(&app, session),
    }
}

/// The app whose repository is pushed to.
fn app() -> Result<Name, Failure> {
    let set = std::env::var("TIDEGATE_GIT_APP").ok().and_then(|text| text.parse().ok());
    set.ok_or_else(|| Failure::bug("the hook was not told its app"))
}

/// `OLD NEW NAME`, as git writes it.
fn update_of(line: &str) -> Option<RefUpdate> {
    let mut parts = line.trim_end_matches('\n').splitn(3, ' ').map(str::to_owned);
    Some(RefUpdate { before: parts.next()?, after: parts.next()?, name: parts.next()? })
}

fn broken() -> Failure {
    Failure::bug("git and its hook do not understand each other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_read_as_git_writes_them() {
        let (old, new) = ("0".repeat(40), "a".repeat(40));
        let update = update_of(&format!("{old} {new} refs/heads/feature/a b\n")).unwrap();
        assert!(update.creates() && !update.removes());
        assert_eq!(update.branch(), Some("feature/a b"));
        assert!(update_of("nonsense").is_none());
    }
}

//! `tidegate restore`: a backup into an empty data directory.

use std::path::PathBuf;

use clap::Args;
use tidegate_backup::{Restored, restore};
use tidegate_os::clock::unix_ms;

use super::backup::{UnlockArgs, described};
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate restore today.backup --data /var/lib/tidegate --identity key.txt\n\nThen `tidegate up` on that \
                  directory starts every instance again. Stop the machine it comes from before."
)]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Where to: a folder that is not there yet, or empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    unlock: UnlockArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Does it.
pub fn run(args: &RestoreArgs) -> Result<Exit, Failure> {
    let restored = restore(&args.file, &args.data, &args.unlock.read()?, unix_ms())?;
    if args.json.json {
        Out::new().json_pretty(&restored)?;
    } else {
        Out::new().text(&described(&args.file, &restored.backup))?;
    }
    print::to_stderr(&next(&restored));
    Ok(Exit::DONE)
}

fn next(restored: &Restored) -> String {
    let mut text = String::new();
    if let Some(before) = &restored.moved_from {
        text.push_str(&format!(
            "it was at {} before: builds that know where they lie, such as virtual environments, have to be deployed again\n",
            before.display()
        ));
    }
    text.push_str(
        "where the machine it comes from still runs, jobs on a schedule and what pushes begin happen on both: stop it with `tidegate \
         down` there\n",
    );
    text.push_str(&format!("  start it: tidegate up --data {}\n", restored.data.display()));
    text
}

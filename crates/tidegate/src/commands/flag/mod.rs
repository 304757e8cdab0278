//! `tidegate flag`: feature flags.

mod debt;
mod explain;
mod export;
mod key;
mod serve;
mod stored;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate flag list\n  tidegate flag show new-cart\n  \
                  tidegate flag export | git apply            what is served, written back into the files that define it\n  \
                  tidegate flag export --effective > flags.json\n  \
                  tidegate flag serve --file flags.json --ofrep 127.0.0.1:8016\n  \
                  tidegate flag serve --file flags.yaml --ofrep 0.0.0.0:8016 --key-file keys\n  \
                  tidegate flag key create --client --name \"web pages\"\n\n\
                  `tidegate release` changes what a flag serves.")]
pub struct FlagArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do with flags.
#[derive(Debug, Subcommand)]
enum What {
    /// Show all flags: what is served, since when, and whose they are
    List(stored::AllArgs),
    /// Show a flag: what Git says of it and what is released
    Show(stored::OneArgs),
    /// Show the releases of a flag, the newest first
    History(stored::OneArgs),
    /// Write what is served back to Git: a patch of the files that define flags
    Export(export::ExportArgs),
    /// Serve nothing of a flag any more; its history stays
    Archive(stored::ArchiveArgs),
    /// Show flags that are left over, and which branch of the code can go
    Debt(debt::DebtArgs),
    /// Say why a flag is what it is for one context
    Explain(explain::ExplainArgs),
    /// Make, show or revoke keys by which clients ask for flags
    Key(key::KeyArgs),
    /// Serve the flags of a file to OpenFeature clients
    Serve(serve::ServeArgs),
}

/// Does what was typed.
pub fn run(args: FlagArgs, session: &Session) -> Result<Exit, Failure> {
    match args.what {
        What::List(args) => stored::list(args, session),
        What::Show(args) => stored::show(args, session),
        What::History(args) => stored::history(args, session),
        What::Export(args) => export::run(args, session),
        What::Archive(args) => stored::archive(args, session),
        What::Debt(args) => debt::run(args, session),
        What::Explain(args) => explain::run(args, session),
        What::Key(args) => key::run(args, session),
        What::Serve(args) => serve::run(args),
    }
}

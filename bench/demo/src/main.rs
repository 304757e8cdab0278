//! The httpbin story under load: deploys, an upgrade and broken versions taken back, shown live.
//!
//! Started by the script `demo` at the root of the repository, which builds the programs and clears up. It drives the
//! real `tidegate` and `tidegate-load` as a person would and knows nothing of their insides.

mod account;
mod load;
mod server;
mod story;
mod table;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::load::Load;
use crate::server::Server;
use crate::view::View;

/// What can go wrong with the demo itself, in words.
type Trouble = Box<dyn std::error::Error>;

/// As typed.
#[derive(Debug, Parser)]
struct Args {
    /// The program `tidegate`
    #[arg(long)]
    tidegate: PathBuf,
    /// The program `tidegate-load`
    #[arg(long)]
    load: PathBuf,
    /// The folder examples/httpbin
    #[arg(long)]
    example: PathBuf,
    /// A folder to work in
    #[arg(long)]
    scratch: PathBuf,
    /// Only an upgrade and one broken version
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match play(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            View::complain(&format!("the demo cannot go on: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Plays the story; whether everything ended as it should.
fn play(args: &Args) -> Result<bool, Trouble> {
    let mut view = View::new();
    let server = Server::start(&args.tidegate, &args.scratch.join("data"))?;
    view.say(&format!("gateway {} · work folder {}", server.gateway, args.scratch.display()));
    let steps = story::steps(args.quick);
    let (first, rest) = steps.split_first().ok_or("a story has a step")?;
    let mut account = account::Account::default();
    account.add(story::play(first, args, &server, None, &mut view)?);
    let mut load = Load::start(&args.load, &args.scratch, &server.gateway)?;
    for step in rest {
        let outcome = story::play(step, args, &server, Some(&mut load), &mut view)?;
        account.add(outcome);
    }
    let report = load.finish()?;
    account.close(&report);
    view.end();
    server.stop()?;
    view.print(&table::render(&account));
    Ok(account.is_good())
}

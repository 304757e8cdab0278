//! `tidegate key`: the keys that sign what is said of builds.

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate key list\n  tidegate key show --public > tidegate.pem    give it to who verifies\n  \
                        tidegate key rotate\n\n\
                        What older keys have signed is verified as before."
)]
pub struct KeyArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the key that signs, and those that did
    List,
    /// Have a new key sign from now on
    Rotate,
    /// Print the public half of a key, in PEM
    Show {
        /// The public half: there is no way to the other one
        #[arg(long, required = true)]
        public: bool,
        /// The beginning of its id [default: the one that signs]
        #[arg(value_name = "KEY")]
        id: Option<String>,
    },
}

/// Does what was typed.
pub fn run(args: KeyArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let list = session.wait(async {
        Ok(match args.what {
            What::Rotate => client.key_rotate(&who::asks()).await?,
            What::List | What::Show { .. } => client.keys().await?,
        })
    })?;
    let mut out = Out::new();
    let What::Show { id, public: _ } = args.what else {
        return if args.json { out.json_pretty(&list) } else { out.text(&print::keys(&list)) };
    };
    let id = id.unwrap_or_default();
    let key =
        list.keys.iter().find(|key| key.id.starts_with(&id)).ok_or_else(|| {
            Failure::mistake(format!("there is no key {id}"), "`tidegate key list` shows them")
        })?;
    if args.json { out.json_pretty(key) } else { out.text(&key.public) }
}

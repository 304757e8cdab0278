//! `tidegate scale`: sets numbers of instances.

use std::str::FromStr;

use clap::Args;
use tidegate_api::wire::ScaleBody;
use tidegate_core::model::Name;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate scale web=4\n  tidegate scale web=4 worker=0\n  tidegate scale web=auto"
)]
pub struct ScaleArgs {
    /// Services and how many instances each is to have; `auto`: as many as the manifest and the load ask for
    #[arg(required = true, value_name = "SERVICE=N|auto")]
    wanted: Vec<Wanted>,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// `web=4`, or `web=auto`.
#[derive(Clone, Debug)]
struct Wanted {
    service: Name,
    instances: Option<u32>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is not SERVICE=N, like `web=4`, and not SERVICE=auto");
        let (service, instances) = text.split_once('=').ok_or_else(shape)?;
        let instances = match instances {
            "auto" => None,
            number => Some(number.parse().map_err(|_| shape())?),
        };
        let service = service.parse::<Name>().map_err(|error| error.to_string())?;
        Ok(Wanted { service, instances })
    }
}

/// Asks for one service after another; ends at the first refusal.
pub fn run(args: ScaleArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let break_glass = args.glass.taken();
    session.wait(async {
        for Wanted { service, instances } in args.wanted {
            let status = client
                .scale(
                    &session.service(args.scope.clone(), service),
                    &ScaleBody { instances, break_glass: break_glass.clone() },
                )
                .await?;
            if args.json.json {
                Out::new().json_line(&status)?;
            } else {
                Out::new().text(&print::scaled(&status, instances))?;
            }
        }
        Ok(Exit::DONE)
    })
}

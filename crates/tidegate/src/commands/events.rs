//! `tidegate events`: what happened, oldest first.

use clap::Args;
use tidegate_control::{EventQuery, Scope};
use tidegate_core::model::Name;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate events\n  tidegate events -f --service web\n  \
                        tidegate events --json | jq -r .kind")]
pub struct EventsArgs {
    /// Go on with what happens next
    #[arg(short, long)]
    follow: bool,
    /// Only of this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<Name>,
    /// Only those after this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// How many of the last ones
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1_000)]
    most: usize,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and prints; with `-f` until it is stopped. Without a scope: all there is, Tidegate's own included.
pub fn run(args: EventsArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = Scope { app: args.scope.app, environment: args.scope.environment };
    let query = EventQuery { after: args.after, scope, service: args.service, most: args.most };
    session.wait(async {
        let mut events = client.events(query, args.follow).await?;
        let mut out = Out::new();
        while let Some(event) = events.next().await? {
            if args.json.json {
                out.json_line(&event)?
            } else {
                out.line(print::event_line(&event))?
            };
            if args.follow {
                out.flush()?;
            }
        }
        Ok(Exit::DONE)
    })
}

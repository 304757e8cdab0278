//! `tidegate rollout`: shows and steers the rollout of a service.

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tidegate_api::Client;
use tidegate_api::wire::RolloutAction;
use tidegate_control::ServiceRef;
use tidegate_core::model::{Name, RolloutId};
use tidegate_core::view::{CheckView, RolloutView};

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// The last line of a watched rollout that is over says one of these.
const FINAL: [&str; 4] = ["succeeded", "aborted", "failed", "superseded"];

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate rollout show web -w\n  tidegate rollout pause web\n  \
                        tidegate rollout resume web      go on; out of a pause or an approval with the next step\n  \
                        tidegate rollout promote web     leave out the rest of the steps and of the time it is watched\n  \
                        tidegate rollout abort web       send all requests back to the stable revision\n  \
                        tidegate rollout retry web       begin the last one that was taken back once more\n  \
                        tidegate rollout export web > proof.json")]
pub struct RolloutArgs {
    /// What to do with it
    #[arg(value_enum)]
    verb: Verb,
    /// Whose
    service: Name,
    /// Go on showing it until it is over (with `show`)
    #[arg(short, long)]
    watch: bool,
    /// Of this rollout (with `export`); without it of the last one
    #[arg(long, value_name = "ROLLOUT")]
    id: Option<u64>,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Verb {
    /// Show it
    Show,
    /// Stop before the next step
    Pause,
    /// Go on
    Resume,
    /// Go on and leave out the rest of the steps and of the time it is watched
    Promote,
    /// Go back to the stable revision
    Abort,
    /// Begin the last one that was taken back once more
    Retry,
    /// Write down what the judge's verdict was made of: `tidegate judge replay` checks it
    Export,
}

impl Verb {
    fn action(self) -> Option<RolloutAction> {
        match self {
            Verb::Show | Verb::Export => None,
            Verb::Pause => Some(RolloutAction::Pause),
            Verb::Resume => Some(RolloutAction::Resume),
            Verb::Promote => Some(RolloutAction::Promote),
            Verb::Abort => Some(RolloutAction::Abort),
            Verb::Retry => Some(RolloutAction::Retry),
        }
    }
}

/// Asks and shows.
pub fn run(args: RolloutArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let service = session.service(args.scope, args.service);
    let glass = args.glass.why();
    session.wait(async {
        if args.verb == Verb::Export {
            let bundle = client.proof(&service, args.id.map(RolloutId)).await?;
            return Out::new().json_line(&bundle);
        }
        let view = match args.verb.action() {
            Some(action) => client.act(&service, action, (&who::asks(), glass)).await?,
            None => client.rollout(&service).await?,
        };
        show(&view, args.json.json)?;
        if args.watch { watch(&client, &service, view, args.json.json).await } else { Ok(Exit::DONE) }
    })
}

/// Shows a rollout.
pub fn show(view: &RolloutView, json: bool) -> Result<Exit, Failure> {
    if json { Out::new().json_line(view) } else { Out::new().text(&print::rollout(view)) }
}

/// Checks that stand as they did, with the answers they had then: another answer alone is no news.
fn without_age(now: &[CheckView], shown: &[CheckView]) -> Vec<CheckView> {
    let same = |check: &CheckView| {
        let before = shown.iter().find(|before| before.name == check.name && before.state == check.state);
        before.unwrap_or(check).clone()
    };
    now.iter().map(same).collect()
}

/// Shows it anew whenever it differs, until it is over.
async fn watch(
    client: &Client,
    service: &ServiceRef,
    first: RolloutView,
    json: bool,
) -> Result<Exit, Failure> {
    let mut shown = first;
    let clear = !json && std::io::stdout().is_terminal();
    while !FINAL.contains(&shown.phase.as_str()) {
        tokio::time::sleep(LOOK_EVERY).await;
        let view = client.rollout(service).await?;
        // Seconds alone are no news where each look adds lines.
        let left = if clear { view.step_seconds_left } else { shown.step_seconds_left };
        let told = if clear { &view } else { &shown };
        let same = RolloutView {
            seconds: shown.seconds,
            step_seconds_left: left,
            arms: told.arms.clone(),
            judgement: told.judgement.clone(),
            outcomes: told.outcomes.clone(),
            checks: if clear { view.checks.clone() } else { without_age(&view.checks, &shown.checks) },
            ..view.clone()
        } == shown;
        if !same {
            if clear {
                Out::new().text("\x1b[2J\x1b[H")?;
            }
            show(&view, json)?;
            shown = view;
        }
    }
    Ok(if shown.phase == "succeeded" { Exit::DONE } else { Exit::MISTAKE })
}

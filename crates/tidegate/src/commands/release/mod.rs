//! `tidegate release`: changes what a flag serves.

mod words;

use clap::{Args, Subcommand};
use tidegate_control::FlagRef;
use tidegate_core::model::{FlagKey, GuardStep, Millionths, Name, UserKey};
use tidegate_core::release::{Asked, GuardAsked, Order};
use tidegate_core::time::Millis;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;
use words::{Said, percent, timed, user_key};

/// How long a guard watches each share at least, where only the shares are said.
const HOLD: Millis = Millis::seconds(300);

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate release on new-cart\n  \
                  tidegate release to 25% new-cart --why \"first week\"\n  \
                  tidegate release to 25% new-cart by user.id     draw by that attribute, not by targetingKey\n  \
                  tidegate release to 20% new-cart guard          go on by shares while the gateway's traffic is fine\n  \
                  tidegate release to green button-colour\n  \
                  tidegate release schedule new-cart 2030-12-01T09:00:00Z=25% 2030-12-02T09:00:00Z=on\n  \
                  tidegate release kill new-cart                  the safe variant for everybody, at once\n  \
                  tidegate release undo new-cart\n\n\
                  A flag's own rules come first; what `on` and `to` release is for those they say nothing of.\n\
                  `off` and `kill` are for everybody: off is off, also for those whom a rule names.")]
pub struct ReleaseArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    options: Options,
}

/// To be typed before or after the verb.
#[derive(Clone, Debug, Default, Args)]
struct Options {
    /// Why, for the record
    #[arg(long, global = true, value_name = "TEXT")]
    why: Option<String>,
    /// Only if the flag is still at this version
    #[arg(long, global = true, value_name = "N")]
    expect_version: Option<u64>,
    /// Where a serving revision lacks the flag's code: wait until none does
    #[arg(long, global = true)]
    when_ready: bool,
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, global = true, value_name = "APP")]
    app: Option<Name>,
    /// The environment [default: the manifest's, or the only one]
    #[arg(short, long, visible_alias = "env", global = true, value_name = "ENV")]
    environment: Option<Name>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// Serve the variant that is on, to everybody the flag's own rules say nothing of
    On {
        /// FLAG, and `guard` to go on by shares
        #[arg(required = true, value_name = "FLAG [guard]")]
        words: Vec<String>,
        #[command(flatten)]
        guard: GuardOptions,
    },
    /// Serve the variant that is off, to everybody, whatever the rules say
    Off {
        /// Which
        flag: FlagKey,
    },
    /// Serve a variant to a share of the users, or to everybody
    To {
        /// A share or a variant, FLAG, `by ATTRIBUTE`, and `guard` to go on by shares
        #[arg(required = true, value_name = "PERCENT|VARIANT FLAG [by ATTRIBUTE] [guard]")]
        words: Vec<String>,
        /// Which variant the share gets [default: the one that is on]
        #[arg(long, value_name = "VARIANT")]
        variant: Option<String>,
        /// The attribute of the context that users are told apart by [default: as now, or targetingKey]
        #[arg(long, value_name = "ATTRIBUTE")]
        by: Option<String>,
        #[command(flatten)]
        guard: GuardOptions,
    },
    /// Serve one after the other, each from its moment on
    Schedule {
        /// Which
        flag: FlagKey,
        /// From when on what: a moment, `=`, and on, off, a share or a variant
        #[arg(required = true, value_name = "MOMENT=on|off|PERCENT|VARIANT")]
        moments: Vec<String>,
    },
    /// Serve the safe variant to everybody at once, whatever the rules say
    Kill {
        /// Which
        flag: FlagKey,
    },
    /// Serve what Git says, and nothing besides
    Reset {
        /// Which
        flag: FlagKey,
    },
    /// Go back to what was served before the last release that somebody asked for
    Rollback {
        /// Which
        flag: FlagKey,
    },
    /// Take the last release back, also one that Tidegate made itself
    Undo {
        /// Which
        flag: FlagKey,
    },
}

/// How a release is watched.
#[derive(Clone, Debug, Default, Args)]
struct GuardOptions {
    /// Watch it on the gateway's traffic: go on by shares, or turn it off
    #[arg(long)]
    guard: bool,
    /// What tells users apart in requests: cookie:NAME, header:NAME or claim:NAME; may be repeated
    #[arg(long, value_name = "KIND:NAME", value_parser = user_key)]
    user: Vec<UserKey>,
    /// The shares after the first one
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', value_parser = percent)]
    steps: Vec<Millionths>,
    /// How long each share is watched at least, like 5m
    #[arg(long, value_name = "TIME")]
    hold: Option<Millis>,
}

impl GuardOptions {
    /// What was asked for; nothing where no guard was.
    fn asked(&self, said: bool) -> Option<GuardAsked> {
        let wanted =
            said || self.guard || !self.user.is_empty() || !self.steps.is_empty() || self.hold.is_some();
        let hold = self.hold.unwrap_or(HOLD);
        let steps = self.steps.iter().map(|of| GuardStep { of: *of, hold }).collect();
        wanted.then(|| GuardAsked { user: self.user.clone(), steps, hold: self.hold })
    }
}

/// Asks, and says what is served now.
pub fn run(args: ReleaseArgs, session: &Session) -> Result<Exit, Failure> {
    let (flag, order, guard) = meant(args.what)?;
    let Options { why, expect_version, when_ready, app, environment, json } = args.options;
    let client = session.client()?;
    let flag = FlagRef { scope: session.scope(ScopeArgs { app, environment }), flag };
    let asked = Asked { order, by: who::asks(), why, expect_version, when_ready, guard };
    let view = session.wait(async { Ok(client.release(&flag, &asked).await?) })?;
    if json { Out::new().json_pretty(&view) } else { Out::new().text(&print::released(&view)) }
}

type Meant = (FlagKey, Order, Option<GuardAsked>);

fn meant(what: What) -> Result<Meant, Failure> {
    Ok(match what {
        What::On { words, guard } => {
            let said = Said::of_on(words)?;
            (said.flag, Order::On, guard.asked(said.guard))
        }
        What::Off { flag } => (flag, Order::Off, None),
        What::To { words, variant, by, guard } => {
            let said = Said::of_to(words, variant, by)?;
            (said.flag, said.order, guard.asked(said.guard))
        }
        What::Schedule { flag, moments } => {
            let steps = moments.iter().map(|text| timed(text)).collect::<Result<_, _>>()?;
            (flag, Order::Schedule(steps), None)
        }
        What::Kill { flag } => (flag, Order::Kill, None),
        What::Reset { flag } => (flag, Order::Reset, None),
        What::Rollback { flag } => (flag, Order::Rollback, None),
        What::Undo { flag } => (flag, Order::Undo, None),
    })
}

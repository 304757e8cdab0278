//! `tidegate access`: who has which role where, and why somebody may do something.

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use tidegate_api::wire::RoleBody;
use tidegate_core::access::{Action, Holder, Place, Role};
use tidegate_core::model::Name;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate access grant ann developer --app shop\n  \
                  tidegate access grant token:ci developer --app shop -e staging\n  \
                  tidegate access revoke ann developer --app shop\n  tidegate access list --app shop\n  \
                  tidegate access explain ann deploy shop/production\n\n\
                  docs/guides/roles-and-policies.md says what each role may do.")]
pub struct AccessArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with roles.
#[derive(Debug, Subcommand)]
enum What {
    /// Give somebody a role
    Grant(RoleArgs),
    /// Take a role from somebody
    Revoke(RoleArgs),
    /// Show the roles you may manage, and your own
    List {
        /// Only of these: `ann`, `token:ci`, `group:platform`
        #[arg(value_name = "WHO")]
        who: Option<Holder>,
        /// Only those that count in this app
        #[arg(long, value_name = "APP")]
        app: Option<Name>,
        /// Only those that count in this environment of it
        #[arg(short, long, value_name = "ENV", requires = "app")]
        environment: Option<Name>,
    },
    /// Say why somebody may do something, or may not
    Explain {
        /// Who: `ann`, `token:ci`
        #[arg(value_name = "WHO")]
        who: Holder,
        /// What: `deploy`, `release`, …
        #[arg(value_name = "ACTION", value_parser = action())]
        action: Action,
        /// Where: `shop/production`, `shop`, or `*` for the installation
        #[arg(value_name = "APP/ENV", default_value = "*")]
        place: Place,
    },
}

/// A role of somebody.
#[derive(Debug, Args)]
struct RoleArgs {
    /// Who: `ann`, `token:ci`, `group:platform`
    #[arg(value_name = "WHO")]
    who: Holder,
    /// Which
    #[arg(value_name = "ROLE", value_parser = role())]
    role: Role,
    /// In this app [default: everywhere]
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    /// In this environment of it alone
    #[arg(short, long, value_name = "ENV", requires = "app")]
    environment: Option<Name>,
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::name))
        .try_map(|name| Role::named(&name).ok_or("this is no role"))
}

fn action() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.map(Action::name))
        .try_map(|name| Action::named(&name).ok_or("this is no action"))
}

/// Does what was typed.
pub fn run(args: AccessArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let json = args.json;
    session.wait(async {
        let mut out = Out::new();
        match args.what {
            What::Grant(role) => {
                let done = client.access_grant(&role.body()?).await?;
                if json { out.json_pretty(&done) } else { out.text(&print::granted(&done)) }
            }
            What::Revoke(role) => {
                let done = client.access_revoke(&role.body()?).await?;
                if json { out.json_pretty(&done) } else { out.text(&print::revoked(&done)) }
            }
            What::List { who, app, environment } => {
                let mut list = client.access_list().await?;
                let place = place_of(app.as_ref(), environment.as_ref())?;
                let counts = |at: &Place| app.is_none() || at.covers(&place);
                list.bindings
                    .retain(|one| who.as_ref().is_none_or(|who| *who == one.who) && counts(&one.place));
                if json { out.json_pretty(&list) } else { out.text(&print::roles(&list)) }
            }
            What::Explain { who, action, place } => {
                let why = client.access_explain(&who, action, &place).await?;
                if json { out.json_pretty(&why) } else { out.text(&print::access_explained(&why)) }
            }
        }
    })
}

impl RoleArgs {
    fn body(self) -> Result<RoleBody, Failure> {
        let place = place_of(self.app.as_ref(), self.environment.as_ref())?;
        Ok(RoleBody { who: self.who, role: self.role, place })
    }
}

fn place_of(app: Option<&Name>, environment: Option<&Name>) -> Result<Place, Failure> {
    Place::of(app, environment).map_err(|error| Failure::mistake(error.to_string(), "add `--app APP`"))
}

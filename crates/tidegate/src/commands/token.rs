//! `tidegate token`: what people and programs show to be let in.

use clap::{Args, Subcommand, ValueEnum};
use tidegate_api::wire::TokenAsked;
use tidegate_core::access::Role;
use tidegate_core::model::Name;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate token create laptop\n  tidegate token create ci --service --app shop -e staging --role developer --expires 30d\n  \
                        tidegate token list\n  tidegate token revoke laptop"
)]
pub struct TokenArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a token and print it, this once
    Create(CreateArgs),
    /// Show your tokens; to administrators everybody's
    List {
        /// Only those of this user
        #[arg(long, value_name = "NAME")]
        user: Option<Name>,
    },
    /// Have a token refused from now on
    Revoke {
        /// Its id or its name
        #[arg(value_name = "ID|NAME")]
        which: String,
        /// Whose it is, where several have that name
        #[arg(long, value_name = "NAME")]
        user: Option<Name>,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What it is for
    name: Name,
    /// Whose it is [default: yours; of whoever runs Tidegate: a program's]
    #[arg(long, value_name = "NAME", conflicts_with = "service")]
    user: Option<Name>,
    /// It is a program's and nobody's, such as a build server's
    #[arg(long)]
    service: bool,
    /// It opens this app alone
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    /// It opens this environment alone
    #[arg(short, long, value_name = "ENV")]
    environment: Option<Name>,
    /// The most it gives; never more than its user has
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleArg>,
    /// For how long it is good, like `30d`; or `never` [default: 90d]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    Reader,
    Developer,
    Releaser,
    Operator,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Role {
        match role {
            RoleArg::Reader => Role::Reader,
            RoleArg::Developer => Role::Developer,
            RoleArg::Releaser => Role::Releaser,
            RoleArg::Operator => Role::Operator,
            RoleArg::Admin => Role::Admin,
        }
    }
}

/// Does what was typed.
pub fn run(args: TokenArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let mut out = Out::new();
    session.wait(async {
        match args.what {
            What::Create(asked) => {
                let made = client.token_create(&asked.into()).await?;
                if made.token.expires_at.is_none() {
                    print::to_stderr(
                        "warning: this token never expires: whoever finds it is let in until it is revoked\n",
                    );
                }
                if args.json {
                    return out.json_pretty(&made);
                }
                // Data is on standard output alone, to be put where it belongs by whoever asked.
                print::to_stderr(&print::token_made(&made.token));
                out.line(made.secret.reveal())
            }
            What::List { user } => {
                let list = client.tokens(user).await?;
                if args.json { out.json_pretty(&list) } else { out.text(&print::tokens(&list)) }
            }
            What::Revoke { which, user } => {
                let token = client.token_revoke(&which, user).await?;
                if args.json { out.json_pretty(&token) } else { out.text(&print::token_revoked(&token)) }
            }
        }
    })
}

impl From<CreateArgs> for TokenAsked {
    fn from(args: CreateArgs) -> TokenAsked {
        let CreateArgs { name, user, service, app, environment, role, expires } = args;
        TokenAsked { name, user, service, app, environment, role: role.map(Role::from), expires }
    }
}

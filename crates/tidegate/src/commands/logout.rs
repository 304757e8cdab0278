//! `tidegate logout`: has the token of a server refused, and forgets it.

use clap::Args;
use tidegate_api::Client;

use crate::credentials::Credentials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// The server [default: --api, TIDEGATE_API or that of the last login]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Forget the token here and leave it good
    #[arg(long)]
    keep_token: bool,
}

/// Ends it there and then here.
pub fn run(args: LogoutArgs, session: &Session) -> Result<Exit, Failure> {
    let mut known = Credentials::load()?;
    let url = args.url.or_else(|| session.url()).or_else(|| known.last.clone()).ok_or_else(nowhere)?;
    let server = Client::address_of(&url)?;
    let credential = known.forget(&server).ok_or_else(nowhere)?;
    let ca = session.ca().or_else(|| credential.ca.clone());
    let mut revoked = Ok(());
    if !args.keep_token {
        let client = Client::vouched(&url, Some(credential.token()), ca.as_deref())?;
        revoked = session.wait(async { Ok(client.logout().await?) });
    }
    // Whatever the server said: here it is gone.
    known.save()?;
    if let Err(failure) = revoked {
        print::to_stderr(&format!("warning: the token was forgotten here, and {server} did not revoke it\n"));
        return Err(failure.next("revoke it there: `tidegate token list`, `tidegate token revoke ID`"));
    }
    print::to_stderr(&format!("logged out of {server}\n"));
    Ok(Exit::DONE)
}

fn nowhere() -> Failure {
    Failure::mistake(
        "you are not logged in there",
        "`tidegate login URL` logs in; TIDEGATE_TOKEN is yours to unset",
    )
}

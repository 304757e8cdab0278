//! `tidegate login`: keeps a token for a server, so that commands are let in.

use std::io::IsTerminal;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tidegate_api::wire::{DeviceBody, DevicePoll, LoginBody};
use tidegate_api::{Client, ClientError, Token};
use tidegate_control::identity::{Kind, kind_of};
use tidegate_core::model::Name;
use tidegate_core::view::{DeviceLogin, DeviceState};
use tidegate_os::terminal::read_hidden;

use crate::credentials::{Credential, Credentials};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// The longest token or code that is read, in bytes.
const LONGEST: u64 = 1_024;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate login https://tidegate.example\n  tidegate login https://tidegate.example --code tidegate_once_…\n\n\
                        Where the server has an identity provider you agree to the login there, with a browser on any machine. Otherwise, with \
                        --token, and where standard input is no terminal and holds one, a token is read from standard input. \
                        `tidegate user invite` makes codes; the first administrator's is printed by the first `tidegate up`."
)]
pub struct LoginArgs {
    /// The server [default: --api, TIDEGATE_API or that of the last login]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// A code that is good once, from an administrator; `-`: from standard input
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// What you are to be called, with the first administrator's code
    #[arg(long, value_name = "NAME", requires = "code")]
    user: Option<Name>,
    /// Read a token from standard input, also where the server has an identity provider
    #[arg(long, conflicts_with = "code")]
    token: bool,
    /// Log in at the identity provider, whatever standard input holds
    #[arg(long, conflicts_with_all = ["code", "token"])]
    device: bool,
    /// Print JSON: what is to be done at the identity provider, a line, and then who is logged in
    #[arg(long)]
    json: bool,
}

/// Shows what there is to be let in by, and keeps it where it is let in.
pub fn run(args: LoginArgs, session: &Session) -> Result<Exit, Failure> {
    let mut known = Credentials::load()?;
    let url = args.url.or_else(|| session.url()).or_else(|| known.last.clone()).ok_or_else(where_to)?;
    let server = Client::address_of(&url)?;
    let ca = session.ca().or_else(|| known.of(&server).and_then(|one| one.ca.clone()));
    let ca = ca.map(|path| path.canonicalize().unwrap_or(path));
    let client = Client::vouched(&url, None, ca.as_deref())?;
    warn_of_plain(&server);
    let token = match args.code {
        Some(code) => by_code(&client, session, code, args.user)?,
        None if args.device => by_device(&client, session, args.json)?,
        None if args.token => pasted(read("token")?)?,
        None => by_what_there_is(&client, session, args.json)?,
    };
    let client = client.with_token(Some(token.clone()));
    let me = session.wait(async { Ok(client.whoami().await?) })?;
    known.keep(&server, Credential::new(&token, me.who.clone(), ca));
    known.save()?;
    print::to_stderr(&print::logged_in(&me, &server));
    if args.json { Out::new().json_line(&me) } else { Ok(Exit::DONE) }
}

/// What is sent without TLS can be read by whoever is on the way.
fn warn_of_plain(server: &str) {
    let Some(host) =
        server.strip_prefix("http://").and_then(|rest| rest.rsplit_once(':')).map(|(host, _)| host)
    else {
        return;
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if host != "localhost" && !address.is_ok_and(|address| address.is_loopback()) {
        print::to_stderr(
            "warning: the way to that server is not encrypted: whoever is on it can read the token\n",
        );
    }
}

fn by_code(client: &Client, session: &Session, code: String, user: Option<Name>) -> Result<Token, Failure> {
    let code = if code == "-" { read("code")? } else { code };
    if kind_of(code.trim()) != Some(Kind::Once) {
        let message =
            "that is no code: it begins with `tidegate_once_`, and none of its characters may be missing";
        return Err(Failure::mistake(
            message,
            "copy it again; an administrator makes another with `tidegate user invite`",
        ));
    }
    let body = LoginBody { code: code.trim().to_owned(), user, token: Some(own_name()) };
    let view = session.wait(async { Ok(client.login(&body).await?) })?;
    let token = view.token.ok_or_else(|| Failure::bug("the server gave no token for the code"))?;
    Ok(Token::new(token.reveal()))
}

/// By a token where one is given; else at the identity provider, where the server has one.
fn by_what_there_is(client: &Client, session: &Session, json: bool) -> Result<Token, Failure> {
    if !std::io::stdin().is_terminal() {
        let given = read_hidden(LONGEST).map_err(|error| unreadable("token", &error))?;
        if !given.is_empty() {
            return pasted(given);
        }
    }
    // One that does not know what it is asked, or does not answer, is asked for nothing: it says more when the token is shown.
    let ways = session.wait(async { Ok(client.login_ways().await.unwrap_or_default()) })?;
    if ways.openid.is_some() { by_device(client, session, json) } else { pasted(read("token")?) }
}

/// Somebody agrees to it at the identity provider, on any machine.
fn by_device(client: &Client, session: &Session, json: bool) -> Result<Token, Failure> {
    let begun = session.wait(async { Ok(client.login_device(&DeviceBody { token: own_name() }).await?) })?;
    if json {
        let DeviceLogin { user_code, verification_uri, verification_uri_complete, expires_in_s, .. } = &begun;
        Out::new().json_line(&json!({
            "user_code": user_code,
            "verification_uri": verification_uri,
            "verification_uri_complete": verification_uri_complete,
            "expires_in_s": expires_in_s,
        }))?;
    } else {
        print::to_stderr(&print::to_agree(&begun));
    }
    let asked = DevicePoll { login: begun.login.reveal().to_owned() };
    let token = session.wait(async {
        let mut wait_s = begun.interval_s;
        loop {
            tokio::time::sleep(Duration::from_secs(wait_s.clamp(1, 60))).await;
            match client.login_device_poll(&asked).await {
                Ok(DeviceState { done: Some(view), .. }) => return Ok(view.token),
                Ok(state) => wait_s = state.wait_s,
                // Others are answered first.
                Err(ClientError::Refused(refusal)) if refusal.code == "oidc::busy" => wait_s = 2,
                Err(error) => return Err(error.into()),
            }
        }
    })?;
    let token = token.ok_or_else(|| Failure::bug("the server gave no token for the login"))?;
    Ok(Token::new(token.reveal()))
}

fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    Failure::environment(format!("the {what} cannot be read: {error}"), "give it on standard input")
}

fn pasted(text: String) -> Result<Token, Failure> {
    match kind_of(&text) {
        Some(Kind::User | Kind::Service) => Ok(Token::new(text)),
        // The owner's token is 64 hex digits: whether it is right, the server says.
        None if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Token::new(text)),
        Some(Kind::Once) => Err(Failure::mistake(
            "that is a code, not a token",
            "log in with it: `tidegate login URL --code CODE`",
        )),
        Some(Kind::Session) | None => {
            let message =
                "that is no token: it begins with `tidegate_`, and none of its characters may be missing";
            Err(Failure::mistake(message, "copy it again, or make another: `tidegate token create NAME`"))
        }
    }
}

fn read(what: &str) -> Result<String, Failure> {
    print::to_stderr(&format!("{what}: "));
    let text = read_hidden(LONGEST).map_err(|error| unreadable(what, &error))?;
    if text.is_empty() {
        return Err(Failure::mistake(format!("no {what} was given"), "paste it, or use --code"));
    }
    Ok(text)
}

/// The token's name: that of this machine, as far as it is one.
fn own_name() -> Name {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String =
        host.trim().to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let named = format!("on-{}", host.chars().take(30).collect::<String>());
    let fallback = || "login".parse::<Name>();
    named.trim_end_matches('-').parse().or_else(|_| fallback()).expect("`login` is a name")
}

fn where_to() -> Failure {
    Failure::mistake(
        "where to log in is not said",
        "`tidegate login URL`, like `tidegate login https://tidegate.example`",
    )
}

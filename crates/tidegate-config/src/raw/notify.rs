//! `notify`: who is told of what happens in an environment.

use tidegate_core::model::{Occasion, Place};

use super::choice::{Choice, Word};
use super::flags::Line;
use super::record::record;
use super::some::OneOrMore;
use super::text::{Rule, Text};
use crate::codes::{self, Code};

record! { replaced
    /// Somebody who is told of what happens here: exactly one of `webhook`, `chat` and `mail`.
    #[schemars(
        rename = "Notify",
        extend("oneOf" = [
            { "required": ["webhook"] },
            { "required": ["chat"] },
            { "required": ["mail", "server", "from"] }
        ])
    )]
    RawNotify is "who is notified" {
        /// A program, by a CloudEvent: its URL, or the name of the secret that has it.
        webhook: Text<Place>,
        /// A chat, by a hook that takes `{"text": …}`: the name of the secret that has its URL, or the URL.
        chat: Text<Place>,
        /// People, by e-mail: their addresses.
        mail: OneOrMore<Text<MailAddress>>,
        /// The mail server: `smtp://HOST:587` or `smtps://HOST:465`.
        server: Text<MailServer>,
        /// The address a letter comes from.
        from: Text<MailAddress>,
        /// The name to say to the mail server.
        user: Text<Line>,
        /// The secret that has the password for the mail server.
        password: Text<SecretName>,
        /// The secret that has the bearer token for the webhook.
        token: Text<SecretName>,
        /// Of what. Default: of everything. That a protection was passed over is told to everybody.
        on: OneOrMore<Word<Occasion>>,
    }
}

/// The name of a secret.
#[derive(Clone, Debug)]
pub(crate) struct SecretName(pub(crate) String);

/// An address for e-mail.
#[derive(Clone, Debug)]
pub(crate) struct MailAddress(pub(crate) String);

/// A mail server.
#[derive(Clone, Debug)]
pub(crate) struct MailServer(pub(crate) String);

impl Choice for Occasion {
    const WHAT: &'static str = "something to be told of";
    const ALL: &'static [(&'static str, Self)] = &[
        ("begun", Occasion::Begun),
        ("waiting", Occasion::Waiting),
        ("succeeded", Occasion::Succeeded),
        ("failed", Occasion::Failed),
        ("taken-back", Occasion::TakenBack),
        ("break-glass", Occasion::BreakGlass),
    ];
}

impl Rule for Place {
    const WHAT: &'static str = "a URL or the name of a secret";
    const CODE: Code = codes::NOTIFY;
    const PATTERN: &'static str = "^(https?://[^\\s@#]+|[A-Z_][A-Z0-9_]{0,63})$";
    // A hook's URL may be as good as a password.
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        if is_secret_name(text) {
            return Ok(Place::Secret(text.to_owned()));
        }
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let clean = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['@', '#', '\\']);
        if !host.is_empty() && clean && text.len() <= 2_000 {
            return Ok(Place::Url(text.to_owned()));
        }
        Err("write `https://` with a host and a path, or the name of a secret in capitals, like `CHAT_HOOK`"
            .to_owned())
    }
}

impl Rule for SecretName {
    const WHAT: &'static str = "the name of a secret";
    const CODE: Code = codes::NOTIFY;
    const PATTERN: &'static str = "^[A-Z_][A-Z0-9_]{0,63}$";
    // It may be the secret itself.
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        if is_secret_name(text) {
            return Ok(SecretName(text.to_owned()));
        }
        Err("write its name in capitals, like `SMTP_PASSWORD`; its value stands in no manifest".to_owned())
    }
}

impl Rule for MailAddress {
    const WHAT: &'static str = "an address for e-mail";
    const CODE: Code = codes::NOTIFY;
    const PATTERN: &'static str = "^[^\\s@<>,;\"\\\\]+@[^\\s@<>,;\"\\\\]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
        let clean = text.bytes().all(|b| b.is_ascii_graphic() && !b"<>,;\"\\".contains(&b));
        let whole = parts.is_some_and(|(_, host)| !host.contains('@')) && text.len() <= 254;
        if whole && clean {
            return Ok(MailAddress(text.to_owned()));
        }
        Err("write one like `ops@example.com`, without a name before it".to_owned())
    }
}

impl Rule for MailServer {
    const WHAT: &'static str = "a mail server";
    const CODE: Code = codes::NOTIFY;
    const PATTERN: &'static str = "^smtps?://[^\\s/@]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let host = text.strip_prefix("smtp://").or_else(|| text.strip_prefix("smtps://"));
        let host =
            host.filter(|host| !host.is_empty() && host.len() <= 260 && !host.contains(['/', '@', '?']));
        if host.is_some_and(|host| host.bytes().all(|b| b.is_ascii_graphic())) {
            return Ok(MailServer(text.to_owned()));
        }
        Err("write `smtp://HOST:587` or `smtps://HOST:465`; name and password have keys of their own"
            .to_owned())
    }
}

fn is_secret_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let begins = bytes.next().is_some_and(|b| b.is_ascii_uppercase() || b == b'_');
    begins && text.len() <= 64 && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

//! Making and revoking tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::access::{
    AccessToken, Admission, Means, Reach, Role, TOKEN_GOOD_FOR, Who, manages_access,
};
use tidegate_core::model::Name;
use tidegate_core::time::Millis;
use tidegate_store::{Reader, Store, StoreError, Tx};

use super::IdentityKey;
use super::text::{Kind, SecretText};
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};

/// The most good tokens of a user, and of programs together.
const MOST: usize = 200;
/// How long a token that is over is remembered, so that who still uses it is told why it is refused.
const REMEMBERED: Millis = Millis(90 * 86_400_000);
/// How many of a user's that are over are remembered.
const MOST_REMEMBERED: usize = 200;
/// The shortest time a token may be good for.
const SHORTEST: Millis = Millis::seconds(60);
/// Says that a token does not expire.
const NEVER: &str = "never";

/// A token that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenAsked {
    /// What it is for.
    pub name: Name,
    /// Whose it is; left out: that of who asks, or a program's where that is the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// Whether it is a program's, whoever asks.
    #[serde(default)]
    pub service: bool,
    /// Only this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Name>,
    /// Only this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The most it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// For how long it is good, like `30d`, or `never`; left out: 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// A token and the text of it.
pub(super) struct Made {
    pub(super) text: SecretText,
    pub(super) token: AccessToken,
}

/// Makes a token for somebody who asks.
pub(super) fn make(
    store: &mut Store,
    key: &IdentityKey,
    time: Time,
    asker: &Admission,
    asked: TokenAsked,
) -> Result<Made, Refusal> {
    let user = whose(asker, &asked)?;
    if let Some(user) = &user {
        super::users::known(store, user)?;
    }
    let expires_unix_ms = expiry(asked.expires.as_deref(), time)?;
    let good = good_ones(store, user.as_ref(), time).map_err(store_trouble)?;
    if good.iter().any(|token| token.name == asked.name) {
        let message = format!("there is a token {} already", asked.name);
        return Err(Refusal::new(RefusalKind::Conflict, "access::token-known", message)
            .help(format!("choose another name, or revoke it: `tidegate token revoke {}`", asked.name)));
    }
    if good.len() >= MOST {
        return Err(too_many());
    }
    let token = AccessToken {
        id: id()?,
        name: asked.name,
        user,
        reach: Reach { app: asked.app, environment: asked.environment },
        most: asked.role,
        made_unix_ms: time.unix_ms,
        made_by: super::short(&asker.caller.who.to_string()),
        expires_unix_ms,
        used_unix_ms: None,
        revoked_unix_ms: None,
    };
    let text = text_of(&token)?;
    let added = store.transaction(|tx| add(tx, key, &token, &text, time));
    added.map_err(store_trouble)?;
    Ok(Made { text, token })
}

/// Makes a token of somebody who has just logged in, in their transaction. A name that is taken gets a number.
pub(super) fn make_at_login(store: &Reader, time: Time, user: &Name, wanted: &Name) -> Result<Made, Refusal> {
    let good = good_ones(store, Some(user), time).map_err(store_trouble)?;
    if good.len() >= MOST {
        return Err(too_many());
    }
    let token = AccessToken {
        id: id()?,
        name: free_name(wanted, &good),
        user: Some(user.clone()),
        reach: Reach::default(),
        most: None,
        made_unix_ms: time.unix_ms,
        made_by: user.to_string(),
        expires_unix_ms: Some(time.unix_ms.saturating_add(TOKEN_GOOD_FOR.0)),
        used_unix_ms: None,
        revoked_unix_ms: None,
    };
    Ok(Made { text: text_of(&token)?, token })
}

/// Writes a token, and forgets those that are over for long.
pub(super) fn add(
    tx: &Tx<'_>,
    key: &IdentityKey,
    token: &AccessToken,
    text: &SecretText,
    time: Time,
) -> Result<(), StoreError> {
    forget_old(tx, token.user.as_ref(), time)?;
    tx.add_access_token(token, &key.digest_of(text))
}

/// Revokes a token, by its id, or by its name among those of a user (or of who asks). What it was.
pub(super) fn revoke(
    store: &mut Store,
    time: Time,
    asker: &Admission,
    (which, user): (&str, Option<&Name>),
) -> Result<AccessToken, Refusal> {
    let before = find(store, time, asker, (which, user))?;
    let token = AccessToken { revoked_unix_ms: before.revoked_unix_ms.or(Some(time.unix_ms)), ..before };
    store.transaction(|tx| tx.change_access_token(&token)).map_err(store_trouble)?;
    Ok(token)
}

/// The tokens that somebody sees, the newest first.
pub(super) fn seen_by(
    store: &Reader,
    asker: &Admission,
    user: Option<&Name>,
) -> Result<Vec<AccessToken>, Refusal> {
    let all = store.access_tokens().map_err(store_trouble)?;
    let wanted = |token: &AccessToken| user.is_none_or(|user| token.user.as_ref() == Some(user));
    let mut seen: Vec<_> = all.into_iter().filter(|token| wanted(token) && may_see(asker, token)).collect();
    seen.reverse();
    Ok(seen)
}

fn find(
    store: &Reader,
    time: Time,
    asker: &Admission,
    (which, user): (&str, Option<&Name>),
) -> Result<AccessToken, Refusal> {
    let seen = seen_by(store, asker, user)?;
    if let Some(token) = seen.iter().find(|token| token.id == which) {
        return Ok(token.clone());
    }
    // By name: one's own first, so that nobody else's is meant by accident.
    let whose = user.or(asker.user());
    let mut named = seen.iter().filter(|token| token.name.as_str() == which && token.is_good(time.unix_ms));
    let own = named.clone().find(|token| token.user.as_ref() == whose);
    match (own, named.next(), named.next()) {
        (Some(token), _, _) | (None, Some(token), None) => Ok(token.clone()),
        (None, Some(_), Some(_)) => {
            let message = format!("several tokens are called `{}`", super::short(which));
            Err(Refusal::new(RefusalKind::Conflict, "access::which-token", message)
                .help("say its id, or whose it is with --user; `tidegate token list` shows them"))
        }
        (None, None, _) => {
            let message = format!("there is no good token `{}`", super::short(which));
            Err(Refusal::new(RefusalKind::NotFound, "access::unknown-token", message)
                .help("`tidegate token list` shows them"))
        }
    }
}

/// What gives less than its user has sees, and revokes, itself alone: so does a program's token.
fn may_see(asker: &Admission, token: &AccessToken) -> bool {
    let itself = asker.means == Means::Token { id: token.id.clone() };
    let own = match &asker.caller.who {
        Who::User { name, .. } => !asker.is_narrowed() && token.user.as_ref() == Some(name),
        Who::Owner | Who::Service { .. } | Who::Stranger => false,
    };
    itself || own || manages_access(asker)
}

/// Whose token is asked for, and whether who asks may have it made. A token that gives less than its user has makes none: another
/// could give more.
fn whose(asker: &Admission, asked: &TokenAsked) -> Result<Option<Name>, Refusal> {
    if asker.is_narrowed() {
        let message = "a token with a role, or of one app, makes no tokens";
        return Err(Refusal::new(RefusalKind::Conflict, "access::narrow-token", message)
            .help("log in with `tidegate login`, or ask an administrator"));
    }
    if asked.service && asked.user.is_some() {
        let message = "a token is a user's or a program's, not both";
        return Err(Refusal::new(RefusalKind::Invalid, "access::whose-token", message)
            .help("leave --user or --service out"));
    }
    match (&asker.caller.who, &asked.user, asked.service) {
        (Who::Owner, user, _) => Ok(user.clone()),
        (Who::User { name, .. }, None, false) => Ok(Some(name.clone())),
        (Who::User { name, .. }, Some(user), _) if name == user => Ok(Some(name.clone())),
        (Who::User { .. }, user, _) if manages_access(asker) => Ok(user.clone()),
        (Who::User { .. } | Who::Service { .. } | Who::Stranger, _, _) => {
            let message = "only administrators make tokens of others";
            Err(Refusal::new(RefusalKind::Conflict, "access::whose-token", message)
                .help("ask an administrator for it"))
        }
    }
}

fn expiry(asked: Option<&str>, time: Time) -> Result<Option<u64>, Refusal> {
    let span = match asked {
        Some(NEVER) => return Ok(None),
        None => TOKEN_GOOD_FOR,
        Some(text) => text.parse::<Millis>().map_err(|error| bad_expiry(&error.to_string()))?,
    };
    if span < SHORTEST {
        return Err(bad_expiry("a token is good for a minute at least"));
    }
    Ok(Some(time.unix_ms.saturating_add(span.0)))
}

fn bad_expiry(why: &str) -> Refusal {
    Refusal::new(RefusalKind::Invalid, "access::expiry", why)
        .help("write a duration like `30d`, up to 366 days, or `never`")
}

fn good_ones(store: &Reader, user: Option<&Name>, time: Time) -> Result<Vec<AccessToken>, StoreError> {
    let all = store.access_tokens_of(user)?;
    Ok(all.into_iter().filter(|token| token.is_good(time.unix_ms)).collect())
}

/// Bounded: what is over for long, or one of too many, is not known again.
fn forget_old(tx: &Tx<'_>, user: Option<&Name>, time: Time) -> Result<(), StoreError> {
    let all = tx.access_tokens_of(user)?;
    let mut over: Vec<(u64, &AccessToken)> =
        all.iter().filter_map(|token| Some((token.over_since(time.unix_ms)?, token))).collect();
    over.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    let old =
        |at: usize, since: u64| at >= MOST_REMEMBERED || time.unix_ms.saturating_sub(since) >= REMEMBERED.0;
    let old = over.into_iter().enumerate().filter(|(at, (since, _))| old(*at, *since));
    old.map(|(_, (_, token))| token).try_for_each(|token| tx.remove_access_token(&token.id))
}

fn free_name(wanted: &Name, good: &[AccessToken]) -> Name {
    let taken = |name: &Name| good.iter().any(|token| token.name == *name);
    let numbered = |number: usize| {
        let base: String = wanted.as_str().chars().take(Name::LONGEST - 4).collect();
        format!("{}-{number}", base.trim_end_matches('-')).parse::<Name>().ok()
    };
    let others = (2..=good.len() + 2).filter_map(numbered);
    std::iter::once(wanted.clone()).chain(others).find(|name| !taken(name)).unwrap_or_else(|| wanted.clone())
}

fn too_many() -> Refusal {
    let message = format!("there are {MOST} good tokens already");
    Refusal::new(RefusalKind::Conflict, "access::too-many", message)
        .help("revoke some: `tidegate token list` shows them")
}

fn id() -> Result<String, Refusal> {
    crate::flag_key::random::<6>().map(|random| format!("t{random}")).map_err(super::no_random)
}

fn text_of(token: &AccessToken) -> Result<SecretText, Refusal> {
    let kind = if token.user.is_some() { Kind::User } else { Kind::Service };
    SecretText::made(kind).map_err(super::no_random)
}

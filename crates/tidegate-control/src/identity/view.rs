//! Users, tokens and callers as answers show them.

use tidegate_core::access::{AccessToken, Admission, OpenIdLink, User, Who};
use tidegate_core::view::{OpenIdView, RoleView, TokenView, ToldOnce, UserView, WhoView};

use crate::answer::rfc3339;

/// A user. `tokens`: how many of theirs are good; `admin`: whether their roles make them an administrator.
pub(super) fn user(user: &User, tokens: usize, admin: bool) -> UserView {
    UserView {
        name: user.name.to_string(),
        admin,
        disabled: user.disabled_unix_ms.is_some(),
        added_at: rfc3339(user.added_unix_ms),
        added_by: user.added_by.clone(),
        tokens: tokens as u64,
        openid: user.openid.as_ref().map(link),
    }
}

fn link(link: &OpenIdLink) -> OpenIdView {
    OpenIdView {
        issuer: link.issuer.clone(),
        subject: link.subject.clone(),
        groups: link.groups.iter().cloned().collect(),
        groups_until: link.seen_unix_ms.map(|_| rfc3339(link.groups_until_unix_ms)),
        seen_at: link.seen_unix_ms.map(rfc3339),
    }
}

/// A token.
pub(super) fn token(token: &AccessToken, now_unix_ms: u64) -> TokenView {
    let state = match (token.revoked_unix_ms, token.is_expired(now_unix_ms)) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "good",
    };
    TokenView {
        id: token.id.clone(),
        name: token.name.to_string(),
        user: token.user.as_ref().map(ToString::to_string),
        app: token.reach.app.as_ref().map(ToString::to_string),
        environment: token.reach.environment.as_ref().map(ToString::to_string),
        role: token.most,
        state: state.to_owned(),
        made_at: rfc3339(token.made_unix_ms),
        made_by: token.made_by.clone(),
        expires_at: token.expires_unix_ms.map(rfc3339),
        used_at: token.used_unix_ms.map(rfc3339),
    }
}

/// Who asks.
pub fn who_view(admission: &Admission, roles: Vec<RoleView>, csrf: Option<ToldOnce>) -> WhoView {
    let (kind, token) = match &admission.caller.who {
        Who::Owner => ("owner", None),
        Who::User { token, .. } => ("user", token.as_ref()),
        Who::Service { token } => ("service", Some(token)),
        Who::Stranger => ("stranger", None),
    };
    WhoView {
        who: admission.caller.who.to_string(),
        kind: kind.to_owned(),
        from: admission.caller.from.to_string(),
        means: admission.means.name().to_owned(),
        token: token.map(ToString::to_string),
        expires_at: admission.expires_unix_ms.map(rfc3339),
        admin: admission.admin,
        app: admission.reach.app.as_ref().map(ToString::to_string),
        environment: admission.reach.environment.as_ref().map(ToString::to_string),
        most: admission.most,
        roles,
        csrf,
    }
}

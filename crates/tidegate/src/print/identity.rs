//! `tidegate user`, `token`, `login` and `whoami` as text.

use tidegate_core::access::Role;
use tidegate_core::view::{
    DeviceLogin, InviteMade, RoleView, TokenList, TokenView, UserList, UserView, WhoView,
};

use super::table::{or_dash, table};

/// A line for each user.
pub fn users(list: &UserList) -> String {
    if list.users.is_empty() {
        return "nobody is known; `tidegate user add NAME` adds a user\n".to_owned();
    }
    let row = |user: &UserView| {
        [user.name.clone(), state(user).to_owned(), user.tokens.to_string(), user.added_at.clone()]
    };
    table(["NAME", "STATE", "TOKENS", "ADDED"], &list.users.iter().map(row).collect::<Vec<_>>())
}

fn state(user: &UserView) -> &'static str {
    match (user.disabled, user.admin) {
        (true, _) => "disabled",
        (false, true) => "admin",
        (false, false) => "user",
    }
}

/// What became of a user. `done`: `added`, …
pub fn user_changed(user: &UserView, done: &str) -> String {
    let next = match done {
        "added" | "linked" if user.openid.is_some() => "; the identity provider lets them in".to_owned(),
        "added" => format!("; `tidegate user invite {}` lets them in", user.name),
        _ => String::new(),
    };
    format!("{} was {done}{next}\n", user.name)
}

/// What goes with a code.
pub fn invited(made: &InviteMade, server: &str) -> String {
    let server = if server.contains("://") { server } else { "URL" };
    format!(
        "{} logs in with this code once, until {}:\n  tidegate login {server} --code CODE\n",
        made.user, made.expires_at
    )
}

/// A line for each token.
pub fn tokens(list: &TokenList) -> String {
    if list.tokens.is_empty() {
        return "there are no tokens; `tidegate token create NAME` makes one\n".to_owned();
    }
    let row = |token: &TokenView| {
        [
            token.id.clone(),
            token.name.clone(),
            token.user.clone().unwrap_or_else(|| "(program)".to_owned()),
            reach(token.app.as_deref(), token.environment.as_deref()),
            or_dash(token.role),
            token.state.clone(),
            token.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            or_dash(token.used_at.clone()),
        ]
    };
    let heading = ["ID", "NAME", "USER", "WHERE", "ROLE", "STATE", "EXPIRES", "USED"];
    table(heading, &list.tokens.iter().map(row).collect::<Vec<_>>())
}

fn reach(app: Option<&str>, environment: Option<&str>) -> String {
    match (app, environment) {
        (None, None) => "everywhere".to_owned(),
        (app, environment) => format!("{}/{}", app.unwrap_or("*"), environment.unwrap_or("*")),
    }
}

/// What was made, but for the token itself.
pub fn token_made(token: &TokenView) -> String {
    let whose = token.user.as_ref().map_or_else(|| "a program".to_owned(), Clone::clone);
    let until = token.expires_at.as_ref().map_or_else(|| "for ever".to_owned(), |at| format!("until {at}"));
    let place = reach(token.app.as_deref(), token.environment.as_deref());
    format!("{}: token {} of {whose}, {place}, good {until}; it is shown this once\n", token.id, token.name)
}

/// What was revoked.
pub fn token_revoked(token: &TokenView) -> String {
    format!("{}: {} is refused from now on\n", token.id, token.name)
}

/// Who was logged in.
pub fn logged_in(me: &WhoView, server: &str) -> String {
    let until = me.expires_at.as_ref().map_or_else(String::new, |at| format!(", until {at}"));
    format!("logged in to {server} as {}{until}\n", me.who)
}

/// What somebody does at their identity provider.
pub fn to_agree(begun: &DeviceLogin) -> String {
    let minutes = begun.expires_in_s.div_ceil(60);
    let mut text = format!(
        "log in with a browser, on any machine, within {minutes} min:\n  {}\n  code {}\n",
        begun.verification_uri, begun.user_code
    );
    if let Some(whole) = &begun.verification_uri_complete {
        text += &format!("or, with the code in it:\n  {whole}\n");
    }
    text + "agree only where it shows this code, and only to a login that you began yourself\n"
}

/// Who asks.
pub fn who(me: &WhoView, server: &str) -> String {
    let by = me.token.as_ref().map_or_else(|| me.means.clone(), |name| format!("token {name}"));
    let mut text = format!("{} at {server}\n  by     {by}, from {}\n", me.who, me.from);
    text += &format!("  until  {}\n", me.expires_at.as_deref().unwrap_or("it is ended"));
    if me.app.is_some() || me.environment.is_some() {
        text += &format!("  only   {}\n", reach(me.app.as_deref(), me.environment.as_deref()));
    }
    if let Some(most) = me.most {
        text += &format!("  most   {most}\n");
    }
    text + &format!("  may    {}\n", may(me))
}

fn may(me: &WhoView) -> String {
    if me.kind == "owner" {
        return "everything: this is whoever runs Tidegate".to_owned();
    }
    let narrowed =
        me.app.is_some() || me.environment.is_some() || me.most.is_some_and(|most| most != Role::Admin);
    if me.admin && !narrowed {
        return "everything: an administrator".to_owned();
    }
    if me.roles.is_empty() {
        return "look".to_owned();
    }
    let role = |role: &RoleView| {
        format!("{} ({})", role.role, reach(role.app.as_deref(), role.environment.as_deref()))
    };
    me.roles.iter().map(role).collect::<Vec<_>>().join(", ")
}

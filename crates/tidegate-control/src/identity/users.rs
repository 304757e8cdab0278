//! Changing users. Each change is one transaction.

use tidegate_core::access::{Binding, Holder, OpenIdLink, Place, RESERVED_NAMES, Role, User};
use tidegate_core::model::Name;
use tidegate_store::{Reader, Store, StoreError, Tx};

use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};

/// The most users.
const MOST: usize = 1_000;

/// What is asked of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Lets them in nowhere, and ends their sessions. Their tokens are kept and refused.
    Disable,
    /// Lets them in again.
    Enable,
}

/// Adds a user. `by`: who asks.
pub(super) fn add(
    store: &mut Store,
    time: Time,
    (name, admin, link): (&Name, bool, Option<OpenIdLink>),
    by: &str,
) -> Result<(), Refusal> {
    check_name(name)?;
    unknown(store, name)?;
    let known = store.users().map_err(store_trouble)?;
    room(&known)?;
    link.as_ref().map_or(Ok(()), |link| free(&known, name, link))?;
    let user = User { openid: link, ..user(name, admin, time, by) };
    let added = store.transaction(|tx| {
        // From now on somebody else can make administrators: the first one's code is not needed any more.
        tx.drop_access_code(None)?;
        put_new(tx, &user)
    });
    added.map_err(store_trouble)
}

/// Says as whom an identity provider knows a user; `None`: it does not let them in any more. What it said of their groups is forgotten.
pub(super) fn link(store: &mut Store, name: &Name, link: Option<OpenIdLink>) -> Result<(), Refusal> {
    let before = known(store, name)?;
    if let Some(link) = &link {
        free(&store.users().map_err(store_trouble)?, name, link)?;
    }
    let user = User { openid: link, ..before };
    store.transaction(|tx| tx.put_user(&user)).map_err(store_trouble)
}

/// Refuses to make two users of one person.
fn free(known: &[User], name: &Name, link: &OpenIdLink) -> Result<(), Refusal> {
    let is_them = |user: &&User| user.openid.as_ref().is_some_and(|it| it.is_of(&link.issuer, &link.subject));
    let Some(other) = known.iter().find(is_them).filter(|other| other.name != *name) else { return Ok(()) };
    let message = format!("that person is the user {} already", other.name);
    Err(Refusal::new(RefusalKind::Conflict, "oidc::linked", message)
        .help(format!("`tidegate user unlink {}` first, where that is not so", other.name)))
}

/// Refuses more users than may be.
pub(super) fn room(known: &[User]) -> Result<(), Refusal> {
    if known.len() < MOST {
        return Ok(());
    }
    let message = format!("there are {MOST} users already");
    Err(Refusal::new(RefusalKind::Conflict, "access::too-many", message)
        .help("remove some with `tidegate user remove NAME`"))
}

/// Writes a new user; an administrator with the role that makes them one. Roles that somebody of that name had before are not theirs.
pub(super) fn put_new(tx: &Tx<'_>, user: &User) -> Result<(), StoreError> {
    drop_roles(tx, &user.name)?;
    if user.admin {
        tx.add_role_binding(&Binding {
            holder: Holder::User(user.name.clone()),
            role: Role::Admin,
            place: Place::Everywhere,
            by: user.added_by.clone(),
            made_at_unix_ms: user.added_unix_ms,
        })?;
    }
    tx.put_user(user)
}

fn drop_roles(tx: &Tx<'_>, name: &Name) -> Result<(), StoreError> {
    let held = tx.role_bindings_of(&Holder::User(name.clone()))?;
    held.iter().try_for_each(|binding| tx.drop_role_binding(binding).map(drop))
}

/// Whether somebody has the role that makes an administrator.
pub(super) fn is_administrator(bindings: &[Binding], name: &Name) -> bool {
    bindings.iter().any(|one| one.is_of_an_administrator() && one.holder == Holder::User(name.clone()))
}

/// A user as they begin.
pub(super) fn user(name: &Name, admin: bool, time: Time, by: &str) -> User {
    let added_by = super::short(by);
    User {
        name: name.clone(),
        added_unix_ms: time.unix_ms,
        added_by,
        disabled_unix_ms: None,
        admin,
        openid: None,
    }
}

/// Refuses names that records use for others than people.
pub(super) fn check_name(name: &Name) -> Result<(), Refusal> {
    if !RESERVED_NAMES.contains(&name.as_str()) {
        return Ok(());
    }
    let message = format!("nobody can be called {name}: Tidegate's own records mean something else by it");
    Err(Refusal::new(RefusalKind::Invalid, "access::reserved-name", message)
        .help("choose another name, like `tidegate user add ann`"))
}

/// Changes a user.
pub(super) fn change(store: &mut Store, time: Time, name: &Name, change: UserChange) -> Result<(), Refusal> {
    let before = known(store, name)?;
    let user = match change {
        UserChange::Disable => {
            User { disabled_unix_ms: before.disabled_unix_ms.or(Some(time.unix_ms)), ..before }
        }
        UserChange::Enable => User { disabled_unix_ms: None, ..before },
    };
    let changed = store.transaction(|tx| {
        if user.disabled_unix_ms.is_some() {
            tx.drop_access_code(Some(name))?;
            tx.access_sessions_of(name)?.iter().try_for_each(|one| tx.remove_access_session(&one.id))?;
        }
        tx.put_user(&user)
    });
    changed.map_err(store_trouble)
}

/// Forgets a user, with their roles, tokens and sessions; who it was.
pub(super) fn remove(store: &mut Store, name: &Name) -> Result<User, Refusal> {
    let before = known(store, name)?;
    let removed = store.transaction(|tx| {
        drop_roles(tx, name)?;
        tx.remove_user(name)
    });
    removed.map_err(store_trouble)?;
    Ok(before)
}

/// Refuses a name that a user has.
pub(super) fn unknown(store: &Reader, name: &Name) -> Result<(), Refusal> {
    if store.user(name).map_err(store_trouble)?.is_none() {
        return Ok(());
    }
    let message = format!("there is a user {name} already");
    Err(Refusal::new(RefusalKind::Conflict, "access::user-known", message)
        .help(format!("`tidegate user invite {name}` lets them in")))
}

/// A user, or the refusal where there is none.
pub(super) fn known(store: &Reader, name: &Name) -> Result<User, Refusal> {
    let found = store.user(name).map_err(store_trouble)?;
    found.ok_or_else(|| {
        let message = format!("there is no user {name}");
        Refusal::new(RefusalKind::NotFound, "access::unknown-user", message)
            .help(format!("`tidegate user list` shows them, `tidegate user add {name}` adds one"))
    })
}

//! [`Identity`] of a running control plane: reads on a connection of its own, writes between two passes of the loop.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::access::{
    AccessToken, Admission, LoginRefused, Means, NotLetIn, OpenIdLink, User, manages_access,
};
use tidegate_core::model::Name;
use tidegate_core::view::{
    InviteMade, LoginView, TokenList, TokenMade, TokenView, ToldOnce, UserList, UserView,
};
use tidegate_os::clock::unix_ms;
use tidegate_store::{Reader, Store, StoreError};

use super::bearer::{self, LetIn};
use super::codes::Redeemed;
use super::sessions::Opened;
use super::{
    Enter, Identity, IdentityKey, LoggedIn, Redeem, TokenAsked, UserChange, codes, entry, tokens, users, view,
};
use crate::answer::{rfc3339, store_trouble};
use crate::engine::Time;
use crate::handle::Handle;
use crate::plane::{Refusal, RefusalKind};

/// See the module.
pub struct Desk {
    handle: Arc<Handle>,
    key: IdentityKey,
    reader: Mutex<Reader>,
}

impl Desk {
    /// Of a control plane. `reader`: a connection for it alone.
    ///
    /// # Errors
    /// Where its key can be neither read nor made.
    pub fn new(handle: Arc<Handle>, reader: Reader) -> io::Result<Self> {
        let key = IdentityKey::of(handle.data())?;
        Ok(Desk { handle, key, reader: Mutex::new(reader) })
    }

    fn read<T>(&self, look: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, Refusal> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.snapshot(look).map_err(store_trouble)
    }

    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Store, &IdentityKey, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let key = self.key.clone();
        self.handle.ask(move |world, time| change(world.store, &key, time))
    }

    /// Notes a use, without waiting for it: a full disk keeps nobody out.
    fn let_in(&self, found: Result<LetIn, NotLetIn>) -> Result<Admission, NotLetIn> {
        let LetIn { admission, note } = found?;
        if note {
            let means = admission.means.clone();
            self.handle.jot(move |world, time| note_use(world.store, &means, time));
        }
        Ok(admission)
    }

    fn logged_in(&self, redeemed: &Redeemed) -> LoggedIn {
        match redeemed {
            Redeemed::Token(made) => {
                let user = made.token.user.as_ref().map(ToString::to_string).unwrap_or_default();
                let expires_at = made.token.expires_unix_ms.map(rfc3339).unwrap_or_default();
                let token = Some(ToldOnce::new(made.text.reveal()));
                LoggedIn { view: LoginView { user, token, csrf: None, expires_at }, session: None }
            }
            Redeemed::Session(opened) => session_of(&self.key, opened),
        }
    }

    fn user_view(&self, name: &Name) -> Result<UserView, Refusal> {
        let list = self.users()?;
        let found = list.users.into_iter().find(|user| user.name == name.as_str());
        found.ok_or_else(|| Refusal::new(RefusalKind::Bug, "bug", "a user was lost"))
    }
}

/// Notes that a token or a session was used.
pub(super) fn note_use(store: &mut Store, means: &Means, time: Time) -> Result<(), Refusal> {
    let noted = store.transaction(|tx| match means {
        Means::Token { id } => match tx.access_token(id)?.filter(|one| one.is_to_be_noted(time.unix_ms)) {
            Some(token) => tx.change_access_token(&AccessToken { used_unix_ms: Some(time.unix_ms), ..token }),
            None => Ok(()),
        },
        Means::Session { id } => {
            match tx.access_session(id)?.filter(|one| one.is_to_be_noted(time.unix_ms)) {
                Some(mut session) => {
                    session.used_unix_ms = time.unix_ms;
                    tx.change_access_session(&session)
                }
                None => Ok(()),
            }
        }
        Means::Socket | Means::OwnerToken | Means::Key => Ok(()),
    });
    noted.map_err(store_trouble)
}

/// Only who decides about users.
fn managing(asker: &Admission) -> Result<(), Refusal> {
    if manages_access(asker) {
        return Ok(());
    }
    let message = "only administrators decide about users";
    Err(Refusal::new(RefusalKind::Conflict, "access::not-managing", message)
        .help("ask an administrator, or run it on the server's machine"))
}

impl Identity for Desk {
    fn token(&self, text: &str, from: IpAddr) -> Result<Result<Admission, NotLetIn>, Refusal> {
        let found = self.read(|store| bearer::of_token(store, &self.key, text, (from, unix_ms())))?;
        Ok(self.let_in(found))
    }

    fn session(&self, text: &str, from: IpAddr) -> Result<Result<Admission, NotLetIn>, Refusal> {
        let found = self.read(|store| bearer::of_session(store, &self.key, text, (from, unix_ms())))?;
        Ok(self.let_in(found))
    }

    fn csrf(&self, session: &str) -> String {
        self.key.csrf(session)
    }

    fn redeem(&self, asked: Redeem) -> Result<Result<LoggedIn, NotLetIn>, Refusal> {
        let redeemed = self.write(move |store, key, time| codes::redeem(store, key, time, &asked))?;
        Ok(redeemed.map(|redeemed| self.logged_in(&redeemed)))
    }

    fn enter(&self, asked: Enter) -> Result<Result<LoggedIn, LoginRefused>, Refusal> {
        let entered = self.write(move |store, key, time| entry::enter(store, key, time, &asked))?;
        Ok(entered.map(|entered| self.logged_in(&entered)))
    }

    fn end(&self, asker: &Admission) -> Result<(), Refusal> {
        let means = asker.means.clone();
        self.write(move |store, _, time| {
            let ended = store.transaction(|tx| match &means {
                Means::Session { id } => tx.remove_access_session(id),
                Means::Token { id } => match tx.access_token(id)? {
                    Some(mut token) => {
                        token.revoked_unix_ms = token.revoked_unix_ms.or(Some(time.unix_ms));
                        tx.change_access_token(&token)
                    }
                    None => Ok(()),
                },
                Means::Socket | Means::OwnerToken | Means::Key => Ok(()),
            });
            ended.map_err(store_trouble)
        })
    }

    fn users(&self) -> Result<UserList, Refusal> {
        let (known, tokens, roles) =
            self.read(|store| Ok((store.users()?, store.access_tokens()?, store.role_bindings()?)))?;
        let now = unix_ms();
        let good = |name: &Name| {
            tokens.iter().filter(|token| token.user.as_ref() == Some(name) && token.is_good(now)).count()
        };
        let seen =
            |user: &User| view::user(user, good(&user.name), users::is_administrator(&roles, &user.name));
        Ok(UserList { users: known.iter().map(seen).collect() })
    }

    fn user_add(
        &self,
        asker: &Admission,
        name: &Name,
        (admin, link): (bool, Option<OpenIdLink>),
    ) -> Result<UserView, Refusal> {
        managing(asker)?;
        let (asked, by) = (name.clone(), asker.caller.who.to_string());
        self.write(move |store, _, time| users::add(store, time, (&asked, admin, link), &by))?;
        self.user_view(name)
    }

    fn user_link(
        &self,
        asker: &Admission,
        name: &Name,
        link: Option<OpenIdLink>,
    ) -> Result<UserView, Refusal> {
        managing(asker)?;
        let asked = name.clone();
        self.write(move |store, _, _| users::link(store, &asked, link))?;
        self.user_view(name)
    }

    fn user_change(&self, asker: &Admission, name: &Name, change: UserChange) -> Result<UserView, Refusal> {
        managing(asker)?;
        let asked = name.clone();
        self.write(move |store, _, time| users::change(store, time, &asked, change))?;
        self.user_view(name)
    }

    fn user_remove(&self, asker: &Admission, name: &Name) -> Result<UserView, Refusal> {
        managing(asker)?;
        let asked = name.clone();
        let removed = self.write(move |store, _, _| users::remove(store, &asked))?;
        Ok(view::user(&removed, 0, false))
    }

    fn user_invite(&self, asker: &Admission, name: &Name) -> Result<InviteMade, Refusal> {
        managing(asker)?;
        let asked = name.clone();
        let (text, code) = self.write(move |store, key, time| codes::invite(store, key, time, &asked))?;
        Ok(InviteMade {
            code: ToldOnce::new(text.reveal()),
            user: name.to_string(),
            expires_at: rfc3339(code.expires_unix_ms),
        })
    }

    fn tokens(&self, asker: &Admission, user: Option<&Name>) -> Result<TokenList, Refusal> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = tokens::seen_by(&reader, asker, user)?;
        let now = unix_ms();
        Ok(TokenList { tokens: seen.iter().map(|token| view::token(token, now)).collect() })
    }

    fn token_make(&self, asker: &Admission, asked: TokenAsked) -> Result<TokenMade, Refusal> {
        let asker = asker.clone();
        let made = self.write(move |store, key, time| tokens::make(store, key, time, &asker, asked))?;
        Ok(TokenMade {
            secret: ToldOnce::new(made.text.reveal()),
            token: view::token(&made.token, unix_ms()),
        })
    }

    fn token_revoke(
        &self,
        asker: &Admission,
        which: &str,
        user: Option<&Name>,
    ) -> Result<TokenView, Refusal> {
        let (asker, which, user) = (asker.clone(), which.to_owned(), user.cloned());
        let token =
            self.write(move |store, _, time| tokens::revoke(store, time, &asker, (&which, user.as_ref())))?;
        Ok(view::token(&token, unix_ms()))
    }
}

fn session_of(key: &IdentityKey, opened: &Opened) -> LoggedIn {
    let text = opened.text.reveal();
    let view = LoginView {
        user: opened.session.user.to_string(),
        token: None,
        csrf: Some(ToldOnce::new(key.csrf(text))),
        expires_at: rfc3339(opened.session.ends_unix_ms()),
    };
    LoggedIn { view, session: Some(ToldOnce::new(text)) }
}

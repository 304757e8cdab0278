//! Users and what lets them in.

use tidegate_core::access::{AccessSession, AccessToken, LoginBy, OneTimeCode, Reach, User};
use tidegate_core::model::Name;
use tidegate_store::StoreError;

use crate::fixtures::*;

fn user(who: &str) -> User {
    User {
        name: name(who),
        added_unix_ms: 7,
        added_by: "owner".to_owned(),
        disabled_unix_ms: None,
        admin: true,
        openid: None,
    }
}

fn token(id: &str, user: Option<Name>) -> AccessToken {
    AccessToken {
        id: id.to_owned(),
        name: name("laptop"),
        user,
        reach: Reach { app: Some(name("shop")), environment: None },
        most: None,
        made_unix_ms: 1,
        made_by: "owner".to_owned(),
        expires_unix_ms: None,
        used_unix_ms: Some(3),
        revoked_unix_ms: None,
    }
}

fn session(id: &str, who: &str) -> AccessSession {
    let (opened_unix_ms, used_unix_ms) = (1, 2);
    AccessSession {
        id: id.to_owned(),
        user: name(who),
        by: LoginBy::Code,
        opened_unix_ms,
        used_unix_ms,
        until_unix_ms: None,
    }
}

fn code(user: Option<Name>) -> OneTimeCode {
    OneTimeCode { user, made_unix_ms: 1, expires_unix_ms: 2 }
}

#[test]
fn who_is_removed_takes_along_what_let_them_in_and_nothing_else() {
    let mut on_disk = OnDisk::new();
    let (ann, bob) = (name("ann"), name("bob"));
    on_disk
        .store
        .transaction(|tx| {
            [&user("bob"), &user("ann")].into_iter().try_for_each(|one| tx.put_user(one))?;
            tx.add_access_token(&token("t1", Some(ann.clone())), "d1")?;
            tx.add_access_token(&token("t2", Some(bob.clone())), "d2")?;
            tx.add_access_token(&token("t3", None), "d3")?;
            tx.add_access_session(&session("s1", "ann"), "d4")?;
            tx.add_access_session(&session("s2", "bob"), "d5")?;
            [Some(ann.clone()), Some(bob.clone()), None]
                .into_iter()
                .zip(["d6", "d7", "d8"])
                .try_for_each(|(user, digest)| tx.put_access_code(&code(user), digest))
        })
        .unwrap();
    let mut on_disk = on_disk.reopened();
    let store = &mut on_disk.store;
    assert_eq!(store.users().unwrap(), [user("ann"), user("bob")]);
    assert_eq!(store.access_token_of("d1").unwrap(), Some(token("t1", Some(ann.clone()))));
    store.transaction(|tx| tx.remove_user(&ann)).unwrap();
    assert_eq!(store.users().unwrap(), [user("bob")]);
    let ids: Vec<String> = store.access_tokens().unwrap().into_iter().map(|token| token.id).collect();
    assert_eq!(ids, ["t2", "t3"]);
    assert_eq!(store.access_tokens_of(None).unwrap(), [token("t3", None)]);
    assert_eq!(
        (store.access_session_of("d4").unwrap(), store.access_sessions_of(&ann).unwrap().len()),
        (None, 0)
    );
    assert_eq!(store.access_session("s2").unwrap(), store.access_session_of("d5").unwrap());
    assert_eq!(store.access_code_of("d6").unwrap(), None);
    assert_eq!(store.access_code_of("d7").unwrap(), Some(code(Some(bob))));
    assert_eq!(store.access_code_for(None).unwrap(), Some(code(None)));
}

#[test]
fn a_user_has_one_code_and_no_digest_is_two_peoples() {
    let mut store = tidegate_store::Store::in_memory().unwrap();
    let ann = Some(name("ann"));
    store.transaction(|tx| tx.put_access_code(&code(ann.clone()), "d1")).unwrap();
    store.transaction(|tx| tx.put_access_code(&code(ann.clone()), "d2")).unwrap();
    assert_eq!(store.access_code_of("d1").unwrap(), None);
    assert!(store.access_code_of("d2").unwrap().is_some());
    store.transaction(|tx| tx.add_access_token(&token("t1", ann), "d1")).unwrap();
    let again = store.transaction(|tx| tx.add_access_token(&token("t2", None), "d1"));
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let changed = AccessToken { revoked_unix_ms: Some(9), ..token("t1", Some(name("ann"))) };
    store.transaction(|tx| tx.change_access_token(&changed)).unwrap();
    assert_eq!(store.access_token("t1").unwrap(), Some(changed));
}

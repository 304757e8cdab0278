//! Users, tokens, sessions and codes on a store in memory, with a time of the test's own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use tidegate_core::access::{
    Admission, FIRST_GOOD_FOR, INVITE_GOOD_FOR, LoginBy, LoginRefused, Means, NotLetIn, OPEN_ID_GOOD_FOR,
    OpenIdLink, OpenIdRules, Origin, Person, Role, SESSION_IDLE, TOKEN_GOOD_FOR, Who,
};
use tidegate_core::audit::{Deed, Outcome};
use tidegate_core::model::Name;
use tidegate_core::time::Moment;
use tidegate_store::Store;

use super::codes::Redeemed;
use super::text::SecretText;
use super::{
    Enter, IdentityKey, Redeem, TokenAsked, UserChange, bearer, codes, desk, entry, sessions, tokens, users,
    welcome,
};
use crate::engine::Time;
use crate::plane::Refusal;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Bench {
    store: Store,
    key: IdentityKey,
    now: u64,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn owner() -> Admission {
    Admission::owner(Origin::Socket { uid: 0 }, Means::Socket)
}

fn asked(name_of_token: &str) -> TokenAsked {
    TokenAsked {
        name: name(name_of_token),
        user: None,
        service: false,
        app: None,
        environment: None,
        role: None,
        expires: None,
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = IdentityKey::of(folder.path()).unwrap();
        Bench { store: Store::in_memory().unwrap(), key, now: 1_000_000 }
    }

    fn time(&self) -> Time {
        Time { now: Moment(self.now), unix_ms: self.now }
    }

    fn add(&mut self, who: &str, admin: bool) {
        let time = self.time();
        users::add(&mut self.store, time, (&name(who), admin, None), "owner").unwrap();
    }

    fn make(&mut self, asker: &Admission, asked: TokenAsked) -> Result<SecretText, Refusal> {
        let time = self.time();
        tokens::make(&mut self.store, &self.key, time, asker, asked).map(|made| made.text)
    }

    fn token_of(&mut self, who: &str, token: &str) -> SecretText {
        self.make(&owner(), TokenAsked { user: Some(name(who)), ..asked(token) }).unwrap()
    }

    fn shows(&self, text: &SecretText) -> Result<Admission, NotLetIn> {
        self.shows_text(text.reveal())
    }

    fn shows_text(&self, text: &str) -> Result<Admission, NotLetIn> {
        let found = bearer::of_token(&self.store, &self.key, text, (HERE, self.now)).unwrap();
        found.map(|found| self.judged(found.admission))
    }

    /// What the API finds out by asking the policies.
    fn judged(&self, admission: Admission) -> Admission {
        let roles = self.store.role_bindings().unwrap();
        let admin = admission.user().is_some_and(|name| users::is_administrator(&roles, name));
        Admission { admin, ..admission }
    }

    fn shows_session(&self, text: &SecretText) -> Result<Admission, NotLetIn> {
        let found = bearer::of_session(&self.store, &self.key, text.reveal(), (HERE, self.now)).unwrap();
        found.map(|found| self.judged(found.admission))
    }

    fn redeem(
        &mut self,
        code: &SecretText,
        (user, token): (Option<&str>, Option<&str>),
    ) -> Result<Result<SecretText, NotLetIn>, Refusal> {
        let asked = Redeem { code: code.reveal().to_owned(), user: user.map(name), token: token.map(name) };
        let time = self.time();
        let redeemed = codes::redeem(&mut self.store, &self.key, time, &asked)?;
        Ok(redeemed.map(|redeemed| match redeemed {
            Redeemed::Token(made) => made.text,
            Redeemed::Session(opened) => opened.text,
        }))
    }

    fn first(&mut self) -> Option<SecretText> {
        let time = self.time();
        codes::first(&mut self.store, &self.key, time).unwrap()
    }
}

#[test]
fn the_first_code_makes_one_administrator_once() {
    let mut bench = Bench::new();
    let stale = bench.first().expect("nobody is known");
    let code = bench.first().expect("it was not used");
    assert_eq!(bench.redeem(&stale, (Some("ann"), None)).unwrap().unwrap_err(), NotLetIn::Unknown);
    let unnamed = bench.redeem(&code, (None, None)).unwrap_err();
    assert_eq!(unnamed.code, "access::name-missing");
    assert_eq!(bench.redeem(&code, (Some("owner"), None)).unwrap_err().code, "access::reserved-name");
    let token = bench.redeem(&code, (Some("ann"), Some("laptop"))).unwrap().unwrap();
    let ann = bench.shows(&token).unwrap();
    let roles = bench.store.role_bindings().unwrap();
    assert!(users::is_administrator(&roles, &name("ann")) && roles.len() == 1, "{roles:?}");
    assert_eq!(ann.caller.who, Who::User { name: name("ann"), token: Some(name("laptop")) });
    assert_eq!(bench.redeem(&code, (Some("eve"), None)).unwrap().unwrap_err(), NotLetIn::Unknown);
    assert!(bench.first().is_none(), "somebody is known");
    users::remove(&mut bench.store, &name("ann")).unwrap();
    assert!(bench.first().is_none(), "the owner took them away on purpose");
    bench.add("ann", false);
    assert!(
        bench.store.role_bindings().unwrap().is_empty(),
        "another one of that name has none of their roles"
    );
}

#[test]
fn the_first_code_goes_after_a_day_and_with_the_first_user_that_is_added() {
    let mut bench = Bench::new();
    let code = bench.first().unwrap();
    bench.now += FIRST_GOOD_FOR.0;
    assert_eq!(bench.redeem(&code, (Some("ann"), None)).unwrap().unwrap_err(), NotLetIn::CodeExpired);
    let code = bench.first().expect("each start makes another one");
    bench.add("bob", false);
    assert_eq!(bench.redeem(&code, (Some("ann"), None)).unwrap().unwrap_err(), NotLetIn::Unknown);
}

#[test]
fn an_invited_user_gets_in_once_within_an_hour() {
    let mut bench = Bench::new();
    bench.add("bob", false);
    let invite = |bench: &mut Bench| {
        let time = bench.time();
        codes::invite(&mut bench.store, &bench.key, time, &name("bob")).unwrap().0
    };
    let before = invite(&mut bench);
    let code = invite(&mut bench);
    assert_eq!(bench.redeem(&before, (None, None)).unwrap().unwrap_err(), NotLetIn::Unknown, "another came");
    assert_eq!(bench.redeem(&code, (Some("eve"), None)).unwrap_err().code, "access::other-user");
    let session = bench.redeem(&code, (None, None)).unwrap().unwrap();
    let bob = bench.shows_session(&session).unwrap();
    assert_eq!((bob.user(), bob.admin), (Some(&name("bob")), false));
    assert_eq!(bench.shows(&session).unwrap_err(), NotLetIn::Unknown, "a session is no token");
    assert_eq!(bench.redeem(&code, (None, None)).unwrap().unwrap_err(), NotLetIn::Unknown);
    let late = invite(&mut bench);
    bench.now += INVITE_GOOD_FOR.0;
    assert_eq!(bench.redeem(&late, (None, None)).unwrap().unwrap_err(), NotLetIn::CodeExpired);
}

#[test]
fn a_token_is_refused_once_it_is_over_and_who_has_it_is_told_why() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    let token = bench.token_of("ann", "laptop");
    assert_eq!(bench.shows(&token).unwrap().caller.from, Origin::Address(HERE));
    let mistyped = token.reveal().replace("tidegate_user_", "tidegate_service_");
    assert_eq!(bench.shows_text(&mistyped).unwrap_err(), NotLetIn::Unknown);
    let stranger = SecretText::made(super::Kind::User).unwrap();
    assert_eq!(bench.shows(&stranger).unwrap_err(), NotLetIn::Unknown);

    let time = bench.time();
    users::change(&mut bench.store, time, &name("ann"), UserChange::Disable).unwrap();
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Disabled);
    users::change(&mut bench.store, time, &name("ann"), UserChange::Enable).unwrap();
    assert!(bench.shows(&token).is_ok());

    tokens::revoke(&mut bench.store, time, &owner(), ("laptop", Some(&name("ann")))).unwrap();
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Revoked);
    let token = bench.token_of("ann", "laptop");
    bench.now += TOKEN_GOOD_FOR.0;
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Expired);
    let token = bench.token_of("ann", "laptop");
    users::remove(&mut bench.store, &name("ann")).unwrap();
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Unknown);
    bench.add("ann", false);
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Unknown, "somebody else of that name");
}

#[test]
fn tokens_never_expire_only_where_that_was_said() {
    let mut bench = Bench::new();
    let expiring = |text: &str| TokenAsked { expires: Some(text.to_owned()), ..asked("ci") };
    for bad in ["", "1", "59s", "400d", "always"] {
        assert_eq!(bench.make(&owner(), expiring(bad)).unwrap_err().code, "access::expiry", "{bad}");
    }
    let token = bench.make(&owner(), expiring("never")).unwrap();
    bench.now = u64::MAX;
    let ci = bench.shows(&token).unwrap();
    assert_eq!((ci.caller.who, ci.expires_unix_ms), (Who::Service { token: name("ci") }, None));
}

#[test]
fn nobody_makes_or_sees_a_token_that_gives_more_than_they_have() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    bench.add("boss", true);
    let ann = bench.token_of("ann", "laptop");
    let ann = bench.shows(&ann).unwrap();
    let boss = bench.token_of("boss", "laptop");
    let boss = bench.shows(&boss).unwrap();
    let code = |made: Result<SecretText, Refusal>| made.unwrap_err().code;
    let of = |user: &str| TokenAsked { user: Some(name(user)), ..asked("more") };
    let service = TokenAsked { service: true, ..asked("more") };
    assert_eq!(code(bench.make(&ann, of("boss"))), "access::whose-token");
    assert_eq!(code(bench.make(&ann, service.clone())), "access::whose-token");
    assert_eq!(code(bench.make(&boss, TokenAsked { service: true, ..of("ann") })), "access::whose-token");
    assert_eq!(code(bench.make(&boss, of("nobody"))), "access::unknown-user");
    let service = bench.make(&boss, service).unwrap();
    let service = bench.shows(&service).unwrap();
    assert_eq!(code(bench.make(&service, asked("another"))), "access::whose-token");
    let narrow = TokenAsked { role: Some(Role::Reader), ..asked("narrow") };
    let narrow = bench.make(&boss, narrow).unwrap();
    let narrow = bench.shows(&narrow).unwrap();
    assert_eq!(code(bench.make(&narrow, asked("wide"))), "access::narrow-token");
    let shop = TokenAsked { app: Some(name("shop")), ..asked("shop") };
    let shop = bench.make(&boss, shop).unwrap();
    let shop = bench.shows(&shop).unwrap();
    assert_eq!(code(bench.make(&shop, asked("wide"))), "access::narrow-token");

    let seen = |bench: &Bench, who: &Admission| tokens::seen_by(&bench.store, who, None).unwrap().len();
    assert_eq!((seen(&bench, &boss), seen(&bench, &ann), seen(&bench, &service)), (5, 1, 1));
    assert_eq!(seen(&bench, &narrow), 1, "itself, though its user has three");
    let time = bench.time();
    let revoked = tokens::revoke(&mut bench.store, time, &ann, ("narrow", None));
    assert_eq!(revoked.unwrap_err().code, "access::unknown-token", "as if it were not there");
    let twice = tokens::revoke(&mut bench.store, time, &owner(), ("laptop", None));
    assert_eq!(twice.unwrap_err().code, "access::which-token");
    tokens::revoke(&mut bench.store, time, &boss, ("laptop", None)).expect("one's own is meant");
    assert_eq!(code(bench.make(&ann, asked("laptop"))), "access::token-known");
}

#[test]
fn a_use_is_noted_and_a_session_goes_on_by_it() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    let time = bench.time();
    let opened = sessions::made(time, &name("ann"), LoginBy::OpenId).unwrap();
    bench.store.transaction(|tx| sessions::add(tx, &bench.key, &opened, time)).unwrap();
    bench.now += SESSION_IDLE.0 - 1;
    let ann = bench.shows_session(&opened.text).unwrap();
    let time = bench.time();
    desk::note_use(&mut bench.store, &ann.means, time).unwrap();
    bench.now += 1;
    assert!(bench.shows_session(&opened.text).is_ok());
    bench.now += SESSION_IDLE.0;
    assert_eq!(bench.shows_session(&opened.text).unwrap_err(), NotLetIn::SessionOver);

    let token = bench.token_of("ann", "laptop");
    let means = bench.shows(&token).unwrap().means;
    let first = bench.now;
    for later in [0, 59_999] {
        bench.now = first + later;
        let time = bench.time();
        desk::note_use(&mut bench.store, &means, time).unwrap();
    }
    assert_eq!(bench.store.access_tokens().unwrap()[0].used_unix_ms, Some(first), "once a minute");
}

#[test]
fn a_user_has_a_bounded_number_of_sessions() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    let time = bench.time();
    let all: Vec<_> = (0..60).map(|_| sessions::made(time, &name("ann"), LoginBy::Code).unwrap()).collect();
    for opened in &all {
        bench.store.transaction(|tx| sessions::add(tx, &bench.key, opened, time)).unwrap();
    }
    assert_eq!(bench.store.access_sessions_of(&name("ann")).unwrap().len(), 50);
    assert!(bench.shows_session(&all[9].text).is_err() && bench.shows_session(&all[10].text).is_ok());
}

#[test]
fn login_again_from_one_machine_gets_another_name() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    for expected in ["laptop", "laptop-2", "laptop-3"] {
        let time = bench.time();
        let code = codes::invite(&mut bench.store, &bench.key, time, &name("ann")).unwrap().0;
        let token = bench.redeem(&code, (None, Some("laptop"))).unwrap().unwrap();
        let who = bench.shows(&token).unwrap().caller.who;
        assert_eq!(who, Who::User { name: name("ann"), token: Some(name(expected)) });
    }
}

#[test]
fn another_key_is_noticed_and_lets_nobody_in() {
    let mut bench = Bench::new();
    let time = bench.time();
    assert!(!welcome::looked(&mut bench.store, &bench.key, time).unwrap().key_changed);
    assert!(!welcome::looked(&mut bench.store, &bench.key, time).unwrap().key_changed);
    bench.add("ann", false);
    let token = bench.token_of("ann", "laptop");
    bench.key = Bench::new().key;
    assert!(welcome::looked(&mut bench.store, &bench.key, time).unwrap().key_changed);
    assert_eq!(bench.shows(&token).unwrap_err(), NotLetIn::Unknown);
}

#[test]
fn the_store_holds_no_text() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    let text = bench.token_of("ann", "laptop");
    let rows = format!("{:?}", bench.store.access_tokens().unwrap());
    assert!(!rows.contains(text.reveal()));
    assert!(bench.store.access_token_of(text.reveal()).unwrap().is_none());
    assert!(bench.store.access_token_of(&bench.key.digest_of(&text)).unwrap().is_some());
}

const ISSUER: &str = "https://id.example";

fn person(subject: &str, called: &str, groups: &[&str]) -> Person {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Person { subject: subject.to_owned(), name: Some(called.to_owned()), email: None, groups }
}

impl Bench {
    /// A login on the word of a provider; the token, or the session.
    fn enters(
        &mut self,
        person: Person,
        (adds_users, token): (bool, Option<&str>),
    ) -> Result<SecretText, LoginRefused> {
        let rules = OpenIdRules {
            issuer: ISSUER.to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            allowed: BTreeSet::new(),
            adds_users,
            lasts: OPEN_ID_GOOD_FOR,
        };
        let asked = Enter { person, rules, token: token.map(name), from: Origin::Address(HERE) };
        let time = self.time();
        let entered = entry::enter(&mut self.store, &self.key, time, &asked).unwrap();
        entered.map(|entered| match entered {
            Redeemed::Token(made) => made.text,
            Redeemed::Session(opened) => opened.text,
        })
    }

    /// What the log says of logins: who, and what came of it.
    fn logged(&self) -> Vec<(String, Outcome)> {
        let links = self.store.audit_links(0, 100).unwrap();
        let deeds = links.iter().map(|link| serde_json::from_str::<Deed>(&link.body).unwrap());
        let logins = deeds.filter(|deed| deed.command == "login");
        logins.map(|deed| (deed.who.map(|who| who.to_string()).unwrap_or_default(), deed.outcome)).collect()
    }
}

#[test]
fn the_word_of_a_provider_lets_in_whom_an_administrator_linked() {
    let mut bench = Bench::new();
    bench.add("ann", false);
    let refused = bench.enters(person("1", "ann", &[]), (false, None)).unwrap_err();
    assert!(matches!(refused, LoginRefused::Unknown { .. }), "{refused:?}: the name alone is nothing");
    users::link(&mut bench.store, &name("ann"), Some(OpenIdLink::new(ISSUER, "1"))).unwrap();
    let token = bench.enters(person("1", "somebody-else", &["ops"]), (false, Some("laptop"))).unwrap();
    let admission = bench.shows(&token).unwrap();
    assert_eq!(admission.user(), Some(&name("ann")));
    assert_eq!(admission.expires_unix_ms, Some(bench.now + OPEN_ID_GOOD_FOR.0));
    let session = bench.enters(person("1", "ann", &["ops"]), (false, None)).unwrap();
    assert!(bench.shows_session(&session).is_ok());
    let link = bench.store.user(&name("ann")).unwrap().unwrap().openid.unwrap();
    assert_eq!(link.groups.into_iter().collect::<Vec<_>>(), ["ops"]);
    let time = bench.time();
    users::change(&mut bench.store, time, &name("ann"), UserChange::Disable).unwrap();
    let refused = bench.enters(person("1", "ann", &[]), (false, None)).unwrap_err();
    assert_eq!(refused, LoginRefused::Disabled(name("ann")));
    assert!(bench.shows_session(&session).is_err());
    let (done, code) = (Outcome::Done, |code: &str| Outcome::Refused { code: code.to_owned(), rule: None });
    let expected = [
        ("somebody".to_owned(), code("oidc::unknown-person")),
        ("ann".to_owned(), done.clone()),
        ("ann".to_owned(), done),
        ("somebody".to_owned(), code("access::disabled-user")),
    ];
    assert_eq!(bench.logged(), expected);
}

#[test]
fn a_session_of_a_provider_ends_with_its_word_and_not_by_use() {
    let mut bench = Bench::new();
    let session = bench.enters(person("1", "ann", &[]), (true, None)).unwrap();
    for _ in 0..3 {
        bench.now += OPEN_ID_GOOD_FOR.0 / 4;
        let means = bench.shows_session(&session).unwrap().means;
        let time = bench.time();
        desk::note_use(&mut bench.store, &means, time).unwrap();
    }
    bench.now += OPEN_ID_GOOD_FOR.0 / 4;
    assert_eq!(bench.shows_session(&session), Err(NotLetIn::SessionOver));
}

#[test]
fn a_login_makes_a_user_without_a_role_and_never_takes_a_name() {
    let mut bench = Bench::new();
    let code = bench.first().unwrap();
    let token = bench.enters(person("1", "Ann@shop.example", &[]), (true, Some("laptop"))).unwrap();
    assert_eq!(bench.shows(&token).unwrap().user(), Some(&name("ann")));
    assert!(bench.store.role_bindings().unwrap().is_empty());
    let taken = bench.enters(person("2", "ann", &[]), (true, None)).unwrap_err();
    assert_eq!(taken, LoginRefused::NameTaken(name("ann")));
    let first = bench.redeem(&code, (Some("ann"), None)).unwrap_err();
    assert_eq!(first.code, "access::user-known", "the first administrator does not become ann either");
    bench.redeem(&code, (Some("boss"), None)).unwrap().unwrap();
    let linked =
        users::link(&mut bench.store, &name("boss"), Some(OpenIdLink::new(ISSUER, "1"))).unwrap_err();
    assert_eq!(linked.code, "oidc::linked", "one person is one user");
    users::link(&mut bench.store, &name("ann"), None).unwrap();
    users::link(&mut bench.store, &name("boss"), Some(OpenIdLink::new(ISSUER, "1"))).unwrap();
    let token = bench.enters(person("1", "ann", &[]), (false, Some("laptop"))).unwrap();
    assert_eq!(bench.shows(&token).unwrap().user(), Some(&name("boss")));
}

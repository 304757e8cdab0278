//! Whom a login lets in here: the user who is linked with the person, or a new one; never a user who only has the same name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{IdClaims, OpenIdRules};
use crate::access::{Holder, RESERVED_NAMES, User};
use crate::model::Name;

/// The most groups somebody is in.
const MOST_GROUPS: usize = 500;
/// Where providers say which claims they left out because they are too long.
const LEFT_OUT: &str = "_claim_names";

/// Somebody as their provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// By which the provider knows them.
    pub subject: String,
    /// What they are called there. They may have chosen it themselves.
    pub name: Option<String>,
    /// Their address, where the provider has verified it.
    pub email: Option<String>,
    /// The groups they are in.
    pub groups: BTreeSet<String>,
}

/// Whom a login lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A user who is linked with the person.
    Known(Name),
    /// A user who is to be made of them.
    New(Name),
}

/// Why a login lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// Not one of those who may.
    #[error("who may log in here was said, and you are not among them")]
    NotAllowed,
    /// Nobody is linked with them.
    #[error("no user here is linked with you, whom {issuer} knows as `{subject}`")]
    Unknown {
        /// Who vouches for them.
        issuer: String,
        /// As whom.
        subject: String,
    },
    /// Their user is disabled.
    #[error("the user {0} is disabled")]
    Disabled(Name),
    /// What they are called there is no name here.
    #[error("the provider calls you {}, which can be no user's name here", .0.as_deref().unwrap_or("nothing"))]
    NoName(Option<String>),
    /// Somebody else has the name.
    #[error("there is a user {0} already, who is not linked with you")]
    NameTaken(Name),
    /// It is not known in which groups they are.
    #[error("the provider left out in which groups you are: you are in too many")]
    Groups,
}

impl Person {
    /// As claims describe them.
    ///
    /// # Errors
    /// [`LoginRefused::Groups`] where the provider left the groups out, or there are more than are kept: what forbids something to
    /// one of them would be passed over.
    pub fn of(claims: &IdClaims, rules: &OpenIdRules) -> Result<Self, LoginRefused> {
        let verified = claims.get("email_verified").is_some_and(|is| *is == true || *is == "true");
        Ok(Person {
            subject: claims.subject().unwrap_or_default().to_owned(),
            name: claims.text(&rules.name_claim).map(printable),
            email: claims.text("email").filter(|_| verified).map(str::to_owned),
            groups: groups(claims, &rules.groups_claim)?,
        })
    }
}

/// Whom a login lets in. `known`: every user.
///
/// # Errors
/// Why nobody.
pub fn decide_entry(person: &Person, rules: &OpenIdRules, known: &[User]) -> Result<Entry, LoginRefused> {
    let is_them =
        |user: &&User| user.openid.as_ref().is_some_and(|link| link.is_of(&rules.issuer, &person.subject));
    let linked = known.iter().find(is_them);
    if !rules.admit(person) {
        return Err(LoginRefused::NotAllowed);
    }
    if let Some(user) = linked {
        let disabled = |_| LoginRefused::Disabled(user.name.clone());
        return user.stands().map(|()| Entry::Known(user.name.clone())).map_err(disabled);
    }
    if !rules.adds_users {
        let (issuer, subject) = (rules.issuer.clone(), person.subject.clone());
        return Err(LoginRefused::Unknown { issuer, subject });
    }
    let name = person.name.as_deref().and_then(name_here);
    let name = name.ok_or_else(|| LoginRefused::NoName(person.name.clone()))?;
    if known.iter().any(|user| user.name == name) {
        return Err(LoginRefused::NameTaken(name));
    }
    Ok(Entry::New(name))
}

/// `Ann.Smith@shop.example` is called `ann-smith`.
fn name_here(name: &str) -> Option<Name> {
    let local = name.split('@').next().unwrap_or_default().to_lowercase();
    let name = local.replace(['.', '_', ' '], "-").parse::<Name>().ok()?;
    (!RESERVED_NAMES.contains(&name.as_str())).then_some(name)
}

fn groups(claims: &IdClaims, claim: &str) -> Result<BTreeSet<String>, LoginRefused> {
    let left_out = claims.get(LEFT_OUT).and_then(|names| names.get(claim)).is_some();
    let named: Vec<&str> = match claims.get(claim) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    if left_out || named.len() > MOST_GROUPS {
        return Err(LoginRefused::Groups);
    }
    // What no role can be given to is nobody's group here.
    let fits = |group: &&str| format!("group:{group}").parse::<Holder>().is_ok();
    Ok(named.into_iter().filter(fits).map(str::to_owned).collect())
}

/// What somebody else wrote, short and on one line.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::{Allowed, OPEN_ID_GOOD_FOR, OpenIdLink};

    const ISSUER: &str = "https://id.example";

    fn rules(adds_users: bool, allowed: &[&str]) -> OpenIdRules {
        OpenIdRules {
            issuer: ISSUER.to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            allowed: allowed.iter().map(|text| text.parse::<Allowed>().unwrap()).collect(),
            adds_users,
            lasts: OPEN_ID_GOOD_FOR,
        }
    }

    fn user(name: &str, link: Option<(&str, &str)>, disabled: bool) -> User {
        User {
            name: name.parse().unwrap(),
            added_unix_ms: 0,
            added_by: "owner".to_owned(),
            disabled_unix_ms: disabled.then_some(1),
            admin: false,
            openid: link.map(|(issuer, subject)| OpenIdLink::new(issuer, subject)),
        }
    }

    fn person(claims: Value) -> Person {
        Person::of(&IdClaims::of(claims).unwrap(), &rules(false, &[])).unwrap()
    }

    fn called(subject: &str, name: &str) -> Person {
        person(json!({ "sub": subject, "preferred_username": name }))
    }

    #[test]
    fn a_person_is_who_the_provider_knows_whatever_they_call_themselves() {
        let known = [user("ann", Some((ISSUER, "1")), false), user("bob", None, false)];
        let decide = |person: Person, adds| decide_entry(&person, &rules(adds, &[]), &known);
        let ann = || "ann".parse::<Name>().unwrap();
        assert_eq!(decide(called("1", "root"), false), Ok(Entry::Known(ann())));
        for name in ["ann", "bob"] {
            let taken = LoginRefused::NameTaken(name.parse().unwrap());
            assert_eq!(decide(called("2", name), true), Err(taken), "another person of the name {name}");
        }
        let unknown = LoginRefused::Unknown { issuer: ISSUER.to_owned(), subject: "2".to_owned() };
        assert_eq!(decide(called("2", "eve"), false), Err(unknown));
        assert_eq!(decide(called("2", "eve"), true), Ok(Entry::New("eve".parse().unwrap())));
        let elsewhere = [user("ann", Some(("https://other.example", "1")), false)];
        let refused = decide_entry(&called("1", "ann"), &rules(true, &[]), &elsewhere);
        assert_eq!(refused, Err(LoginRefused::NameTaken(ann())), "the same subject at another provider");
    }

    #[test]
    fn who_is_disabled_or_not_allowed_is_refused() {
        let known = [user("ann", Some((ISSUER, "1")), true), user("bob", Some((ISSUER, "2")), false)];
        let disabled = decide_entry(&called("1", "ann"), &rules(true, &[]), &known);
        assert_eq!(disabled, Err(LoginRefused::Disabled("ann".parse().unwrap())));
        let only = rules(true, &["group:platform"]);
        assert_eq!(decide_entry(&called("2", "bob"), &only, &known), Err(LoginRefused::NotAllowed));
        let member = person(json!({ "sub": "2", "groups": ["platform"] }));
        assert_eq!(decide_entry(&member, &only, &known), Ok(Entry::Known("bob".parse().unwrap())));
    }

    #[test]
    fn a_name_is_made_to_fit_or_is_none() {
        for (there, here) in [("Ann.Smith@shop.example", "ann-smith"), ("ann_s", "ann-s"), ("ANN", "ann")] {
            assert_eq!(name_here(there).unwrap().as_str(), here);
        }
        for bad in ["", "@x", "owner", "Root", "1ann", "-", "ärger", "a/b", "ann\u{0}"] {
            assert_eq!(name_here(bad), None, "{bad}");
        }
        let refused = decide_entry(&called("1", "owner"), &rules(true, &[]), &[]).unwrap_err();
        assert_eq!(refused, LoginRefused::NoName(Some("owner".to_owned())));
        let nameless = decide_entry(&person(json!({ "sub": "1" })), &rules(true, &[]), &[]).unwrap_err();
        assert!(nameless.to_string().contains("calls you nothing"), "{nameless}");
    }

    #[test]
    fn only_a_verified_address_is_one() {
        let email = |verified: Value| {
            person(json!({ "sub": "1", "email": "a@b.example", "email_verified": verified })).email
        };
        assert!(email(json!(true)).is_some() && email(json!("true")).is_some());
        assert!(email(json!(false)).is_none() && email(json!("yes")).is_none() && email(json!(1)).is_none());
        assert!(person(json!({ "sub": "1", "email": "a@b.example" })).email.is_none());
    }

    #[test]
    fn groups_are_a_list_or_one_and_never_silently_none() {
        let of = |claims: Value| Person::of(&IdClaims::of(claims).unwrap(), &rules(false, &[]));
        let groups = |value: Value| of(json!({ "sub": "1", "groups": value })).unwrap().groups;
        assert_eq!(groups(json!(["b", "a", 7, "", "x\ny"])).into_iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(groups(json!("a")).len(), 1);
        assert!(groups(json!({ "a": true })).is_empty());
        let many: Vec<String> = (0..=MOST_GROUPS).map(|number| format!("g{number}")).collect();
        assert_eq!(of(json!({ "sub": "1", "groups": many })), Err(LoginRefused::Groups));
        let left_out = json!({ "sub": "1", "_claim_names": { "groups": "src1" } });
        assert_eq!(of(left_out), Err(LoginRefused::Groups));
    }
}

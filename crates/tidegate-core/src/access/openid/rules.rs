//! Whose word counts, what of it is read, and who may log in by it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Person;
use crate::time::Millis;

/// How long what a login gives is good where nothing else was said.
pub const OPEN_ID_GOOD_FOR: Millis = Millis(86_400_000);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIdRules {
    /// Who vouches: its URL, as tokens have it.
    pub issuer: String,
    /// The claim that has what somebody is called.
    pub name_claim: String,
    /// The claim that has the groups they are in.
    pub groups_claim: String,
    /// Who may log in; nobody named: everybody whom the provider lets in and who is a user.
    pub allowed: BTreeSet<Allowed>,
    /// Whether who may log in and is no user becomes one.
    pub adds_users: bool,
    /// How long the token or session of a login is good, and the groups give anything.
    pub lasts: Millis,
}

impl OpenIdRules {
    /// Whether somebody may log in.
    pub fn admit(&self, person: &Person) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|one| one.is(person))
    }
}

/// Who may log in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed {
    /// Whoever has this address, which the provider has verified.
    Email(String),
    /// Whoever has a verified address of this domain.
    Domain(String),
    /// Whoever is in this group.
    Group(String),
    /// Whom the provider knows by this.
    Subject(String),
}

/// Why a text is no [`Allowed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nobody: write `ann@shop.example`, `@shop.example`, `group:platform` or `sub:1234`")]
pub struct AllowedError(String);

impl Allowed {
    fn is(&self, person: &Person) -> bool {
        let email = person.email.as_deref();
        match self {
            Allowed::Email(wanted) => email.is_some_and(|email| email.eq_ignore_ascii_case(wanted)),
            Allowed::Domain(wanted) => {
                let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
                domain.is_some_and(|domain| domain.eq_ignore_ascii_case(wanted))
            }
            Allowed::Group(wanted) => person.groups.contains(wanted),
            Allowed::Subject(wanted) => person.subject == *wanted,
        }
    }
}

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let bad = || AllowedError(text.to_owned());
        if text.trim() != text || text.contains(char::is_control) {
            return Err(bad());
        }
        let kinds = [("group:", Allowed::Group as fn(String) -> Allowed), ("sub:", Allowed::Subject)];
        for (start, make) in kinds {
            if let Some(rest) = text.strip_prefix(start) {
                return if rest.is_empty() { Err(bad()) } else { Ok(make(rest.to_owned())) };
            }
        }
        match text.rsplit_once('@') {
            Some((_, "")) | None => Err(bad()),
            Some(("", domain)) => Ok(Allowed::Domain(domain.to_owned())),
            Some(_) => Ok(Allowed::Email(text.to_owned())),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Email(email) => f.write_str(email),
            Allowed::Domain(domain) => write!(f, "@{domain}"),
            Allowed::Group(group) => write!(f, "group:{group}"),
            Allowed::Subject(subject) => write!(f, "sub:{subject}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: Option<&str>) -> Person {
        Person {
            subject: "1".to_owned(),
            name: None,
            email: email.map(str::to_owned),
            groups: BTreeSet::from(["platform".to_owned()]),
        }
    }

    #[test]
    fn who_may_log_in_is_read_as_it_is_written() {
        for text in ["ann@shop.example", "@shop.example", "group:a b", "group:x@y", "sub:1234"] {
            assert_eq!(text.parse::<Allowed>().unwrap().to_string(), text);
        }
        for bad in ["", "ann", "ann@", "group:", "sub:", " group:a", "a\n@b"] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_counts_as_a_whole() {
        let ann = person(Some("Ann@Shop.example"));
        let is = |text: &str, person: &Person| text.parse::<Allowed>().unwrap().is(person);
        for yes in ["ann@shop.example", "@shop.example", "group:platform", "sub:1"] {
            assert!(is(yes, &ann), "{yes}");
        }
        for no in ["@example", "@evil.shop.example", "nn@shop.example", "group:plat", "sub:11"] {
            assert!(!is(no, &ann), "{no}");
        }
        assert!(!is("@shop.example", &person(Some("ann@shop.example@evil.example"))));
        assert!(!is("@shop.example", &person(None)) && is("group:platform", &person(None)));
    }
}

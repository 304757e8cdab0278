//! Requests that go to an arm by what they are, whatever the weights say.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use tidegate_core::model::{self, ArmRule, ClientKey, Match};

use super::query;
use crate::client_id::ClientId;
use crate::geo::{Locate, Whereabouts};
use crate::view::RequestView;

/// A rule whose arm is in the table.
#[derive(Debug)]
pub(super) struct Rule {
    /// The arm's place in the table.
    pub(super) arm: usize,
    when: Box<[Test]>,
}

/// One thing a request must be.
#[derive(Debug)]
enum Test {
    Header {
        name: String,
        value: Option<String>,
    },
    Cookie {
        name: String,
        value: Option<String>,
    },
    Query {
        name: String,
        value: Option<String>,
    },
    /// Without a `/` at its end.
    Path(String),
    Cohort {
        by: ClientKey,
        members: Members,
    },
    Country(BTreeSet<String>),
    Region(BTreeSet<String>),
}

impl Rule {
    /// `None` while the arm is not in the table: the request is then anybody's.
    pub(super) fn compile(rule: &ArmRule, arms: &[model::Arm]) -> Option<Rule> {
        let arm = arms.iter().position(|arm| arm.role == rule.arm)?;
        Some(Rule { arm, when: rule.when.iter().map(Test::compile).collect() })
    }

    /// Whether the request is all of it.
    pub(super) fn matches(&self, view: &dyn RequestView, atlas: &dyn Locate) -> bool {
        self.when.iter().all(|test| test.matches(view, atlas))
    }
}

impl Test {
    fn compile(wanted: &Match) -> Test {
        match wanted.clone() {
            Match::Header { name, value } => Test::Header { name: name.to_ascii_lowercase(), value },
            Match::Cookie { name, value } => Test::Cookie { name, value },
            Match::Query { name, value } => Test::Query { name, value },
            Match::Path(prefix) => Test::Path(prefix.trim_end_matches('/').to_owned()),
            Match::Cohort { by, members } => {
                let members = Members::compile(&by, members);
                Test::Cohort { by, members }
            }
            Match::Country(codes) => Test::Country(codes),
            Match::Region(codes) => Test::Region(codes),
        }
    }

    fn matches(&self, view: &dyn RequestView, atlas: &dyn Locate) -> bool {
        match self {
            Test::Header { name, value } => is(view.field(name), value.as_deref()),
            Test::Cookie { name, value } => is(view.cookie(name), value.as_deref()),
            Test::Query { name, value } => {
                view.query().is_some_and(|query| query::has(query, name, value.as_deref()))
            }
            Test::Path(prefix) => is_below(view.path(), prefix),
            Test::Cohort { by, members } => ClientId::told(by, view).is_some_and(|id| members.have(id)),
            Test::Country(codes) => {
                atlas.locate(view.client()).is_some_and(|found| in_country(&found, codes))
            }
            Test::Region(codes) => atlas.locate(view.client()).is_some_and(|found| in_region(&found, codes)),
        }
    }
}

fn is(said: Option<&[u8]>, wanted: Option<&str>) -> bool {
    said.is_some_and(|said| wanted.is_none_or(|wanted| said == wanted.as_bytes()))
}

/// At a `/` boundary, as routes match.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn in_country(found: &Whereabouts, codes: &BTreeSet<String>) -> bool {
    found.country.is_some_and(|code| codes.contains(code.as_str()))
}

fn in_region(found: &Whereabouts, codes: &BTreeSet<String>) -> bool {
    let of_it = found.regions.into_iter().chain([found.continent]);
    of_it.flatten().any(|code| codes.contains(code.as_str()))
}

/// The clients of a cohort: values, or addresses (an IPv6 one stands for its network of 64 bits).
#[derive(Debug)]
enum Members {
    Values(HashSet<Box<[u8]>>),
    Addresses(HashSet<ClientId<'static>>),
}

impl Members {
    /// A member by address that is no address is nobody.
    fn compile(by: &ClientKey, members: BTreeSet<String>) -> Members {
        match by {
            ClientKey::Address => {
                let addresses = members.iter().filter_map(|text| text.trim_end_matches("/64").parse().ok());
                Members::Addresses(addresses.map(|address: IpAddr| ClientId::address(address)).collect())
            }
            ClientKey::Header(_) | ClientKey::Cookie(_) => {
                Members::Values(members.into_iter().map(|value| value.into_bytes().into()).collect())
            }
        }
    }

    fn have(&self, id: ClientId<'_>) -> bool {
        match (self, id) {
            (Members::Values(values), ClientId::Value(value)) => values.contains(value),
            (Members::Addresses(addresses), ClientId::V4(octets)) => {
                addresses.contains(&ClientId::V4(octets))
            }
            (Members::Addresses(addresses), ClientId::V6(octets)) => {
                addresses.contains(&ClientId::V6(octets))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Code, Nowhere};
    use crate::view::fake::Asked;
    use tidegate_core::model::ArmRole;

    fn matches(wanted: Match, asked: &Asked) -> bool {
        Test::compile(&wanted).matches(asked, &Nowhere)
    }

    fn value(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn fields_and_cookies_match_by_their_whole_value() {
        let asked = Asked::get("/").with("x-beta", "yes").with("cookie", "a=1; Beta=on");
        let header = |name: &str, value| Match::Header { name: name.into(), value };
        assert!(matches(header("X-Beta", value("yes")), &asked));
        assert!(matches(header("x-beta", None), &asked));
        assert!(!matches(header("x-beta", value("ye")), &asked));
        assert!(!matches(header("x-other", None), &asked));
        let cookie = |name: &str, value| Match::Cookie { name: name.into(), value };
        assert!(matches(cookie("Beta", value("on")), &asked));
        assert!(!matches(cookie("beta", None), &asked));
        assert!(!matches(cookie("a", value("1; Beta=on")), &asked));
    }

    #[test]
    fn paths_match_at_a_boundary() {
        let path = |prefix: &str, target: &str| matches(Match::Path(prefix.into()), &Asked::get(target));
        assert!(path("/api", "/api") && path("/api/", "/api/x?q") && path("/", "/any"));
        assert!(!path("/api", "/apix") && !path("/api", "/"));
    }

    #[test]
    fn a_cohort_has_its_members_and_nobody_without_the_key() {
        let members = BTreeSet::from(["ann".to_owned(), "abcd".to_owned()]);
        let cohort = || Match::Cohort { by: ClientKey::Header("x-user".into()), members: members.clone() };
        assert!(matches(cohort(), &Asked::get("/").with("x-user", "ann")));
        assert!(!matches(cohort(), &Asked::get("/").with("x-user", "bob")));
        // The bytes of this address spell a member.
        assert!(!matches(cohort(), &Asked::get("/").from("97.98.99.100:1")));
    }

    #[test]
    fn a_cohort_of_addresses_has_networks_of_ipv6() {
        let members =
            BTreeSet::from(["10.0.0.9".to_owned(), "2001:db8:1:2::/64".to_owned(), "no".to_owned()]);
        let cohort = || Match::Cohort { by: ClientKey::Address, members: members.clone() };
        assert!(matches(cohort(), &Asked::get("/").from("10.0.0.9:1")));
        assert!(matches(cohort(), &Asked::get("/").from("[2001:db8:1:2::7]:1")));
        assert!(!matches(cohort(), &Asked::get("/").from("10.0.0.8:1")));
    }

    #[test]
    fn countries_and_regions_are_those_of_the_address() {
        struct London;
        impl Locate for London {
            fn locate(&self, address: IpAddr) -> Option<Whereabouts> {
                let code = Code::new;
                let (regions, continent) = ([code("ENG"), code("LND")], code("EU"));
                let found = Whereabouts { country: code("GB"), regions, continent, location: None };
                (address == IpAddr::from([127, 0, 1, 5])).then_some(found)
            }
        }
        let codes = |text: &str| BTreeSet::from(["XX".to_owned(), text.to_owned()]);
        let there = Asked::get("/").from("127.0.1.5:1").with("x-forwarded-for", "127.0.0.1");
        let elsewhere = Asked::get("/").from("127.0.0.1:1").with("x-forwarded-for", "127.0.1.5");
        for wanted in [
            Match::Country(codes("GB")),
            Match::Region(codes("ENG")),
            Match::Region(codes("LND")),
            Match::Region(codes("EU")),
        ] {
            let test = Test::compile(&wanted);
            assert!(test.matches(&there, &London) && !test.matches(&elsewhere, &London), "{wanted:?}");
        }
        assert!(!Test::compile(&Match::Country(codes("EU"))).matches(&there, &London));
    }

    #[test]
    fn all_of_a_rule_must_be_so_and_its_arm_in_the_table() {
        let when = vec![Match::Path("/a".into()), Match::Query { name: "q".into(), value: value("1") }];
        let rule = ArmRule { arm: ArmRole::Candidate, when };
        let arm = |role| model::Arm {
            role,
            revision: tidegate_core::model::RevisionNo(1),
            weight: 50,
            endpoints: Vec::new(),
            site: None,
        };
        assert!(Rule::compile(&rule, &[arm(ArmRole::Stable)]).is_none());
        let rule = Rule::compile(&rule, &[arm(ArmRole::Stable), arm(ArmRole::Candidate)]).unwrap();
        assert_eq!(rule.arm, 1);
        assert!(rule.matches(&Asked::get("/a?q=1"), &Nowhere));
        assert!(!rule.matches(&Asked::get("/a?q=2"), &Nowhere));
        assert!(!rule.matches(&Asked::get("/b?q=1"), &Nowhere));
    }
}

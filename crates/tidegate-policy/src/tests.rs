//! What the shipped policies say, what users' own may say, and how long an answer takes.

use std::collections::BTreeSet;
use std::time::Instant;

use tidegate_core::access::{Action, Facts, Origin, Place, PolicyFile, PolicyVersion, Question, Role, Who};

use super::*;

fn question(roles: &[Role], action: Action, place: &str, facts: Facts) -> Question {
    Question {
        who: Who::User { name: "ann".parse().unwrap(), token: None },
        from: Origin::Address([10, 0, 0, 7].into()),
        groups: BTreeSet::new(),
        roles: roles.iter().copied().collect(),
        action,
        place: place.parse().unwrap(),
        facts,
    }
}

fn staging() -> Facts {
    Facts::default()
}

fn production() -> Facts {
    Facts { protected: true, ..Facts::default() }
}

fn own(text: &str) -> Result<Policies, Vec<Mistake>> {
    Policies::with(&[PolicyFile { name: "own.cedar".to_owned(), text: text.to_owned() }], &[])
}

/// The table of the guide.
#[test]
fn each_role_may_what_the_guide_says() {
    use Action::*;
    let developer = [Read, ReadLogs, Push];
    let unprotected = [Read, ReadLogs, Push, Deploy, Operate, Configure];
    let operator =
        [Read, ReadLogs, Deploy, Approve, Release, Operate, Run, Configure, Secrets, Report, BreakGlass];
    let (read, releaser) = ([Read], [Read, Release]);
    let table: [(Role, &[Action], &[Action]); 5] = [
        (Role::Reader, &read, &read),
        (Role::Developer, &unprotected, &developer),
        (Role::Releaser, &releaser, &releaser),
        (Role::Operator, &operator, &operator),
        (Role::Admin, &Action::ALL, &Action::ALL),
    ];
    let policies = Policies::shipped();
    for (role, in_staging, in_production) in table {
        for action in Action::ALL {
            let may = |place, facts| policies.decide(&question(&[role], action, place, facts)).allowed;
            assert_eq!(may("shop/staging", staging()), in_staging.contains(&action), "{role} {action}");
            assert_eq!(
                may("shop/production", production()),
                in_production.contains(&action),
                "{role} {action}"
            );
            // An app and the installation have no protection: nothing that it decides about is allowed there.
            assert_eq!(may("shop", staging()), in_production.contains(&action), "{role} {action} in shop");
            assert_eq!(may("*", staging()), in_production.contains(&action), "{role} {action} everywhere");
        }
    }
    for action in Action::ALL {
        assert!(!policies.decide(&question(&[], action, "shop/staging", staging())).allowed, "{action}");
    }
}

#[test]
fn no_policy_is_asked_about_the_owner_and_strangers() {
    let policies =
        own(r#"@id("none") @reason("nobody does anything") forbid (principal, action, resource);"#).unwrap();
    for action in Action::ALL {
        let asked = question(&[Role::Admin], action, "shop", staging());
        assert!(policies.decide(&Question { who: Who::Owner, ..asked.clone() }).allowed);
        let stranger = policies.decide(&Question { who: Who::Stranger, ..asked.clone() });
        assert_eq!((stranger.allowed, stranger.ids()), (false, vec!["stranger"]));
        assert!(!policies.decide(&asked).allowed, "a forbid wins over admin");
    }
}

#[test]
fn a_refusal_names_what_forbids_it_or_the_least_role_that_would_do() {
    let policies = Policies::shipped();
    let would = |action, place, facts| policies.decide(&question(&[], action, place, facts)).would;
    assert_eq!(would(Action::Read, "shop", staging()), Some(Role::Reader));
    assert_eq!(would(Action::Release, "shop/production", production()), Some(Role::Releaser));
    assert_eq!(would(Action::Deploy, "shop/staging", staging()), Some(Role::Developer));
    assert_eq!(would(Action::Deploy, "shop/production", production()), Some(Role::Operator));
    assert_eq!(would(Action::ManageAccess, "*", staging()), Some(Role::Admin));
    let text = r#"@id("freeze") @reason("nothing changes in the holidays")
        forbid (principal, action == Action::"deploy", resource == Environment::"shop/production");"#;
    let decision =
        own(text).unwrap().decide(&question(&[Role::Admin], Action::Deploy, "shop/production", production()));
    let freeze = Rule { id: "freeze".to_owned(), reason: "nothing changes in the holidays".to_owned() };
    assert_eq!((decision.rules, decision.would), (vec![freeze], None), "no role passes a forbid");
}

#[test]
fn own_policies_go_by_names_groups_addresses_and_facts() {
    let text = r#"
        @id("office") @reason("the secrets of the shop are changed from the office")
        forbid (principal, action == Action::"secrets", resource in App::"shop")
        unless { context has address && context.address.isInRange(ip("10.0.0.0/8")) };
        @id("platform") @reason("the platform team looks after staging")
        permit (principal in Group::"Platform Team", action == Action::"operate", resource is Environment)
        when { resource.name == "staging" };"#;
    let policies = own(text).unwrap();
    let asked = question(&[Role::Operator], Action::Secrets, "shop/staging", staging());
    assert!(policies.decide(&asked).allowed);
    let away = Question { from: Origin::Address([192, 0, 2, 1].into()), ..asked.clone() };
    assert_eq!(policies.decide(&away).ids(), ["office"]);
    let elsewhere = Question { place: "billing/staging".parse().unwrap(), ..away };
    assert!(policies.decide(&elsewhere).allowed, "another app");
    let operate = question(&[], Action::Operate, "shop/staging", staging());
    assert!(!policies.decide(&operate).allowed);
    let platform = Question { groups: BTreeSet::from(["Platform Team".to_owned()]), ..operate };
    assert_eq!(policies.decide(&platform).ids(), ["platform"]);
}

#[test]
fn duties_are_kept_apart_where_somebody_says_so() {
    let enabled: Vec<String> = OPTIONAL.iter().map(|optional| optional.name.to_owned()).collect();
    let (with, without) = (Policies::with(&[], &enabled).unwrap(), Policies::shipped());
    let author = Facts { author_is_caller: true, ..production() };
    let approve = question(&[Role::Operator], Action::Approve, "shop/production", author);
    assert_eq!(with.decide(&approve).ids(), ["tidegate.author-approver"]);
    assert!(without.decide(&approve).allowed);
    let deployer = Facts { deployer_is_caller: true, turns_on: true, ..production() };
    let release = question(&[Role::Operator], Action::Release, "shop/production", deployer);
    assert_eq!(with.decide(&release).ids(), ["tidegate.deploy-release"]);
    assert!(without.decide(&release).allowed);
    let off = Question { facts: Facts { turns_on: false, ..deployer }, ..release };
    assert!(with.decide(&off).allowed, "whoever deployed it can always turn it off");
}

#[test]
fn mistakes_are_told_all_at_once_and_with_their_place() {
    let file = |name: &str, text: &str| PolicyFile { name: name.to_owned(), text: text.to_owned() };
    let ided = |id: &str| format!("@id(\"{id}\") @reason(\"r\") permit (principal, action, resource);");
    let told = |files: &[PolicyFile]| -> Vec<String> {
        let mistakes = Policies::with(files, &[]).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect()
    };
    let both = told(&[
        file("a.cedar", "\npermit (principal, action"),
        file("b.cedar", "permit (principal, action, resource);"),
    ]);
    assert!(both[0].starts_with("a.cedar:2: "), "{both:?}");
    assert!(both.last().unwrap().starts_with("b.cedar: a policy has no `@id"), "{both:?}");
    for (text, part) in [
        (ided("tidegate.read"), "is Tidegate's own"),
        (ided("owner"), "is Tidegate's own"),
        (ided("No Id"), "has no `@id"),
        (ided("a") + &ided("a"), "another policy with the id `a`"),
        ("@id(\"x\") permit (principal, action, resource);".to_owned(), "has no `@reason"),
        (ided("x").replace("action", "action == Action::\"fly\""), "fly"),
        (ided("x").replace(";", " when { resource.protected };"), "protected"),
        (ided("x").replace("principal", "principal == Owner::\"me\""), "Owner"),
        (ided("x").replace("principal", "principal == ?principal"), "template"),
    ] {
        let told = told(&[file("x.cedar", &text)]);
        assert!(told.iter().any(|line| line.contains(part)), "{text}: {told:?}");
    }
    let many = vec![file("x", "")];
    assert!(told(&[many.clone(), many].concat())[0].contains("another file"));
    let long = told(&[file("x", &" ".repeat(PolicyVersion::MOST_BYTES + 1))]);
    assert!(long[0].contains("bytes"), "{long:?}");
    let count: String = (0..=PolicyVersion::MOST_POLICIES).map(|n| ided(&format!("p{n}"))).collect();
    assert!(told(&[file("x", &count)])[0].contains("policies: at most"));
    assert!(Policies::with(&[], &["no-such".to_owned()]).unwrap_err()[0].message.contains("deploy-release"));
}

#[test]
fn a_policy_that_cannot_be_evaluated_allows_nothing() {
    // Valid by the schema, and over the largest number at evaluation.
    let text = r#"@id("sum") @reason("adds up") forbid (principal, action, resource)
        when { 9223372036854775807 + 1 == 0 };"#;
    let decision = own(text).unwrap().decide(&question(&[Role::Admin], Action::Read, "shop", staging()));
    assert_eq!((decision.allowed, decision.ids()), (false, vec!["unanswerable"]));
}

/// The limit of the design is 100 µs in a released build; this one, hardly optimised and beside other tests, gets a multiple of it.
#[test]
fn an_answer_is_cheap() {
    let policies = Policies::shipped();
    let asked = question(&[Role::Developer, Role::Operator], Action::Deploy, "shop/production", production());
    let mut took: Vec<u128> = (0..500)
        .map(|_| {
            let begun = Instant::now();
            assert!(policies.decide(&asked).allowed);
            begun.elapsed().as_micros()
        })
        .collect();
    took.sort_unstable();
    println!("an answer takes {} µs at the median, {} µs at the 95th percentile", took[250], took[475]);
    assert!(took[250] < 1_000, "{} µs", took[250]);
}

#[test]
fn cases_are_read_and_told_apart() {
    let text = "
- who: { user: ann, roles: [{ role: developer, app: shop }] }
  action: deploy
  on: shop/staging
  expect: allow
  rule: tidegate.develop-unprotected
- who: { user: ann, roles: [{ role: developer, app: shop }] }
  action: deploy
  on: shop/production
  protected: true
  expect: allow
- who: { service: ci, roles: [{ role: reader }] }
  action: read
  expect: allow
  rule: none
- who: { owner: true }
  action: administer
  expect: allow
";
    let outcomes = cases::run(&Policies::shipped(), &cases::read(text).unwrap()).unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.good).collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(outcomes[1].question, "ann (developer in shop): deploy in shop/production (protected)");
    assert_eq!(outcomes[1].decision.would, Some(Role::Operator));
    for bad in [
        "- who: { user: ann, service: ci }\n  action: read\n  expect: allow",
        "- who: { user: ann }\n  action: fly\n  expect: allow",
        "- who: { user: ann }\n  action: read\n  expect: allow\n  nonsense: 1",
        "- who: { user: ann, roles: [{ role: admin, environment: staging }] }\n  action: read\n  expect: allow",
        "nonsense",
    ] {
        assert!(cases::read(bad).is_err(), "{bad}");
    }
    assert!(matches!("*".parse(), Ok(Place::Everywhere)));
}

/// The examples are what they say: `tidegate policy test` of them would succeed.
#[test]
fn the_examples_pass_their_cases() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let own =
        ["freeze.cedar", "office.cedar"].map(|name| PolicyFile { name: name.to_owned(), text: text(name) });
    let policies = Policies::with(&own, &["deploy-release".to_owned()]).unwrap();
    let outcomes = cases::run(&policies, &cases::read(&text("cases.yaml")).unwrap()).unwrap();
    let wrong: Vec<_> = outcomes.iter().filter(|outcome| !outcome.good).collect();
    assert!(wrong.is_empty() && outcomes.len() > 15, "{wrong:#?}");
}

//! Where requests really are, who may do what there, and what they are told.

use tidegate_core::access::{
    Action, Caller, Ceiling, OpenIdLink, Origin, Place, PolicyFile, Reach, Role, User, Who,
};
use tidegate_core::model::{
    Build, BuildId, BuildPhase, BuildSource, Deploy, DeployPhase, EnvironmentPolicy, EnvironmentState, Name,
    RevisionNo, RevisionSpec, Rules, RunNo, ServiceKey, ServiceState,
};
use tidegate_core::time::Moment;
use tidegate_policy::Policies;
use tidegate_store::{Reader, Store};

use super::grant::{grant, list, revoke};
use super::judge::{explain, judge};
use super::*;
use crate::engine::Time;
use crate::plane::Scope;
use crate::protection::test_run;

const TIME: Time = Time { now: Moment(1_000), unix_ms: 5 };

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn place(text: &str) -> Place {
    text.parse().unwrap()
}

fn user(text: &str) -> Caller {
    let who = Who::User { name: name(text), token: None };
    Caller { who, from: Origin::Address([10, 0, 0, 1].into()) }
}

fn given(holder: &str, role: Role, at: &str) -> Given {
    Given { holder: holder.parse().unwrap(), role, place: place(at) }
}

fn deploy(id: u64, at: (&str, &str), by: &str) -> Deploy {
    Deploy {
        id,
        app: name(at.0),
        environment: name(at.1),
        build: BuildId("b1".to_owned()),
        source: BuildSource::default(),
        spec: RevisionSpec { build: BuildId("b1".to_owned()), ..empty_spec() },
        flags: None,
        phase: DeployPhase::Rolling,
        revision: Some(RevisionNo(1)),
        rollouts: Vec::new(),
        error: None,
        migration: None,
        smoke: false,
        by: by.to_owned(),
        created_at: Moment(0),
        made_at_unix_ms: 0,
    }
}

fn empty_spec() -> RevisionSpec {
    let spec = serde_json::json!({ "build": "b1", "services": {}, "routes": [], "migrate": null });
    serde_json::from_value(spec).unwrap()
}

/// The shop in staging and in production, which is protected, and billing in production. Run 1 goes to the shop's production.
fn world() -> Store {
    let mut store = Store::in_memory().unwrap();
    let places = [("shop", "staging"), ("shop", "production"), ("billing", "production")];
    let policy = EnvironmentPolicy { protected: true, ..EnvironmentPolicy::default() };
    let mut protected = EnvironmentState::new(name("shop"), name("production"));
    protected.rules = Some(Rules { policy, by: RunNo(1) });
    let build = Build {
        id: BuildId("b1".to_owned()),
        app: name("shop"),
        snapshot: String::new(),
        run: None,
        within_ms: 0,
        phase: BuildPhase::Ready,
        content: None,
        size: 0,
        source: BuildSource::default(),
        made_at_unix_ms: 0,
    };
    let write = store.transaction(|tx| {
        tx.put_build(&build)?;
        for (id, at) in places.into_iter().enumerate() {
            let (app, environment) = (name(at.0), name(at.1));
            let key = ServiceKey { app, environment, service: name("web") };
            tx.put_service(&ServiceState { stable: Some(RevisionNo(1)), ..ServiceState::new(key) })?;
            tx.put_deploy(&deploy(id as u64 + 1, at, if id == 1 { "run 1" } else { "Dora" }))?;
        }
        tx.put_environment(&protected)?;
        tx.put_pipeline_run(&test_run())
    });
    write.unwrap();
    store
}

fn with(roles: &[(&str, Role, &str)]) -> Store {
    let mut store = world();
    for (holder, role, at) in roles {
        grant(&mut store, TIME, &Caller::owner(0), &given(holder, *role, at)).unwrap();
    }
    store
}

fn asked(store: &Reader, who: &str, action: Action, subject: Subject) -> Result<Verdict, Refusal> {
    judge(store, &Policies::shipped(), &Asked::new(user(who), action, subject))
}

fn scope(app: Option<&str>, environment: Option<&str>) -> Subject {
    Subject::Scope(Scope { app: app.map(name), environment: environment.map(name) })
}

#[test]
fn what_is_left_out_is_filled_in_from_what_somebody_may_read() {
    let store = with(&[("ann", Role::Reader, "shop/staging"), ("bob", Role::Reader, "*")]);
    let read = |who, app, environment| asked(&store, who, Action::Read, scope(app, environment));
    let staging = read("ann", None, None).unwrap();
    assert_eq!(
        (staging.place, staging.decision.allowed),
        (place("shop/staging"), true),
        "all that ann knows of"
    );
    assert_eq!(read("bob", Some("shop"), None).unwrap().place, place("shop/production"));
    let several = read("bob", None, None).unwrap_err();
    assert!(several.help.unwrap().contains("billing"), "bob may know of billing");
    for (app, environment) in [(Some("billing"), None), (None, Some("production")), (Some("none"), None)] {
        let refused = read("ann", app, environment).unwrap();
        let told = format!("{:?}", forbidden(&user("ann").who, &refused));
        assert!(!refused.decision.allowed, "{app:?} {environment:?}");
        assert!(app == Some("billing") || !told.contains("billing"), "{told}");
    }
    assert_eq!(read("bob", Some("none"), None).unwrap_err().code, "scope::nothing");
    let nobody = read("eve", None, None).unwrap();
    assert_eq!((nobody.place, nobody.decision.allowed), (Place::Everywhere, false));
}

#[test]
fn a_number_leads_to_its_own_environment_and_tells_strangers_nothing() {
    let store = with(&[("ann", Role::Admin, "shop/staging"), ("olga", Role::Operator, "shop/production")]);
    let run = |who, number| asked(&store, who, Action::Approve, Subject::Run(RunNo(number))).unwrap();
    let olga = run("olga", 1);
    assert_eq!((olga.place, olga.decision.allowed), (place("shop/production"), true));
    let (there, not_there) = (run("ann", 1), run("ann", 999));
    let told = |verdict: &Verdict| forbidden(&user("ann").who, verdict);
    assert!(there.hidden && not_there.hidden, "{there:?} {not_there:?}");
    assert_eq!(told(&there), told(&not_there), "whether there is a run says nobody who may not see it");
    let deploy = asked(&store, "ann", Action::Read, Subject::Deploy(3)).unwrap();
    assert!(deploy.hidden && !deploy.decision.allowed, "billing's: {deploy:?}");
    assert!(asked(&store, "ann", Action::Read, Subject::Deploy(1)).unwrap().decision.allowed);
}

#[test]
fn protection_is_what_is_in_force_there() {
    let store = with(&[("dora", Role::Developer, "shop")]);
    let deploy = |environment| asked(&store, "dora", Action::Deploy, scope(Some("shop"), Some(environment)));
    assert!(deploy("staging").unwrap().decision.allowed);
    let refused = deploy("production").unwrap();
    let refusal = forbidden(&user("dora").who, &refused);
    assert_eq!(refusal.code, FORBIDDEN);
    assert_eq!(refusal.message, "dora may not deploy in shop/production: no rule allows it");
    let help = "ask an administrator for `tidegate access grant dora operator --app shop -e production`";
    assert_eq!(refusal.help.as_deref(), Some(help));
    let brings = Asked {
        protects: true,
        ..Asked::new(user("dora"), Action::Deploy, Subject::Place(place("shop/new")))
    };
    let protects = |protects| judge(&store, &Policies::shipped(), &Asked { protects, ..brings.clone() });
    assert!(protects(false).unwrap().decision.allowed);
    assert!(!protects(true).unwrap().decision.allowed, "a new environment that its manifest protects");
}

#[test]
fn passing_over_a_protection_needs_its_own_right() {
    let store = with(&[("dora", Role::Developer, "shop"), ("olga", Role::Operator, "shop")]);
    let roll_back = |who: &str, environment: &str| {
        let subject = scope(Some("shop"), Some(environment));
        let asked = Asked { glass: true, ..Asked::new(user(who), Action::Deploy, subject) };
        judge(&store, &Policies::shipped(), &asked).unwrap()
    };
    assert!(roll_back("olga", "production").decision.allowed);
    let refused = roll_back("dora", "staging");
    assert_eq!((refused.action, refused.decision.allowed), (Action::BreakGlass, false));
}

#[test]
fn who_wrote_and_who_brought_it_is_known() {
    let store =
        with(&[("ann", Role::Operator, "*"), ("dora", Role::Operator, "*"), ("olga", Role::Operator, "*")]);
    let enabled = ["author-approver".to_owned(), "deploy-release".to_owned()];
    let policies = Policies::with(&[], &enabled).unwrap();
    let judged = |who: &str, action, subject, turns_on| {
        let asked = Asked { turns_on, ..Asked::new(user(who), action, subject) };
        judge(&store, &policies, &asked).unwrap().decision.allowed
    };
    let approve = |who| judged(who, Action::Approve, Subject::Run(RunNo(1)), false);
    assert!(!approve("ann"), "the run is of her commit");
    assert!(approve("olga"));
    let release = |who, at: (&str, &str), on| judged(who, Action::Release, scope(Some(at.0), Some(at.1)), on);
    assert!(!release("dora", ("shop", "staging"), true), "she deployed what serves there");
    assert!(release("dora", ("shop", "staging"), false), "she can turn it off");
    assert!(release("dora", ("shop", "production"), true), "run 1 brought what serves there");
    assert!(!release("ann", ("shop", "production"), true), "and she began it");
}

#[test]
fn the_last_administrator_stays_one() {
    let mut store = with(&[("ann", Role::Admin, "*"), ("token:ci", Role::Admin, "*")]);
    let ann = given("ann", Role::Admin, "*");
    let refused = revoke(&mut store, TIME, &user("ann"), &ann).unwrap_err();
    assert_eq!(refused.code, "access::last-admin");
    assert!(grant(&mut store, TIME, &user("ann"), &given("bob", Role::Admin, "*")).unwrap().changed);
    assert!(
        !grant(&mut store, TIME, &user("ann"), &given("bob", Role::Admin, "*")).unwrap().changed,
        "again"
    );
    assert!(revoke(&mut store, TIME, &user("ann"), &ann).unwrap().changed);
    assert!(!revoke(&mut store, TIME, &user("bob"), &ann).unwrap().changed, "again");
    let bob = given("bob", Role::Admin, "*");
    assert!(revoke(&mut store, TIME, &user("bob"), &bob).is_err());
    assert!(
        revoke(&mut store, TIME, &Caller::owner(0), &bob).unwrap().changed,
        "the owner can give it again"
    );
}

#[test]
fn a_list_has_what_somebody_may_manage_and_their_own_roles() {
    let store = with(&[
        ("ann", Role::Admin, "shop"),
        ("ann", Role::Reader, "*"),
        ("bob", Role::Developer, "shop/staging"),
        ("eve", Role::Admin, "billing"),
    ]);
    let policies = Policies::shipped();
    let listed = |caller: &Caller| -> Vec<String> {
        let list = list(&store, &policies, (caller, &Ceiling::default())).unwrap();
        list.bindings.iter().map(|one| format!("{} {} {}", one.who, one.role, one.place.key())).collect()
    };
    assert_eq!(listed(&user("ann")), ["ann reader *", "ann admin shop", "bob developer shop/staging"]);
    assert_eq!(listed(&user("bob")), ["bob developer shop/staging"]);
    assert_eq!(listed(&Caller::owner(0)).len(), 4);
}

#[test]
fn an_explanation_says_roles_and_rules() {
    let store = with(&[("dora", Role::Developer, "shop")]);
    let say = |at: &str| {
        explain(&store, &Policies::shipped(), &"dora".parse().unwrap(), (Action::Deploy, &place(at))).unwrap()
    };
    let staging = say("shop/staging");
    assert_eq!((staging.allowed, staging.roles.as_slice()), (true, [Role::Developer].as_slice()));
    assert_eq!(staging.rules[0].id, "tidegate.develop-unprotected");
    let production = say("shop/production");
    assert_eq!(
        (production.allowed, production.facts.protected, production.would),
        (false, true, Some(Role::Operator))
    );
    let group =
        explain(&store, &Policies::shipped(), &"group:x".parse().unwrap(), (Action::Read, &place("shop")));
    assert_eq!(group.unwrap_err().code, "access::group");
}

#[test]
fn policies_with_mistakes_are_not_taken_and_broken_ones_are_told() {
    let mut store = world();
    let file = |text: &str| vec![PolicyFile { name: "own.cedar".to_owned(), text: text.to_owned() }];
    let refused = policies::check(&file("permit (principal"), &[]).unwrap_err();
    assert_eq!(refused.code, "policy::mistakes");
    assert!(refused.message.contains("own.cedar:1"), "{}", refused.message);
    let good = r#"@id("a") @reason("b") forbid (principal, action == Action::"run", resource);"#;
    policies::check(&file(good), &[]).unwrap();
    assert_eq!(policies::set(&mut store, TIME, (file(good), Vec::new()), "ann".to_owned()).unwrap(), 1);
    let view = policies::view(&store, None).unwrap();
    assert_eq!((view.version, view.by.as_str(), view.mistakes.len()), (1, "ann", 0));
    assert!(view.rules.iter().any(|rule| rule.id == "a") && view.rules.len() > 5);
    // As after an upgrade that reads them in another way.
    policies::set(&mut store, TIME, (file("forbid ("), Vec::new()), "ann".to_owned()).unwrap();
    let finding = finding(&store).unwrap();
    assert_eq!(finding.severity, tidegate_core::view::Severity::Error);
    assert!(finding.message.contains("version 2"), "{}", finding.message);
    assert_eq!(policies::view(&store, Some(1)).unwrap().files, file(good), "the one before is there");
    assert_eq!(policies::view(&store, Some(7)).unwrap_err().code, "policy::no-version");
}

#[test]
fn a_token_gives_no_more_than_its_role_and_opens_nothing_elsewhere() {
    let store = with(&[("ann", Role::Admin, "*"), ("dora", Role::Developer, "*")]);
    let by = |who: &str, ceiling: &Ceiling, action: Action, at: &str| {
        let asked = Asked::new(user(who), action, Subject::Place(place(at)));
        judge(&store, &Policies::shipped(), &Asked { ceiling: ceiling.clone(), ..asked }).unwrap()
    };
    let may = |who: &str, ceiling: &Ceiling, action, at: &str| by(who, ceiling, action, at).decision.allowed;
    let releaser = Ceiling { most: Some(Role::Releaser), ..Ceiling::default() };
    assert!(may("ann", &releaser, Action::Release, "shop/staging"));
    assert!(!may("ann", &releaser, Action::Deploy, "shop/staging"), "its role may not");
    assert!(!may("dora", &releaser, Action::Release, "shop/staging"), "she may not herself");
    let told = by("ann", &releaser, Action::Deploy, "shop/staging");
    assert_eq!(told.decision.ids(), ["token.role"]);
    assert_eq!(forbidden(&user("ann").who, &told).code, FORBIDDEN);
    let shop = Ceiling { reach: Reach { app: Some(name("shop")), environment: None }, most: None };
    assert!(
        may("ann", &shop, Action::Deploy, "shop/staging") && may("ann", &shop, Action::ManageAccess, "shop")
    );
    assert!(!may("ann", &shop, Action::Read, "billing/production") && !may("ann", &shop, Action::Read, "*"));
    let told = by("ann", &shop, Action::Read, "*");
    let refusal = forbidden(&user("ann").who, &told);
    assert_eq!((refusal.code.as_str(), told.decision.ids()), (OUT_OF_REACH, vec!["token.reach"]));
    let staging = Reach { environment: Some(name("staging")), ..shop.reach.clone() };
    let staging = Ceiling { reach: staging, most: None };
    let asked = Asked::new(user("ann"), Action::Read, Subject::Scope(Scope::default()));
    let filled = judge(&store, &Policies::shipped(), &Asked { ceiling: staging, ..asked }).unwrap();
    assert_eq!(filled.place, place("shop/staging"), "what is left out is within its reach");
}

/// Ann, as a provider said long ago or will have said for long yet that she is in these groups.
fn grouped(store: &mut Store, groups: &[&str], groups_until_unix_ms: u64) {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let link = OpenIdLink { groups, groups_until_unix_ms, ..OpenIdLink::new("https://id.example", "1") };
    let ann = User {
        name: name("ann"),
        added_unix_ms: 0,
        added_by: "owner".to_owned(),
        disabled_unix_ms: None,
        admin: false,
        openid: Some(link),
    };
    store.transaction(|tx| tx.put_user(&ann)).unwrap();
}

#[test]
fn the_roles_of_a_group_are_those_of_who_is_in_it_for_as_long_as_that_counts() {
    let mut store = with(&[("group:ops", Role::Operator, "shop"), ("ann", Role::Reader, "shop/staging")]);
    let may = |store: &Store, who: &str, action, at: &str| {
        asked(store, who, action, Subject::Place(place(at))).unwrap().decision.allowed
    };
    grouped(&mut store, &["ops", "other"], u64::MAX);
    assert!(may(&store, "ann", Action::Deploy, "shop/staging"));
    assert!(!may(&store, "ann", Action::Deploy, "billing/production"), "the group's role is in the shop");
    assert!(!may(&store, "bob", Action::Deploy, "shop/staging"), "somebody else");
    let own = roles_of(&store, &user("ann").who).unwrap();
    assert_eq!(own.iter().map(|role| role.role).collect::<Vec<_>>(), [Role::Reader, Role::Operator]);
    let listed = list(&store, &Policies::shipped(), (&user("ann"), &Ceiling::default())).unwrap();
    assert_eq!(listed.bindings.len(), 2, "theirs and the group's");
    grouped(&mut store, &["ops"], 1);
    assert!(!may(&store, "ann", Action::Deploy, "shop/staging"), "it was said long ago");
    assert!(may(&store, "ann", Action::Read, "shop/staging"), "what is their own stays");
    assert_eq!(roles_of(&store, &user("ann").who).unwrap().len(), 1);
}

#[test]
fn groups_of_long_ago_still_forbid_and_no_longer_permit() {
    let policies = "@id(\"guests\") @reason(\"guests release nothing\")
                    forbid (principal in Group::\"guests\", action == Action::\"release\", resource);
                    @id(\"crew\") @reason(\"the crew deploys\")
                    permit (principal in Group::\"crew\", action == Action::\"deploy\", resource);";
    let file = PolicyFile { name: "own.cedar".to_owned(), text: policies.to_owned() };
    let policies = Policies::with(&[file], &[]).unwrap();
    let mut store = with(&[("ann", Role::Releaser, "shop")]);
    let may = |store: &Store, action| {
        let asked = Asked::new(user("ann"), action, Subject::Place(place("shop/staging")));
        judge(store, &policies, &asked).unwrap().decision.allowed
    };
    for (until, deploys) in [(u64::MAX, true), (1, false)] {
        grouped(&mut store, &["guests", "crew"], until);
        assert!(!may(&store, Action::Release), "forbidden whatever its age");
        assert_eq!(may(&store, Action::Deploy), deploys);
    }
    grouped(&mut store, &[], 1);
    assert!(may(&store, Action::Release), "no group at all");
}

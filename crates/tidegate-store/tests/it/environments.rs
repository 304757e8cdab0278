//! An environment is forgotten with all that ran in it, and nothing else is.

use tidegate_core::model::*;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Store, StoreError};

use crate::fixtures::*;

fn preview(leaving: bool) -> EnvironmentState {
    let preview = Preview {
        base: name("preview"),
        branch: "feature/x".to_owned(),
        slug: "x".to_owned(),
        pushed_at: Moment(1),
        pushed_unix_ms: 1,
        stays: Millis(5),
        most: 3,
    };
    let leaving = leaving.then(|| Leaving { why: "asked".to_owned(), since: Moment(2) });
    let state = EnvironmentState::new(name("shop"), name("production"));
    EnvironmentState { preview: Some(preview), leaving, ..state }
}

#[test]
fn what_is_kept_of_an_environment_is_found_by_what_it_is() {
    let mut store = Store::in_memory().unwrap();
    store.transaction(|tx| tx.put_environment(&preview(false))).unwrap();
    assert_eq!(store.previews().unwrap(), [preview(false)]);
    assert_eq!(store.leaving_environments().unwrap(), []);
    store.transaction(|tx| tx.put_environment(&preview(true))).unwrap();
    assert_eq!(store.leaving_environments().unwrap(), [preview(true)]);
    assert_eq!(store.environment(&name("shop"), &name("staging")).unwrap(), None);
}

fn fill(store: &mut Store) -> Result<(), StoreError> {
    store.transaction(|tx| {
        tx.put_build(&build("b"))?;
        put_service(tx, "web")?;
        tx.put_instance(&key("web"), &instance("web-1"))?;
        tx.put_rollout(&rollout(1, "web", Phase::Succeeded))?;
        let number = tx.next_revision(&name("shop"), &name("production"))?;
        tx.put_revision(&revision(number.0, "b", "hello"))?;
        tx.put_deploy(&deploy(1, "b", DeployPhase::Rolling))?;
        tx.put_environment(&preview(true))?;
        let other = ServiceKey { environment: name("staging"), ..key("web") };
        tx.put_service(&ServiceState::new(other))?;
        tx.put_deploy(&Deploy { environment: name("staging"), ..deploy(2, "b", DeployPhase::Rolling) })
    })
}

#[test]
fn nothing_of_an_environment_is_left_and_everything_of_others() {
    let mut store = Store::in_memory().unwrap();
    fill(&mut store).unwrap();
    let (app, environment) = (name("shop"), name("production"));
    let epoch = store.flags_epoch().unwrap();
    store.transaction(|tx| tx.forget_environment(&app, &environment)).unwrap();
    assert_eq!(store.apps().unwrap(), [(app.clone(), name("staging"))]);
    assert!(store.environment(&app, &environment).unwrap().is_none());
    assert!(
        store.all_instances().unwrap().is_empty() && store.rollouts_of(&key("web"), 9).unwrap().is_empty()
    );
    assert_eq!(store.services().unwrap().len(), 1);
    assert_eq!(
        store.peek_revision(&app, &environment).unwrap(),
        RevisionNo(2),
        "numbers are not given again"
    );
    assert_eq!(store.flags_epoch().unwrap(), epoch, "it had no flags: the gateway need not hear of it");
    store.transaction(|tx| tx.forget_environment(&app, &environment)).unwrap();
}

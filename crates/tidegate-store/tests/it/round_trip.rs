//! Every family reads back as it was written, also by another connection and after a reopening.

use proptest::prelude::*;
use tidegate_core::judge::{Tally, Window};
use tidegate_core::judgement::Taken;
use tidegate_core::model::*;
use tidegate_core::time::Moment;
use tidegate_store::{ClockAnchor, Reader, Store};

use crate::fixtures::*;

fn fill(store: &mut Store) {
    store
        .transaction(|tx| {
            // Those that name others first: references are checked at the end only.
            tx.put_revision(&revision(1, "b1", "hello"))?;
            tx.put_rollout(&rollout(1, "web", Phase::Progressing))?;
            (1..=3).try_for_each(|second| tx.add_window(RolloutId(1), &taken(second)))?;
            tx.put_traffic(&key("web"), 6, &[window(419)])?;
            tx.put_traffic(&key("web"), 7, &[window(420), window(421)])?;
            tx.put_instance(&key("web"), &instance("web-1"))?;
            tx.put_deploy(&deploy(1, "b1", DeployPhase::Building))?;
            tx.put_job(&job("migrate-2", "b1"))?;
            tx.put_build(&build("b1"))?;
            put_service(tx, "web")?;
            tx.put_routing(&routing(4))?;
            tx.set_clock_anchor(&anchor(17))?;
            tx.set_meta("who", "me")
        })
        .unwrap();
}

fn window(second: u64) -> Window {
    Window { second, stable: Tally::of(90, 1), candidate: Tally::of(10, 0) }
}

fn taken(second: u64) -> Taken {
    Taken { window: window(second), compared: (second == 2).then(|| window(second)) }
}

fn anchor(moment: u64) -> ClockAnchor {
    ClockAnchor { boot_id: "boot".to_owned(), boot_ms: 5, moment: Moment(moment) }
}

fn check(reader: &Reader) {
    let (app, environment) = (name("shop"), name("production"));
    let kept = revision(1, "b1", "hello");
    assert_eq!(reader.build(&BuildId("b1".to_owned())).unwrap(), Some(build("b1")));
    assert_eq!(reader.builds().unwrap(), [build("b1")]);
    assert_eq!(reader.builds_of(&app).unwrap(), [build("b1")]);
    assert_eq!(reader.revision(&app, &environment, RevisionNo(1)).unwrap().as_ref(), Some(&kept));
    assert_eq!(reader.revision_by_digest(&app, &environment, "digest-1").unwrap().as_ref(), Some(&kept));
    assert_eq!(reader.revisions_of(&app, &environment).unwrap(), [kept]);
    let moved = rollout(1, "web", Phase::Progressing);
    assert_eq!(reader.rollout(RolloutId(1)).unwrap().as_ref(), Some(&moved));
    assert_eq!(reader.windows(RolloutId(1), 9).unwrap(), [1, 2, 3].map(taken));
    assert_eq!(reader.count_windows(RolloutId(1)).unwrap(), 3);
    assert_eq!(reader.traffic(&key("web")).unwrap(), [419, 420, 421].map(window));
    assert_eq!(reader.latest_traffic(&key("web"), 1).unwrap(), [420, 421].map(window));
    assert_eq!(reader.latest_traffic(&key("web"), 60).unwrap().len(), 3);
    assert_eq!(reader.active_rollouts().unwrap(), std::slice::from_ref(&moved));
    assert_eq!(reader.rollouts_of(&key("web"), 5).unwrap(), [moved]);
    assert_eq!(reader.instances_of(&key("web")).unwrap(), [instance("web-1")]);
    assert_eq!(reader.instance(&instance("web-1").id).unwrap(), Some((key("web"), instance("web-1"))));
    assert_eq!(reader.all_instances().unwrap(), [(key("web"), vec![instance("web-1")])].into());
    let asked = deploy(1, "b1", DeployPhase::Building);
    assert_eq!(reader.deploy(1).unwrap().as_ref(), Some(&asked));
    assert_eq!(reader.open_deploys().unwrap(), std::slice::from_ref(&asked));
    assert_eq!(reader.deploys_of(&app, &environment, 5).unwrap(), [asked]);
    assert_eq!(reader.jobs().unwrap(), [job("migrate-2", "b1")]);
    assert_eq!(reader.job(&job("migrate-2", "b1").id).unwrap(), Some(job("migrate-2", "b1")));
    assert_eq!(reader.service(&key("web")).unwrap(), Some(ServiceState::new(key("web"))));
    assert_eq!(reader.services().unwrap().len(), 1);
    assert_eq!(reader.services_of(&app, &environment).unwrap().len(), 1);
    assert_eq!(reader.apps().unwrap(), [(app, environment)]);
    assert_eq!(reader.routing().unwrap(), routing(4));
    assert_eq!(reader.clock_anchor().unwrap(), Some(anchor(17)));
    assert_eq!(reader.meta("who").unwrap().as_deref(), Some("me"));
}

#[test]
fn every_family_reads_back() {
    let mut on_disk = OnDisk::new();
    fill(&mut on_disk.store);
    check(&on_disk.store);
    check(&on_disk.store.reader().unwrap());
    check(&on_disk.reopened().store);
}

#[test]
fn every_family_reads_back_in_memory() {
    let mut store = Store::in_memory().unwrap();
    fill(&mut store);
    check(&store);
    store
        .transaction(|tx| {
            check(tx);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_empty_store_has_nothing() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.service(&key("web")).unwrap(), None);
    assert_eq!(store.routing().unwrap(), RouteTable::default());
    assert_eq!(store.clock_anchor().unwrap(), None);
    assert_eq!(store.latest_seq().unwrap(), 0);
    assert!(store.apps().unwrap().is_empty() && store.all_instances().unwrap().is_empty());
}

#[test]
fn a_second_put_replaces_and_a_remove_removes() {
    let mut store = Store::in_memory().unwrap();
    fill(&mut store);
    let over = rollout(1, "web", Phase::Succeeded);
    let rolling = deploy(1, "b1", DeployPhase::Rolling);
    store
        .transaction(|tx| {
            tx.put_rollout(&over)?;
            tx.put_deploy(&rolling)?;
            tx.put_instance(&key("web"), &Instance { restarts: 9, ..instance("web-1") })?;
            tx.remove_job(&job("migrate-2", "b1").id)
        })
        .unwrap();
    assert_eq!(store.rollout(RolloutId(1)).unwrap(), Some(over));
    assert!(store.active_rollouts().unwrap().is_empty());
    assert_eq!(store.deploy(1).unwrap(), Some(rolling));
    assert!(store.open_deploys().unwrap().is_empty());
    assert_eq!(store.instances_of(&key("web")).unwrap()[0].restarts, 9);
    assert!(store.jobs().unwrap().is_empty());
    store.transaction(|tx| tx.remove_instance(&instance("web-1").id)).unwrap();
    assert!(store.all_instances().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_and_number_reads_back(
        service in "[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        text in any::<String>(),
        number in any::<u64>(),
    ) {
        let mut store = Store::in_memory().unwrap();
        let mut stored = instance(&text);
        stored.created_at = Moment(number);
        stored.last_exit = Some(Exit { trouble: Some(text.clone()), ran_ms: number, ..Exit::default() });
        let wanted = revision(number as u32, "b", &text);
        store.transaction(|tx| {
            put_service(tx, &service)?;
            tx.put_build(&build("b"))?;
            tx.put_revision(&wanted)?;
            tx.put_instance(&key(&service), &stored)?;
            tx.event(&event(&service, &text), number / 2)?;
            tx.push_action(&(number, &text)).map(drop)
        }).unwrap();
        prop_assert_eq!(store.instances_of(&key(&service)).unwrap(), [stored]);
        prop_assert_eq!(store.revisions_of(&name("shop"), &name("production")).unwrap(), [wanted]);
        let events = store.events(0, &Default::default(), 9).unwrap();
        prop_assert_eq!((&events[0].event, events[0].unix_ms), (&event(&service, &text), number / 2));
        prop_assert_eq!(store.outbox::<(u64, String)>().unwrap(), [(1, (number, text))]);
    }
}

//! Repositories at Git hosts, and the webhooks that came of them.

use tidegate_core::model::{GitSource, SourceAccess, SourceState};
use tidegate_core::time::Millis;
use tidegate_store::{Store, StoreError};

use crate::fixtures::*;

fn source(app: &str, address: &str) -> GitSource {
    GitSource {
        app: name(app),
        id: "c1".to_owned(),
        address: address.to_owned(),
        branches: vec!["main".to_owned()],
        poll: Some(Millis::seconds(60)),
        access: SourceAccess::Token { user: "git".to_owned() },
        by: "ann".to_owned(),
        made_at_unix_ms: 7,
        state: SourceState { failures: 3, ..SourceState::default() },
    }
}

#[test]
fn an_app_follows_one_repository() {
    let mut on_disk = OnDisk::new();
    let (shop, blog) = (source("shop", "https://a.example/shop"), source("blog", "https://a.example/blog"));
    let later = source("shop", "https://b.example/shop");
    on_disk
        .store
        .transaction(|tx| [&shop, &blog, &later].into_iter().try_for_each(|one| tx.put_git_source(one)))
        .unwrap();
    let mut on_disk = on_disk.reopened();
    assert_eq!(on_disk.store.git_sources().unwrap(), [blog, later.clone()]);
    assert_eq!(on_disk.store.git_source(&name("shop")).unwrap(), Some(later));
    on_disk.store.transaction(|tx| tx.drop_git_source(&name("shop"))).unwrap();
    assert_eq!(on_disk.store.git_source(&name("shop")).unwrap(), None);
}

#[test]
fn the_newest_webhooks_of_each_app_are_known_again() {
    let mut store = Store::in_memory().unwrap();
    let (shop, blog) = (name("shop"), name("blog"));
    store.transaction(|tx| tx.add_delivery(&blog, "0")).unwrap();
    store.transaction(|tx| (0..4_100).try_for_each(|n| tx.add_delivery(&shop, &n.to_string()))).unwrap();
    let known = |app, id: &str| store.knows_delivery(app, id).unwrap();
    assert!(!known(&shop, "99") && known(&shop, "100") && known(&shop, "4099") && !known(&shop, "x"));
    assert!(known(&blog, "0"), "another app's are its own");
    let again = store.transaction(|tx| tx.add_delivery(&shop, "4099"));
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
}

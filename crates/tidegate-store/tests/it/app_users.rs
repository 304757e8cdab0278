//! Whom apps run as: given once, for ever.

use tidegate_core::model::AppUser;
use tidegate_store::StoreError;

use crate::fixtures::*;

#[test]
fn a_user_that_was_given_away_is_never_another_apps() {
    let mut on_disk = OnDisk::new();
    let (shop, blog) = (name("shop"), name("blog"));
    assert_eq!(on_disk.store.app_user(&shop).unwrap(), None);
    for _ in 0..2 {
        on_disk.store.transaction(|tx| tx.give_app_user(&shop, AppUser::new(61_184))).unwrap();
    }
    let taken = on_disk.store.transaction(|tx| tx.give_app_user(&blog, AppUser::new(61_184)));
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let another = on_disk.store.transaction(|tx| tx.give_app_user(&shop, AppUser::new(61_186)));
    assert!(matches!(another, Err(StoreError::Conflict(_))), "{another:?}");
    // Forgetting all that ran of the app keeps the number taken.
    on_disk.store.transaction(|tx| tx.forget_environment(&shop, &name("production"))).unwrap();
    let on_disk = on_disk.reopened();
    assert_eq!(on_disk.store.app_user(&shop).unwrap(), Some(AppUser::new(61_184)));
    assert_eq!(on_disk.store.app_users().unwrap(), [AppUser::new(61_184)]);
}

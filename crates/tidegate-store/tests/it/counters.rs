//! Ids are given out once, whatever happens to their rows and to the process.

use tidegate_store::Counter;

use crate::fixtures::*;

#[test]
fn an_id_is_never_given_again() {
    let mut on_disk = OnDisk::new();
    let mut last = 0;
    for _ in 0..3 {
        let (id, other) = on_disk
            .store
            .transaction(|tx| {
                let id = tx.next_id(Counter::Instance)?;
                put_service(tx, "web")?;
                tx.put_instance(&key("web"), &instance(&format!("web-{id}")))?;
                tx.remove_instance(&instance(&format!("web-{id}")).id)?;
                Ok((id, tx.next_id(Counter::Rollout)?))
            })
            .unwrap();
        assert_eq!((id, other), (last + 1, last + 1));
        last = id;
        on_disk = on_disk.reopened();
    }
}

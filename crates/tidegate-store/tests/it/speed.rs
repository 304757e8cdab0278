//! A pass over 200 services of 3 instances reads everything well under 50 ms, in a debug build too.

use std::time::{Duration, Instant};

use crate::fixtures::*;

#[test]
fn two_hundred_services_are_read_quickly() {
    let mut on_disk = OnDisk::new();
    on_disk
        .store
        .transaction(|tx| {
            for number in 0..200 {
                let service = format!("web-{number}");
                put_service(tx, &service)?;
                for copy in 0..3 {
                    tx.put_instance(&key(&service), &instance(&format!("{service}-{copy}")))?;
                }
            }
            Ok(())
        })
        .unwrap();
    let best = (0..5).map(|_| one_pass(&on_disk)).min().unwrap();
    println!("200 services with 600 instances read in {best:?}");
    assert!(best < Duration::from_millis(50), "{best:?}");
}

fn one_pass(on_disk: &OnDisk) -> Duration {
    let began = Instant::now();
    let services = on_disk.store.services().unwrap().len();
    let instances: usize = on_disk.store.all_instances().unwrap().values().map(Vec::len).sum();
    let rollouts = on_disk.store.active_rollouts().unwrap().len();
    let took = began.elapsed();
    assert_eq!((services, instances, rollouts), (200, 600, 0));
    took
}

//! What a pick costs, by the number of endpoints:
//! `cargo test --release -p tidegate-gateway --lib balance::cost -- --ignored --nocapture`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tidegate_core::balance::mix;
use tidegate_core::model::{Address, Balance, ClientKey, InstanceId, TrafficPolicy};
use tokio::sync::Notify;

use super::{ArmState, Ask, Picker};
use crate::count::Row;
use crate::endpoint::Endpoint;
use crate::route::Place;

const PICKS: u64 = 1_000_000;

fn places(many: u64) -> Vec<Place> {
    let place = |uid| {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let endpoint = Endpoint::new(uid, InstanceId(format!("web-{uid}")), address, Arc::new(Notify::new()));
        // Busy, so that least request has to compare.
        (0..1 + mix(uid) % 8).for_each(|_| endpoint.enter());
        endpoint.health.on_latency(1_000_000, 500 + mix(uid) % 5_000);
        Place { endpoint: Arc::new(endpoint), row: Arc::new(Row::new(1)), weight: 100, site: None }
    };
    (1..=many).map(place).collect()
}

fn nanoseconds(balance: &Balance, places: &[Place]) -> f64 {
    let policy = TrafficPolicy { balance: balance.clone(), ..TrafficPolicy::default() };
    let picker = Picker::new(&policy, places, 0, Arc::new(ArmState::default()), None);
    let began = Instant::now();
    for turn in 0..PICKS {
        let ask = Ask { now: 2_000_000, turn, key: mix(turn), location: None };
        let picked = picker.pick(places, &ask, |place| place.endpoint.health.is_up(ask.now)).unwrap();
        picked.endpoint.enter();
        black_box(picked).endpoint.leave();
    }
    began.elapsed().as_nanos() as f64 / PICKS as f64
}

#[test]
#[ignore = "measures"]
fn nanoseconds_by_balance_and_endpoints() {
    let key = ClientKey::Address;
    let ways = [Balance::LeastRequest, Balance::RoundRobin, Balance::PeakEwma, Balance::Hash(key)];
    println!("{:<30} {:>8} {:>8} {:>8} {:>8}", "ns a pick, entered and left", 2, 10, 100, 1_000);
    for balance in ways {
        let cells = [2, 10, 100, 1_000].map(|many| nanoseconds(&balance, &places(many)));
        println!("{:<30} {}", format!("{balance:?}"), cells.map(|ns| format!("{ns:>8.1}")).join(" "));
    }
    let many = places(1_000);
    let policy = TrafficPolicy { balance: Balance::Hash(ClientKey::Address), ..TrafficPolicy::default() };
    let began = Instant::now();
    black_box(Picker::new(&policy, &many, 0, Arc::new(ArmState::default()), None));
    println!("a ring of 1,000: {:?}", began.elapsed());
}

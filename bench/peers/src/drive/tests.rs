//! The load on the apps themselves, with nothing between, and through the floors.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::case::{Ask, Case, Kind};
use crate::floor;

fn load(case: Case, to: SocketAddr, pace: Pace) -> Load {
    let ask: Ask = match case.kind() {
        Kind::Closed(ask) | Kind::Open(ask) | Kind::Idle(ask) => ask,
        Kind::Http2 { .. } => panic!("h2load's"),
    };
    Load {
        to,
        request: ask.request(),
        answer_length: ask.answer_length,
        connections: 8,
        fresh: ask.fresh,
        tls: None,
        pace,
        warm_up: Duration::from_millis(20),
        last: Duration::from_millis(100),
    }
}

fn run(driver: &mut Driver, load: &Load) -> Taken {
    driver.run(load, &mut || Duration::ZERO).unwrap()
}

/// A floor between, for as long as the tests last.
fn floor_before(upstreams: [SocketAddr; 2], splice: bool) -> SocketAddr {
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    std::thread::spawn(move || floor::run(listen, &upstreams, splice));
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(listen).is_err() {
        assert!(Instant::now() < deadline, "the floor does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    listen
}

#[test]
fn every_case_is_answered_by_the_apps_and_through_the_floors() {
    let mut driver = Driver::new().unwrap();
    let apps = driver.upstreams();
    for to in [apps[0], floor_before(apps, false), floor_before(apps, true)] {
        for case in [Case::Small, Case::Middle, Case::Large, Case::Post, Case::Connection] {
            let taken = run(&mut driver, &load(case, to, Pace::Closed));
            assert_eq!(taken.troubles, [], "{case:?}");
            assert!(taken.answered > 0, "{case:?}");
        }
    }
}

#[test]
fn a_timetable_asks_for_no_more_than_is_due() {
    let mut driver = Driver::new().unwrap();
    let to = driver.upstreams()[0];
    let taken = run(&mut driver, &load(Case::Small, to, Pace::Open(1_000.0)));
    assert_eq!(taken.troubles, []);
    // What was late from the warm-up comes on top.
    let most = 1_000.0 * (taken.last.as_secs_f64() + 0.5);
    assert!(taken.answered > 0 && (taken.answered as f64) < most, "{}", taken.answered);
}

#[test]
fn connections_that_asked_once_stay_open() {
    let mut driver = Driver::new().unwrap();
    let to = driver.upstreams()[0];
    let held =
        driver.hold(&Load { connections: 200, ..load(Case::Small, to, Pace::Once) }, Duration::from_secs(20));
    let held = held.unwrap();
    assert!(!held.is_busy());
    assert_eq!(held.troubles(), 0);
}

#[test]
fn an_answer_of_another_length_and_a_port_nobody_listens_on_are_trouble() {
    let mut driver = Driver::new().unwrap();
    let to = driver.upstreams()[0];
    let wrong = Load { answer_length: 1023, ..load(Case::Small, to, Pace::Closed) };
    assert_eq!(run(&mut driver, &wrong).troubles[0].0, Trouble::Wrong);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(run(&mut driver, &load(Case::Small, nobody, Pace::Closed)).troubles[0].0, Trouble::Refused);
}

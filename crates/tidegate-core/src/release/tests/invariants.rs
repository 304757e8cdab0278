//! What holds whatever is asked in whatever order.

use proptest::prelude::*;
use tidegate_flags::{Context, FlagSet, Options};

use super::*;

fn any_order() -> impl Strategy<Value = Order> {
    let by = prop::option::of(prop_oneof![Just("org".to_owned()), Just("targetingKey".to_owned())]);
    prop_oneof![
        Just(Order::On),
        Just(Order::Off),
        Just(Order::Kill),
        Just(Order::Undo),
        Just(Order::Rollback),
        Just(Order::Archive),
        Just(Order::Variant("on".to_owned())),
        Just(Order::Variant("pink".to_owned())),
        (0_u32..=1_000_000, by).prop_map(|(of, by)| Order::Share { of: Millionths(of), variant: None, by }),
        (1_u64..9, 0_u32..=1_000_000).prop_map(|(after, of)| {
            let steps = [(NOW + after, to(of)), (NOW + after + 1_000, Order::On)];
            let timed = |(from_unix_ms, order)| Timed { from_unix_ms, order };
            Order::Schedule(steps.into_iter().map(timed).collect())
        }),
    ]
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let flags = (any::<bool>(), any::<bool>(), prop::option::of(0_u64..4));
    (any_order(), flags).prop_map(|(order, (guarded, when_ready, expect_version))| Asked {
        guard: guarded.then(GuardAsked::default),
        when_ready,
        expect_version,
        ..Asked::new(order, "ann")
    })
}

fn served(told: &Told, user: &str) -> Option<String> {
    let set = FlagSet::parse(&compose(&document(), [&told.state]).to_string(), &Options::default()).unwrap();
    let context = Context::new([("targetingKey".to_owned(), user.into())].into_iter().collect()).unwrap();
    let resolved = set.resolve("new-cart", &context, (NOW / 1_000) as i64).ok()?;
    resolved.variant.map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn versions_grow_by_one_and_nothing_is_lost(orders in prop::collection::vec((any_asked(), any::<bool>()), 1..12)) {
        let mut told = Told::of("new-cart");
        for (asked, lacks) in orders {
            told.situation.lacking = if lacks { vec![crate::model::RevisionNo(1)] } else { Vec::new() };
            let before = told.state.clone();
            let is_kill = asked.order == Order::Kill && asked.guard.is_none();
            let seen = asked.expect_version.is_none_or(|version| version == before.version);
            match told.ask(asked) {
                // `Told` itself checks version, before and after.
                Ok(Ordered::Released(_)) => prop_assert_eq!(told.state.waiting.clone(), None),
                Ok(Ordered::Waits(_)) => {
                    prop_assert_eq!(&told.state.serving, &before.serving);
                    prop_assert!(told.state.waiting.is_some());
                }
                Ok(Ordered::Already) => prop_assert_eq!(&told.state, &before),
                Err(refused) => {
                    prop_assert!(!is_kill || !seen, "a kill was refused: {}", refused);
                    prop_assert_eq!(&told.state, &before);
                }
            }
            prop_assert_eq!(told.history.len() as u64, told.state.version);
            // Whatever it is, evaluators understand it.
            let text = compose(&document(), [&told.state]).to_string();
            let set = FlagSet::parse(&text, &Options::default()).unwrap();
            prop_assert_eq!(set.problems().count(), 0);
        }
    }

    #[test]
    fn a_share_that_grows_takes_nobody_away(
        mut shares in prop::collection::vec(0_u32..=1_000_000, 2..6),
        users in prop::collection::vec("[a-z0-9-]{1,12}", 20),
    ) {
        shares.sort_unstable();
        let mut told = Told::of("new-cart");
        let mut have: Vec<&String> = Vec::new();
        for of in shares {
            told.after(to(of));
            let now: Vec<&String> =
                users.iter().filter(|user| served(&told, user) == Some("on".to_owned())).collect();
            prop_assert!(have.iter().all(|user| now.contains(user)), "{:?} lost it at {}", have, of);
            have = now;
        }
    }
}

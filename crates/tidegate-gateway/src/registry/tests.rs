use super::*;

fn registry() -> Registry {
    Registry::new(1, Limits::default(), Secret::of([0; 32]), Arc::default())
}

/// Upstreams by name, with the ports of their endpoints.
fn table(epoch: u64, upstreams: &[(&str, &[u16])]) -> Arc<RouteTable> {
    let endpoint = |port: &u16| {
        let address: std::net::SocketAddr = ([127, 0, 0, 1], *port).into();
        model::Endpoint::new(InstanceId(format!("web-{port}")), address)
    };
    let upstream = |ports: &[u16]| model::Upstream {
        arms: vec![model::Arm {
            role: ArmRole::Stable,
            revision: RevisionNo(1),
            weight: 100,
            endpoints: ports.iter().map(endpoint).collect(),
            site: None,
        }],
        ..model::Upstream::default()
    };
    let upstreams =
        upstreams.iter().map(|(name, ports)| ((*name).to_owned(), upstream(ports).into())).collect();
    Arc::new(RouteTable { epoch, upstreams, ..RouteTable::default() })
}

/// The ports of endpoints that are known, and whether they left.
fn known(registry: &Registry) -> Vec<(String, bool)> {
    let mut known: Vec<_> = registry.endpoints.values().map(|it| (it.id.0.clone(), it.is_gone())).collect();
    known.sort();
    known
}

#[test]
fn an_endpoint_is_gone_once_no_upstream_has_it_and_forgotten_once_it_is_idle() {
    let mut registry = registry();
    let apply = |registry: &mut Registry, table: Arc<RouteTable>| {
        registry.compile(&table);
        let marked = known(registry);
        registry.sweep(&table);
        (marked, known(registry))
    };
    let (one, two) = (("web-1".to_owned(), false), ("web-2".to_owned(), false));
    let (_, after) = apply(&mut registry, table(1, &[("a", &[1, 2]), ("b", &[1])]));
    assert_eq!(after, [one.clone(), two.clone()]);
    let (_, after) = apply(&mut registry, table(2, &[("a", &[2]), ("b", &[1])]));
    assert_eq!(after, [one.clone(), two.clone()], "another upstream has it");
    let held = registry.endpoints.values().find(|it| it.id.0 == "web-1").unwrap().clone();
    held.enter();
    let (_, after) = apply(&mut registry, table(3, &[("a", &[2])]));
    assert_eq!(after, [("web-1".to_owned(), true), two.clone()], "a request is in flight on it");
    let (marked, after) = apply(&mut registry, table(4, &[("a", &[2, 1])]));
    assert_eq!((marked, after), (vec![one, two.clone()], vec![("web-1".to_owned(), false), two.clone()]));
    held.leave();
    let (marked, after) = apply(&mut registry, table(5, &[("a", &[2])]));
    assert_eq!((marked, after), (vec![("web-1".to_owned(), true), two.clone()], vec![two]));
}

#[test]
fn what_stays_is_not_made_anew() {
    let mut registry = registry();
    let (first, second) = (table(1, &[("a", &[1]), ("b", &[2])]), table(2, &[("a", &[3]), ("b", &[2])]));
    let before = registry.compile(&first);
    let after = registry.compile(&second);
    let same = |at: usize| Arc::ptr_eq(&before.upstreams()[at], &after.upstreams()[at]);
    assert_eq!((same(0), same(1)), (false, true));
}

#[test]
fn rows_of_what_left_are_kept_for_a_while_and_go_on_where_it_comes_back() {
    let mut registry = registry();
    let apply = |registry: &mut Registry, table: Arc<RouteTable>| {
        registry.compile(&table);
        registry.sweep(&table);
        registry.departed.values().map(|key| key.3.as_ref().map(|id| id.0.clone())).collect::<Vec<_>>()
    };
    apply(&mut registry, table(1, &[("a", &[1, 2]), ("b", &[3])]));
    assert_eq!(apply(&mut registry, table(2, &[("a", &[2]), ("b", &[3])])), [Some("web-1".to_owned())]);
    assert!(apply(&mut registry, table(3, &[("a", &[1, 2]), ("b", &[3])])).is_empty());
    assert_eq!(apply(&mut registry, table(4, &[("a", &[1, 2])])), [None, Some("web-3".to_owned())]);
    for epoch in 5..1_100 {
        apply(&mut registry, table(epoch, &[("a", &[epoch as u16])]));
    }
    assert_eq!(registry.departed.len(), DEPARTED);
    assert_eq!(registry.rows.len(), DEPARTED + 2, "and those of the table");
}

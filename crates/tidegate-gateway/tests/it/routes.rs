//! Which instance gets a request, and what the gateway says where none does.

use tidegate_core::model::{RouteTable, Upstream as Service};

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::{arm, route, table};
use crate::stage::upstream::{Upstream, nobody};
use tidegate_core::model::ArmRole;

#[test]
fn hosts_and_prefixes_lead_to_their_service() {
    let stage = Stage::new();
    let names = ["exact", "suffix", "api", "any"];
    let upstreams = names.map(Upstream::saying);
    let mut table = RouteTable { epoch: 1, ..RouteTable::default() };
    for (name, upstream) in names.iter().zip(&upstreams) {
        let arms = vec![arm(ArmRole::Stable, 1, 100, &[(name, upstream.address)])];
        table.upstreams.insert((*name).to_owned(), Service { arms, ..Service::default() }.into());
    }
    route(&mut table, "shop.test", "/", "exact");
    route(&mut table, "shop.test", "/api", "api");
    route(&mut table, "*.test", "/", "suffix");
    route(&mut table, "*", "/", "any");
    stage.apply(&table);
    let mut client = Client::new(stage.address);
    for (host, path, name) in [
        ("shop.test", "/", "exact"),
        ("SHOP.test.:8080", "/apix", "exact"),
        ("shop.test", "/api", "api"),
        ("shop.test", "/api/x?y", "api"),
        ("a.shop.test", "/api", "suffix"),
        ("other", "/api", "any"),
    ] {
        assert_eq!(client.get(host, path).text(), name, "{host}{path}");
    }
    assert_eq!(client.ask("GET http://shop.test/api HTTP/1.1\r\nHost: other\r\n\r\n").text(), "api");
}

#[test]
fn what_the_gateway_says_itself_is_marked() {
    let stage = Stage::new();
    let mut table = table(1, &[("web-1", nobody())]);
    table.routes.clear();
    route(&mut table, "refuses.test", "/", "app/dev/web");
    route(&mut table, "empty.test", "/a", "none");
    table.upstreams.insert("none".to_owned(), Service::default().into());
    stage.apply(&table);
    let mut client = Client::new(stage.address);
    for (host, path, status, mark) in [
        ("unknown.test", "/", 404, "no-route"),
        ("empty.test", "/", 404, "no-route"),
        ("empty.test", "/a", 503, "no-endpoint"),
        ("refuses.test", "/", 502, "connect-failed"),
        ("no host", "/", 400, "bad-request"),
    ] {
        let answer = client.get(host, path);
        assert_eq!((answer.status(), answer.field("tidegate-gateway")), (status, Some(mark)), "{host}{path}");
        assert_eq!(answer.field("retry-after"), (status == 503).then_some("1"));
    }
}

#[test]
fn an_instance_that_refuses_is_passed_over_and_counted() {
    let stage = Stage::new();
    let alive = Upstream::saying("alive");
    stage.apply(&table(1, &[("dead", nobody()), ("alive", alive.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..20 {
        assert_eq!(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").text(), "alive");
    }
    let rows = crate::control::counts_when(&stage, |rows| {
        rows.iter().map(|row| row.outcomes.total()).sum::<u64>() == 20
    });
    let dead = rows.iter().find(|row| row.instance.as_ref().is_some_and(|id| id.0 == "dead")).unwrap();
    assert_eq!(dead.outcomes.reset, 20 - rows.iter().map(|row| row.outcomes.good).sum::<u64>());
    // Once it refused it is asked last for a second.
    assert!((1..=9).contains(&dead.outcomes.reset), "{dead:?}");
}

//! Load balancers in front: who they say the client is.

use std::io::Write;

use tidegate_core::model::{HttpsPolicy, RoutePolicy};
use tidegate_gateway::{AccessLog, Limits, LogTarget};

use crate::stage::client::Client;
use crate::stage::table::{table, with_policy};
use crate::stage::upstream::Upstream;
use crate::stage::{Stage, until};

fn stage(trusted: &str) -> (Stage, Upstream) {
    let stage = Stage::built(Limits::default(), |config| config.proxies = vec![trusted.parse().unwrap()]);
    let upstream = Upstream::echoing_heads();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    (stage, upstream)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn the_told_address_is_the_clients() {
    let (stage, _upstream) = stage("127.0.0.0/8");
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([10, 0, 0, 9, 10, 0, 0, 1, 0x30, 0x39, 0, 80]);
    for header in [b"PROXY TCP4 10.0.0.9 10.0.0.1 12345 80\r\n".to_vec(), v2] {
        let mut client = Client::new(stage.address);
        let text = client.ask([&header[..], GET.as_bytes()].concat()).text();
        assert!(text.contains("\nx-forwarded-for: 10.0.0.9\n"), "{text}");
        assert!(client.get("a", "/").text().contains("\nx-real-ip: 10.0.0.9\n"));
        // Byte by byte: reads do not end where the header does.
        let mut client = Client::new(stage.address);
        for byte in &header {
            client.stream.write_all(&[*byte]).unwrap();
        }
        assert!(client.get("a", "/").text().contains("\nx-forwarded-for: 10.0.0.9\n"));
    }
    let local = client_says(&stage, b"PROXY UNKNOWN\r\n");
    assert!(local.contains("\nx-forwarded-for: 127.0.0.1\n"), "{local}");
}

fn client_says(stage: &Stage, header: &[u8]) -> String {
    Client::new(stage.address).ask([header, GET.as_bytes()].concat()).text()
}

#[test]
fn a_proxy_without_a_header_is_refused() {
    let (stage, _upstream) = stage("127.0.0.0/8");
    let mut client = Client::new(stage.address);
    client.send(GET);
    assert!(client.answer().is_none());
}

#[test]
fn others_are_not_believed() {
    let (stage, _upstream) = stage("10.0.0.0/8");
    assert_eq!(Client::new(stage.address).get("a", "/").status(), 200);
    let header = "PROXY TCP4 10.0.0.9 10.0.0.1 12345 80\r\n";
    assert_eq!(Client::new(stage.address).ask(format!("{header}{GET}")).status(), 400);
}

/// Whoever came to the load balancer with TLS is where `https: redirect` would send them.
#[test]
fn tls_that_ends_at_the_proxy_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let stage = Stage::built(Limits::default(), |config| {
        config.proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.observe.access_log = Some(AccessLog::new(LogTarget::File(path.clone())));
    });
    let upstream = Upstream::echoing_heads();
    let https = HttpsPolicy { redirect: true, hsts: None, hsts_subdomains: false };
    let policy = RoutePolicy { https: Some(https), ..RoutePolicy::default() };
    let mut table = with_policy(1, &[("web-1", upstream.address)], policy);
    crate::stage::table::route(&mut table, "plain.test", "/", "app/dev/web");
    stage.apply(&table);
    let header = |bits: u8| {
        let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x1e".to_vec();
        v2.extend([10, 0, 0, 9, 10, 0, 0, 1, 0x30, 0x39, 0, 80]);
        v2.extend([&[0x20, 0, 15, bits, 0, 0, 0, 0][..], b"\x21\0\x07TLSv1.3"].concat());
        v2
    };
    let mut with = Client::new(stage.address);
    let answer = with.ask([&header(1)[..], GET.as_bytes()].concat());
    assert_eq!(answer.status(), 200);
    assert!(answer.text().contains("\nx-forwarded-proto: https\n"), "{}", answer.text());
    assert!(with.get("plain.test", "/fast").text().contains("\nx-forwarded-proto: https\n"));
    let mut without = Client::new(stage.address);
    let answer = without.ask([&header(0)[..], GET.as_bytes()].concat());
    assert_eq!((answer.status(), answer.field("location")), (308, Some("https://a/")));

    let text = until("three lines are written", || {
        std::fs::read_to_string(&path).ok().filter(|text| text.lines().count() == 3)
    });
    assert_eq!(text.matches("\"tls\":\"1.3\"").count(), 2, "{text}");
}

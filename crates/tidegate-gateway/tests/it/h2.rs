//! HTTP/2 from outside, without TLS by prior knowledge; under TLS it is the same code.

use std::path::Path;

use crate::stage::Stage;
use crate::stage::program::curl;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;

fn h2c(stage: &Stage, path: &str, args: &[&str]) -> String {
    let mut all = vec!["--http2-prior-knowledge"];
    all.extend(args);
    let said = curl(Path::new("/dev/null"), stage.address, &format!("http://a.test{path}"), &all);
    assert!(said.done, "{said:?}");
    said.out
}

#[test]
fn a_request_reaches_the_app_as_http_1() {
    let stage = Stage::new();
    let upstream = Upstream::echoing_heads();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let out = h2c(&stage, "/a?b=c", &["-A", "me", "-H", "cookie: x=1", "-H", "TE: trailers"]);
    let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with("x-request-id: ")).collect();
    assert_eq!(
        lines,
        [
            "GET /a?b=c HTTP/1.1",
            "accept: */*",
            "cookie: x=1",
            "host: a.test",
            "te: trailers",
            "tidegate-arm: stable",
            "tidegate-revision: r1",
            "user-agent: me",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: a.test",
            "x-forwarded-proto: http",
            "x-real-ip: 127.0.0.1",
            "",
            "2 200"
        ]
    );
}

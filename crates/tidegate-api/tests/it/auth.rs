//! Who may ask.

use crate::server::Server;
use crate::stub::Stub;

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_the_right_token_is_needed() {
    let server = Server::start(Stub::default());
    let long = "x".repeat(64);
    let wrong = [
        String::new(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: Bearer {long}\r\n"),
        format!("Authorization: Basic {}\r\n", server.token.reveal()),
        format!("Authorization: {}\r\n", server.token.reveal()),
        format!("Authorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\n", server.token.reveal()),
    ];
    for headers in wrong {
        let answer = server.ask("GET /v1/doctor", &headers);
        assert_eq!((answer.status, answer.code().as_str()), (401, "api::unauthorized"), "{headers}");
        assert!(answer.head.contains("www-authenticate: bearer"));
    }
    assert!(server.stub.called().is_empty(), "the control plane was asked");
    assert_eq!(server.ask_with_token("GET /v1/doctor", "").code(), "stub::unset");
    assert_eq!(server.stub.called(), ["doctor"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_user_needs_no_token_over_the_unix_socket() {
    let server = Server::start(Stub::default());
    let error = server.unix().doctor().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, "stub::unset");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_open_and_names_the_process() {
    let server = Server::start(Stub::default());
    let health = server.ask("GET /v1/health", "").json();
    assert_eq!(health["service"], "tidegate");
    assert_eq!(health["pid"], std::process::id());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_is_refused_even_with_the_token() {
    let server = Server::start(Stub::default());
    let bearer = format!("Authorization: Bearer {}\r\n", server.token.reveal());
    for origin in ["http://evil.example", "null", "https://evil.example:7070"] {
        let answer = server.ask("POST /v1/down", &format!("{bearer}Origin: {origin}\r\n"));
        assert_eq!((answer.status, answer.code().as_str()), (403, "api::foreign-host"), "{origin}");
    }
    for host in [
        "Host: evil.example\r\n",
        "Host: evil.example:80\r\n",
        "",
        "Host: localhost\r\nHost: evil.example\r\n",
    ] {
        let request = format!("POST /v1/down HTTP/1.1\r\n{host}{bearer}Connection: close\r\n\r\n");
        let answer = server.raw(&request);
        assert!(answer.status == 403 || answer.status == 400, "{host}: {}", answer.status);
    }
    assert!(server.stub.called().is_empty(), "the control plane was asked");
    let own = server
        .ask("POST /v1/down", &format!("{bearer}Origin: http://localhost:{}\r\n", server.address.port()));
    assert_eq!(own.status, 200);
    server.stop().await;
}

//! Configuration, parameters and secrets over the API: what is wrong with a request is told without the secret in it.

use crate::server::Server;
use crate::stub::Stub;

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_about_a_secret_does_not_quote_it() {
    let server = Server::start(Stub::default());
    for body in [
        r#"{"name": 5, "value": "hunter2-value"}"#,
        r#"{"name": "a b", "value": "hunter2-value"}"#,
        r#"{"name": "db", "value": "hunter2-value", "what": 1}"#,
        r#"{"name": "db", "value": ["hunter2-value"]}"#,
        r#"{"name": "db", "value": "hunter2-value" oops"#,
        r#""hunter2-value""#,
    ] {
        let answer = server.ask_with_token("POST /v1/secrets/set", body);
        assert!(answer.status >= 400 && answer.status < 500, "{body}: {}", answer.status);
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_about_settings_that_is_said() {
    let server = Server::start(Stub::default());
    for line in ["GET /v1/config", "GET /v1/secrets", "GET /v1/parameters"] {
        let answer = server.ask_with_token(line, "");
        assert_eq!((answer.status, answer.code().as_str()), (404, "api::no-settings"), "{line}");
    }
    server.stop().await;
}

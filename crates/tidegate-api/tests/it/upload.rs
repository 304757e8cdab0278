//! Snapshots on their way in.

use std::collections::BTreeMap;
use std::io;

use tidegate_api::ClientError;
use tidegate_control::{DeployRequest, Refusal, RefusalKind};
use tidegate_core::model::BuildSource;
use tidegate_core::view::DeployView;

use crate::server::{Server, eventually};
use crate::stub::{Answers, Stub};

fn view() -> DeployView {
    DeployView {
        id: 7,
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        phase: "building".to_owned(),
        build: "0123456789ab".to_owned(),
        revision: None,
        services: Vec::new(),
        error: None,
        job: None,
        over: false,
        succeeded: false,
        seconds: 0.0,
    }
}

fn request() -> DeployRequest {
    DeployRequest {
        environment: Some("production".parse().unwrap()),
        folder: "shop".to_owned(),
        source: BuildSource { commit: Some("c0ffee".to_owned()), dirty: true },
        env: BTreeMap::from([("SECRET".to_owned(), "s".repeat(100_000))]),
        by: "ann".to_owned(),
        break_glass: None,
    }
}

/// Several chunks, none of a round size.
fn bytes() -> Vec<u8> {
    (0..3_000_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn accepting() -> Stub {
    Stub::new(Answers { deploys: vec![view()], ..Answers::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_arrives_whole_over_both_ways_and_the_file_is_the_planes() {
    let server = Server::start(accepting());
    for client in [server.unix(), server.http()] {
        let answer = client.deploy(&request(), |out| out.write_all(&bytes())).await.unwrap();
        assert_eq!(answer, view());
    }
    let taken = std::mem::take(&mut *server.stub.snapshots.lock().unwrap());
    assert_eq!(taken.len(), 2);
    for (asked, path, content) in taken {
        assert_eq!(asked, request());
        assert!(content == bytes(), "the bytes differ");
        assert!(path.exists(), "the file is the control plane's");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upload_is_removed() {
    let refusal = Refusal::new(RefusalKind::Conflict, "deploy::busy", "not now");
    let server = Server::start(Stub::new(Answers { refusal: Some(refusal.clone()), ..Answers::default() }));
    let error = server.unix().deploy(&request(), |out| out.write_all(&bytes())).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&refusal));
    assert_eq!(server.spooled(), Vec::<std::path::PathBuf>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_over_the_limit_is_refused_in_words_and_removed() {
    let server = Server::start_with(accepting(), |config| config.most_upload_bytes = 500_000);
    for client in [server.unix(), server.http()] {
        let error = client.deploy(&request(), |out| out.write_all(&bytes())).await.unwrap_err();
        assert_eq!(error.refusal().map(|refusal| refusal.code.as_str()), Some("api::too-large"), "{error}");
    }
    assert_eq!(server.spooled(), Vec::<std::path::PathBuf>::new());
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_is_never_deployed() {
    let server = Server::start(accepting());
    let broken = |out: &mut dyn io::Write| {
        out.write_all(&bytes())?;
        Err(io::Error::other("a file changed"))
    };
    let error = server.unix().deploy(&request(), broken).await.unwrap_err();
    assert!(matches!(&error, ClientError::Pack(cause) if cause.to_string() == "a file changed"), "{error:?}");
    assert!(eventually(|| server.spooled().is_empty()).await, "{:?}", server.spooled());
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_upload_is_refused() {
    let server = Server::start(accepting());
    for (body, code) in
        [("", "api::bad-request"), ("\0\0\0\u{2}[]", "api::bad-request"), ("abcdefgh", "api::too-large")]
    {
        assert_eq!(server.ask_with_token("POST /v1/deploys", body).code(), code, "{body:?}");
    }
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_over_the_limit_are_not_sent() {
    let server = Server::start(accepting());
    let mut large = request();
    large.env.insert("MORE".to_owned(), "x".repeat(2 << 20));
    let error = server.unix().deploy(&large, |_| Ok(())).await.unwrap_err();
    assert!(error.to_string().contains("variables are over"), "{error}");
    assert!(!error.to_string().contains("xxx"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_uploads_of_an_earlier_process_are_removed_and_whole_ones_kept() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("upload-1.part"), "half").unwrap();
    std::fs::write(dir.path().join("upload-2.tar"), "whole").unwrap();
    let spool = dir.path().to_owned();
    let server = Server::start_with(accepting(), |config| config.spool_dir = spool);
    server.unix().health().await.unwrap();
    assert!(!dir.path().join("upload-1.part").exists());
    assert!(dir.path().join("upload-2.tar").exists());
    server.stop().await;
}

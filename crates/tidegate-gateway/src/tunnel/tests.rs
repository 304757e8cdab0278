//! Good-byes, byte by byte.

use std::rc::Rc;
use std::sync::Arc;

use tidegate_core::model::{Address, InstanceId};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use super::*;
use crate::drain::Leaving;
use crate::endpoint::Endpoint;

struct Stage {
    client: DuplexStream,
    instance: DuplexStream,
    endpoint: Arc<Endpoint>,
    leaving: Rc<Leaving>,
    tunnel: JoinHandle<()>,
}

impl Stage {
    fn new() -> Stage {
        let (client, ours) = duplex(64);
        let (instance, theirs) = duplex(64);
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let idle = Arc::new(Notify::new());
        let endpoint = Arc::new(Endpoint::new(1, InstanceId("web-1".to_owned()), address, idle));
        endpoint.set_drain(Duration::ZERO);
        let leaving = Rc::new(Leaving::new(1));
        let tunnel = spawn_local(join(ours, theirs, leaving.stay(&endpoint)));
        Stage { client, instance, endpoint, leaving, tunnel }
    }

    fn leave(&self) {
        self.endpoint.set_gone(true);
        self.leaving.on_swap(Instant::now());
    }
}

async fn heard(stream: &mut DuplexStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(read, bytes);
}

fn local(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let within = async { tokio::time::timeout(Duration::from_secs(20), test).await.unwrap() };
    LocalSet::new().block_on(&runtime, within);
}

#[test]
fn what_is_under_way_ends_before_the_close_and_its_answer_reaches_the_instance() {
    local(async {
        let mut stage = Stage::new();
        // Half a message of the instance.
        stage.instance.write_all(b"\x81\x04ab").await.unwrap();
        heard(&mut stage.client, b"\x81\x04ab").await;
        stage.leave();
        tokio::task::yield_now().await;
        // The end of it, and one more that comes too late.
        stage.instance.write_all(b"cd\x81\x02no").await.unwrap();
        heard(&mut stage.client, b"cd").await;
        heard(&mut stage.client, &close_to_client()).await;
        // The client says something that was on its way, and answers.
        let last_words = [b"\x82\x81\x01\x01\x01\x01x".as_slice(), &close_to_instance([7; 4])].concat();
        stage.client.write_all(&last_words).await.unwrap();
        heard(&mut stage.instance, &last_words).await;
        assert_eq!(stage.instance.read(&mut [0; 8]).await.unwrap(), 0);
        drop(stage.instance);
        assert_eq!(stage.client.read(&mut [0; 8]).await.unwrap(), 0);
        stage.tunnel.await.unwrap();
    });
}

#[test]
fn a_client_that_does_not_answer_keeps_nobody() {
    local(async {
        let mut stage = Stage::new();
        stage.leave();
        heard(&mut stage.client, &close_to_client()).await;
        let mut header = [0; 2];
        stage.instance.read_exact(&mut header).await.unwrap();
        assert_eq!(header, [0x88, 0x80 | 17]);
        stage.tunnel.await.unwrap();
    });
}

#[test]
fn what_is_no_websocket_is_not_written_into() {
    local(async {
        let mut stage = Stage::new();
        stage.client.write_all(b"hello").await.unwrap();
        heard(&mut stage.instance, b"hello").await;
        stage.leave();
        stage.instance.write_all(b"good day").await.unwrap();
        heard(&mut stage.client, b"good day").await;
        drop((stage.client, stage.instance));
        stage.tunnel.await.unwrap();
    });
}

#[test]
fn both_directions_end_on_their_own() {
    local(async {
        let mut stage = Stage::new();
        stage.client.shutdown().await.unwrap();
        assert_eq!(stage.instance.read(&mut [0; 8]).await.unwrap(), 0);
        let long = [7; 1_000];
        let (_, ()) = tokio::join!(stage.instance.write_all(&long), heard(&mut stage.client, &long));
        stage.instance.shutdown().await.unwrap();
        assert_eq!(stage.client.read(&mut [0; 8]).await.unwrap(), 0);
        stage.tunnel.await.unwrap();
    });
}

//! Lets hyper's HTTP/2 start its tasks on the worker's own thread.

use std::future::Future;

/// Spawns onto the `LocalRuntime` or `LocalSet` it is used in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

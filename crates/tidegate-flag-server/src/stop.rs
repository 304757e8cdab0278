//! The word to end, for every listener, connection and stream at once.

use tokio::sync::watch;

/// Tells everybody to end; dropping it tells them as well.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// What is told to end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// The two ends.
    pub fn new() -> (Stopper, Stop) {
        let (stopper, stop) = watch::channel(false);
        (Stopper(stopper), Stop(stop))
    }

    /// Says it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it was said.
    pub(crate) fn is_said(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is said.
    pub async fn said(&mut self) {
        // An error is a stopper that is gone: the same.
        let _ = self.0.wait_for(|said| *said).await;
    }
}

//! Who is answered right now: a call of the control plane is made on behalf of somebody.
//!
//! A value of the thread, not a parameter of fifty methods: the API enters it around each call, `Handle::change` reads it before it hands
//! the work to the loop, and whoever enters none (the scout, the courier) acts as Tidegate itself.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_core::access::Caller;
use tidegate_core::audit::Deed;

/// A request while it is answered.
#[derive(Clone, Debug)]
pub struct Call {
    caller: Caller,
    /// Whether the log has been told of it.
    told: Arc<AtomicBool>,
}

thread_local! {
    static NOW: RefCell<Option<Call>> = const { RefCell::new(None) };
}

impl Call {
    /// Of somebody.
    pub fn of(caller: Caller) -> Self {
        Call { caller, told: Arc::default() }
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the log has an entry of it.
    pub fn is_told(&self) -> bool {
        self.told.load(Ordering::SeqCst)
    }

    /// The log has an entry of it.
    pub fn tell(&self) {
        self.told.store(true, Ordering::SeqCst);
    }

    /// Does something on behalf of this call, on this thread.
    pub fn within<T>(call: Option<Call>, work: impl FnOnce() -> T) -> T {
        let before = NOW.with(|now| now.replace(call));
        // Also where `work` panics: threads of a pool are used again.
        let _after = Restore(before);
        work()
    }

    /// The call that is answered on this thread.
    pub(crate) fn now() -> Option<Call> {
        NOW.with(|now| now.borrow().clone())
    }

    /// The deed as that of whoever is answered on this thread.
    pub(crate) fn sign(call: Option<&Call>, deed: Deed) -> Deed {
        match call {
            Some(call) => deed.by(&call.caller),
            None => deed,
        }
    }
}

struct Restore(Option<Call>);

impl Drop for Restore {
    fn drop(&mut self) {
        NOW.with(|now| *now.borrow_mut() = self.0.take());
    }
}

//! What the backend saw: fencing, and one process an instance.

use tidegate_backend::fake::FakeBackend;

use super::{Held, ensure};

/// No start of an older generation, no second process of an instance, no second holder of a fixed port.
pub fn invariant_generations_are_fenced(backend: &FakeBackend) -> Held {
    let breaches = backend.breaches();
    ensure("invariant_generations_are_fenced", breaches.is_empty(), || breaches.join("; "))
}

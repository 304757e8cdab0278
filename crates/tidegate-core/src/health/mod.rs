//! Small event machines about one instance: probes and restart back-off.

pub mod backoff;
pub mod probe;

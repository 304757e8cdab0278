//! Reconcilers: read, plan, remember, act.

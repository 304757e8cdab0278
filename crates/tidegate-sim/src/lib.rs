//! Deterministic simulation of the whole control plane.

//! The L7 data plane.

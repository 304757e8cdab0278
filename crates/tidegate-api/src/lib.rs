//! The HTTP API, its client, and the types they share.

//! Clients and servers that others wrote, with a real gateway between them: gRPC and WebSockets in Python, curl, h2load, a browser.
//!
//! The gateway is a process of its own, told its table by [`stage::Stage`] as the control plane would. The programs beside
//! print what they saw as JSON; what they should have seen stands in the tests.

pub mod browser;
mod crowd;
mod curl;
mod grpc;
mod h2load;
mod python;
mod stage;
mod websocket;

//! The HTTP API, its client, and the types they share.
//!
//! [`server`] answers for a [`tidegate_control::ControlPlane`]; [`client`] is what the command line asks with; [`wire`]
//! holds what both agree on beyond the types of `tidegate_core::view`. Nothing here decides anything about apps.

pub mod client;
pub mod server;
pub mod token;
pub mod wire;

mod stream;

pub use client::{Client, ClientError};
pub use server::{
    Access, ApiConfig, CountsSource, Decided, EndpointNeed, GitConfig, IdentityDesk, Listener, OpenIdDesk,
    ProvenanceDesk, SettingDesk, SourceDesk, needs, serve,
};
pub use token::Token;

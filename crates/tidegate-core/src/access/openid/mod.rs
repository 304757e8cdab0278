//! People whom an identity provider vouches for by OpenID Connect: what its word is worth, and whom it makes of somebody here.
//!
//! Pure: who fetched the token and checked its signature is `tidegate_control::openid`.

mod claims;
mod entry;
mod link;
mod rules;

pub use claims::{BadToken, Expected, IdClaims, LEEWAY_S};
pub use entry::{Entry, LoginRefused, Person, decide_entry};
pub use link::OpenIdLink;
pub use rules::{Allowed, AllowedError, OPEN_ID_GOOD_FOR, OpenIdRules};

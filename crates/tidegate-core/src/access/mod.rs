//! Who asks Tidegate for something, what it is called, and what that needs.

mod action;
mod admission;
mod caller;
mod not_let_in;
mod one_time_code;
mod reach;
mod role;
mod session;
mod token;
mod user;

pub use action::Action;
pub use admission::{Admission, Doing, Means, manages_access, may};
pub use caller::{Caller, Origin, Who};
pub use not_let_in::NotLetIn;
pub use one_time_code::{FIRST_GOOD_FOR, INVITE_GOOD_FOR, OneTimeCode};
pub use reach::Reach;
pub use role::Role;
pub use session::{AccessSession, LoginBy, SESSION_IDLE, SESSION_LASTS};
pub use token::{AccessToken, NOTED_EVERY, TOKEN_GOOD_FOR};
pub use user::{RESERVED_NAMES, User};

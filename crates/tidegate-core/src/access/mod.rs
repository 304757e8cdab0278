//! Who asks Tidegate for something, what it is called, what that needs, and who has it.

mod action;
mod admission;
mod binding;
mod caller;
mod ceiling;
mod holder;
mod not_let_in;
mod one_time_code;
mod openid;
mod place;
mod policy_files;
mod question;
mod reach;
mod role;
mod session;
mod token;
mod user;

pub use action::Action;
pub use admission::{Admission, Means, manages_access};
pub use binding::{Binding, is_the_last_administrator, roles_at};
pub use caller::{Caller, Origin, Who};
pub use ceiling::Ceiling;
pub use holder::{Holder, HolderError};
pub use not_let_in::NotLetIn;
pub use one_time_code::{FIRST_GOOD_FOR, INVITE_GOOD_FOR, OneTimeCode};
pub use openid::{
    Allowed, AllowedError, BadToken, Entry, Expected, IdClaims, LEEWAY_S, LoginRefused, OPEN_ID_GOOD_FOR,
    OpenIdLink, OpenIdRules, Person, decide_entry,
};
pub use place::{Place, PlaceError};
pub use policy_files::{PolicyFile, PolicyVersion};
pub use question::{Decision, Facts, Question, Rule};
pub use reach::Reach;
pub use role::Role;
pub use session::{AccessSession, LoginBy, SESSION_IDLE, SESSION_LASTS};
pub use token::{AccessToken, NOTED_EVERY, TOKEN_GOOD_FOR};
pub use user::{RESERVED_NAMES, User};

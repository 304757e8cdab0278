//! Who asks Tidegate for something, what it is called, what that needs, and who has it.

mod action;
mod binding;
mod caller;
mod holder;
mod place;
mod policy_files;
mod question;
mod role;

pub use action::Action;
pub use binding::{Binding, is_the_last_administrator, roles_at};
pub use caller::{Caller, Origin, Who};
pub use holder::{Holder, HolderError};
pub use place::{Place, PlaceError};
pub use policy_files::{PolicyFile, PolicyVersion};
pub use question::{Decision, Facts, Question, Rule};
pub use role::Role;

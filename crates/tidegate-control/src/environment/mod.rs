//! Environments that come and go: what a run means for the preview it goes to, and how an environment is taken down when somebody
//! asks for that. Both only say so; what is done about it is the engine's, in `engine/leaving.rs`.

mod preview;
mod take_down;

pub(crate) use preview::{barred, entered, preview_of, pushed, stays};
pub use take_down::{branch_gone, remove};
pub(crate) use take_down::{ended, told};

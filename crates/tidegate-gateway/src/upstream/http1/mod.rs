//! One request on one HTTP/1.1 connection to an instance, on the task of the request itself: the head goes out as bytes
//! with what is there of the body, the answer is judged as strictly as on the fast path, and its body is handed on piece
//! by piece without being copied. [`super::send()`] begins an exchange; [`super::Reply`] carries it on.

mod dock;
mod down;
mod exchange;
mod head;
mod pump;
mod up;

pub(super) use dock::Docks;
pub(super) use exchange::{Exchange, Fault, Patience};
pub(super) use pump::{Pumped, pump};

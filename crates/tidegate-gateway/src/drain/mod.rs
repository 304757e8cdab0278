//! How long-lived connections leave in order: where a WebSocket or an event stream may be ended without breaking
//! anything, when each of many is to go, and how it hears of it. `exchange` and `upstream` carry it out.

mod close;
mod events;
mod frames;
mod leaving;
mod schedule;

pub(crate) use close::{close_to_client, close_to_instance};
pub(crate) use events::Events;
pub(crate) use frames::Frames;
pub(crate) use leaving::{Leaving, Stay};
pub(crate) use schedule::Spread;

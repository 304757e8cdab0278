//! Everything Tidegate remembers, in SQLite.
//!
//! One thread of the control plane owns the [`Store`] and is the only writer; everyone else opens a [`Reader`] on the
//! same file. All reading methods live on [`Reader`]; [`Store`] and [`Tx`] deref to it, so code that takes `&Reader`
//! works on a reader's own connection, inside a transaction, and on the `:memory:` store of the simulation.
//!
//! Rows are the core's own types as JSON beside the few plain columns they are looked up by: one file of `table/` per
//! family. The crate decides nothing, reads no clock and knows nothing of the world: what an action in the outbox
//! means is its caller's business.
//!
//! # What survives what
//!
//! A transaction is in the file when [`Store::transaction`] returns: `synchronous` is `FULL`. With `NORMAL` a kill
//! would lose nothing either, but a power cut could take back the last transactions, and three things must never go
//! back: an answer given to a user, an id that already names a directory, and the numbers that fence the world off
//! (generations, routing epochs: the gateway keeps its own copy of the newest). The price is one sync per transaction
//! that changes something; a pass that changes nothing writes nothing, because every `put_` leaves an equal row alone.

mod copy;
mod error;
mod file;
mod reader;
mod row;
mod schema;
mod store;
mod table;
mod transaction;

pub use error::StoreError;
pub use reader::Reader;
pub use store::{Checkpoint, Store};
pub use table::counters::Counter;
pub use table::events::{EVENTS_KEPT, EventFilter, StoredEvent};
pub use table::meta::ClockAnchor;
pub use transaction::Tx;

//! How a request finds its endpoint within an arm, and what keeps bad endpoints and overload from hurting: the decisions
//! alone, as small machines and tables. The gateway's `balance` shares them between its workers; it brings the time
//! (microseconds on a clock that never goes back) and the random numbers.

mod bound;
mod breaker;
mod budget;
mod ewma;
mod geo;
mod hash;
mod outlier;
mod ring;
mod rotation;
mod warmup;

pub use bound::bound;
pub use breaker::{Change, Circuit, Pass};
pub use budget::Budget;
pub use ewma::Ewma;
pub use geo::Point;
pub use hash::{hash, mix};
pub use outlier::{Verdict, Ward};
pub use ring::Ring;
pub use rotation::Rotation;
pub use warmup::warmth;

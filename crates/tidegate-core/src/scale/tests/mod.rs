//! Tests of the decision: by itself, over time under a load, and in what went wrong elsewhere.

mod elsewhere;
mod numbers;
mod rollouts;
mod sleep;
mod town;

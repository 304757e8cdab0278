//! YAML as a tree that knows where everything stands.
//!
//! serde stops at the first mistake and cannot say where a key stands; the readers in `raw` therefore walk this tree.
//! It is built from the events of serde-saphyr's parser. Aliases are expanded here, within a bound.

mod build;
mod node;
mod parse;
mod scalar;
mod tabs;

pub(crate) use node::{Entry, Key, Node, Value};
pub(crate) use parse::{parse, parse_deep, too_large};

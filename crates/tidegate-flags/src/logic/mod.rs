//! JsonLogic as flagd's evaluators understand it: a rule is compiled to a tree of nodes once and evaluated many times.
//!
//! Written for this use rather than taken from a library: the answers have to be those of flagd's own evaluators to the
//! letter (`null == ""` is false there, `"5" == 5` true, `"a" == 1` a failure), long lists of users are hash sets, a rule
//! that gives a boolean or the name of a variant allocates nothing, and `explain` can say what each part was. The operators
//! are those of flagd's schema for targeting rules.
//!
//! [`compile`] makes the nodes and computes what does not depend on the context; [`Node::evaluate`] does the rest. Neither
//! panics, whatever the rule: depth is limited when compiling, work when evaluating.

mod arithmetic;
mod compare;
mod compile;
mod evaluate;
mod iterate;
mod node;
mod number;
mod path;
mod scope;
mod text;
mod value;
mod version;

pub(crate) use compile::{Compiler, Evaluators};
pub(crate) use node::Node;
pub(crate) use scope::{Env, Scope, targeting_key};
pub(crate) use text::each_part;
pub(crate) use value::{Kind, Val};

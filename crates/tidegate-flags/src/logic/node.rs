//! The parts of a compiled rule.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde_json::Value;

use super::path::Path;
use crate::draw::Draw;

/// Text to look for, hashed. The hash is fixed: what is in it comes from the operator's file, never from who asks.
pub(crate) type TextSet = HashSet<Box<str>, FixedState>;

/// One part of a rule.
#[derive(Debug)]
pub(crate) enum Node {
    Literal(Value),
    List(Vec<Node>),
    /// An evaluator that several rules use.
    Shared(Arc<Node>),
    Var(Path, Option<Box<Node>>, Style),
    /// A `var` whose path is computed.
    VarAt(Args),
    Missing(Args),
    MissingSome(Args),
    If(Vec<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// The first item of a list; anything else as it is.
    First(Box<Node>),
    Truth(Box<Node>),
    Compare(Comparison, Vec<Node>, Style),
    Calculate(Calculation, Args),
    In(Box<Node>, Box<Node>),
    InSet(Box<Node>, TextSet),
    Cat(Vec<Node>, Style),
    CatOf(Box<Node>),
    Substr(Args),
    Merge(Args),
    Each(Iteration, Box<Node>, Box<Node>),
    Reduce(Box<[Node; 2]>, Option<Box<Node>>),
    StartsWith(Args),
    EndsWith(Args),
    SemVer(Args),
    Fractional(Box<Draw>),
}

/// The arguments of an operator: each by itself, or one expression that gives a list of them.
#[derive(Debug)]
pub(crate) enum Args {
    Each(Vec<Node>),
    Of(Box<Node>),
}

/// flagd's JavaScript evaluator has two ways to evaluate, and they differ in what null and mistakes come to. It interprets
/// what is inside an `if` without an `else`, and compiles the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Null in a `cat` is `null`; a default of `var` is for null, too; the right side of a comparison may be anything if it
    /// is a `var`.
    Compiled,
    /// Null in a `cat` is nothing; a default of `var` is for what is missing; both sides of a comparison have to fit; of a
    /// list, `!` asks for the first item.
    Interpreted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Greatest,
    Least,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Iteration {
    Map,
    Filter,
    All,
    Some,
    None,
}

impl Node {
    pub(crate) fn as_literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}

impl Args {
    /// Whether each of them is known when the rule is compiled.
    pub(super) fn are_literal(&self) -> bool {
        match self {
            Self::Each(nodes) => nodes.iter().all(|node| node.as_literal().is_some()),
            Self::Of(node) => node.as_literal().is_some(),
        }
    }
}

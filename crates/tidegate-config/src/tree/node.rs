//! The nodes of the tree.

use crate::span::Span;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A YAML value by the core schema of YAML 1.2. Numbers and booleans keep the spelling of the file.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(String),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was already reported; readers say nothing more about it.
    Reported,
}

/// One entry of a map.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
}

/// A key, as text.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
    /// Whether it stands in the file without quotes.
    pub(crate) plain: bool,
}

impl Node {
    /// How many nodes the subtree has.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| 1 + entry.value.size()).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Reported => 0,
        }
    }
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null | Value::Reported => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

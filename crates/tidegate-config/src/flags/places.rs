//! Where the parts of a flag file stand: JSON pointers as `tidegate-flags` names them, to places in the text.

use std::collections::BTreeMap;

use crate::span::Span;
use crate::tree::{Node, Value};

/// The places of a file by pointer: `/flags/new-cart/targeting/if/0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(BTreeMap<String, Span>);

impl Places {
    /// Adds a tree under a pointer. Of a member its key is the place, of an item the item.
    pub(crate) fn add(&mut self, pointer: &str, node: &Node) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    let pointer = format!("{pointer}/{}", escaped(&entry.key.text));
                    self.add(&pointer, &entry.value);
                    self.0.insert(pointer, entry.key.span);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    self.add(&pointer, item);
                    self.0.insert(pointer, item.span);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Reported => {}
        }
    }

    /// The place of what a pointer names, or of the nearest thing around it that has one.
    pub(crate) fn find(&self, pointer: &str) -> Option<Span> {
        let own = |pointer: &str| self.0.get(&in_words(pointer)).or_else(|| self.0.get(pointer)).copied();
        let mut pointer = pointer;
        loop {
            if let Some(span) = own(pointer) {
                return Some(span);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// A pointer of flagd's format as the manifest has it: metadata are keys of the flag there, and the default has another name.
fn in_words(pointer: &str) -> String {
    pointer.replacen("/metadata/", "/", 1).replacen("/defaultVariant", "/default", 1)
}

/// A key as it stands in a pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

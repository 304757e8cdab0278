//! What differs between two flag sets, as flagd tells its clients.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::flag::Flag;

/// One flag that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub key: String,
    /// How.
    pub kind: ChangeKind,
}

/// How a flag differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Write,
    /// It was there, and is another.
    Update,
    /// It is gone.
    Delete,
}

impl ChangeKind {
    /// As flagd's event stream spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Both lists are in order of their keys.
pub(crate) fn between(
    old: &[Arc<Flag>],
    new: &[Arc<Flag>],
    same: impl Fn(&Flag, &Flag) -> bool,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut change = |flag: &Flag, kind| changes.push(Change { key: flag.key.to_string(), kind });
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.key.cmp(&new.key),
        };
        let gone = if order.is_le() { old.next() } else { None };
        let here = if order.is_ge() { new.next() } else { None };
        match (gone, here) {
            (Some(gone), Some(here)) if !same(gone, here) => change(here, ChangeKind::Update),
            (Some(gone), None) => change(gone, ChangeKind::Delete),
            (None, Some(here)) => change(here, ChangeKind::Write),
            _ => {}
        }
    }
}

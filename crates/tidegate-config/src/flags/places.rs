//! Where the parts of a flag file stand: JSON pointers as `tidegate-flags` names them, to places in the text.
//!
//! The places are a tree like the file itself, walked by a pointer: pointers of their own would take as much memory as all
//! paths of a file written out, which a short file can have gigabytes of.

use std::collections::BTreeMap;

use crate::span::Span;
use crate::tree::{Node, Value};

/// The places of a file by pointer: `/flags/new-cart/targeting/if/0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Of this part; the whole has none, nor has what only its parts are known of.
    own: Option<Span>,
    inside: Option<Box<Inside>>,
}

/// The parts of a part. Flags in a list are found by their key as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Inside {
    members: BTreeMap<String, Places>,
    items: Vec<Places>,
}

impl Places {
    /// Adds a tree under a pointer. Of a member its key is the place, of an item the item.
    pub(crate) fn add(&mut self, pointer: &str, node: &Node) {
        let mut place = self;
        for name in names(pointer) {
            place = place.inside().members.entry(name).or_default();
        }
        place.fill(node);
    }

    fn fill(&mut self, node: &Node) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    let member = self.inside().members.entry(entry.key.text.clone()).or_default();
                    member.own = Some(entry.key.span);
                    member.fill(&entry.value);
                }
            }
            Value::List(items) => {
                let places = items.iter().map(|item| {
                    let mut place = Places { own: Some(item.span), inside: None };
                    place.fill(item);
                    place
                });
                self.inside().items = places.collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Reported => {}
        }
    }

    fn inside(&mut self) -> &mut Inside {
        self.inside.get_or_insert_default()
    }

    /// The place of what a pointer names, or of the nearest thing around it that has one.
    pub(crate) fn find(&self, pointer: &str) -> Option<Span> {
        let (in_words, literal) = (self.walk(&in_words(pointer)), self.walk(pointer));
        let nearest = if in_words.1 == 0 || in_words.1 < literal.1 { in_words } else { literal };
        nearest.0
    }

    /// The last place on the way, and how many names of the pointer are left there.
    fn walk(&self, pointer: &str) -> (Option<Span>, usize) {
        let (mut place, mut left) = (self, names(pointer).count());
        let mut found = (None, left);
        for name in names(pointer) {
            let Some(inner) = place.part(&name) else { break };
            left -= 1;
            if inner.own.is_some() {
                found = (inner.own, left);
            }
            place = inner;
        }
        found
    }

    fn part(&self, name: &str) -> Option<&Places> {
        let inside = self.inside.as_ref()?;
        inside.members.get(name).or_else(|| inside.items.get(name.parse::<usize>().ok()?))
    }
}

/// A pointer of flagd's format as the manifest has it: metadata are keys of the flag there, and the default has another name.
fn in_words(pointer: &str) -> String {
    pointer.replacen("/metadata/", "/", 1).replacen("/defaultVariant", "/default", 1)
}

/// The names in a pointer.
fn names(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// A key as it stands in a pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Findings;
    use crate::source::Source;
    use crate::tree;

    fn places(text: &str) -> Places {
        let source = Source::new("flags.json", text);
        let root = tree::parse_deep(&source, &mut Findings::new(&source)).unwrap();
        let mut places = Places::default();
        places.add("", &root);
        places
    }

    fn found<'t>(places: &Places, text: &'t str, pointer: &str) -> Option<&'t str> {
        places.find(pointer).map(|span| &text[span.start..span.end])
    }

    #[test]
    fn pointers_lead_to_keys_and_items_or_to_what_is_around_them() {
        let text = r#"{"flags": {"a/b~": {"targeting": {"if": [1, {"x": 2}]}, "metadata": {"owner": "o"}, "default": 3}}}"#;
        let places = places(text);
        for (pointer, there) in [
            ("", None),
            ("/segments/a", None),
            ("/flags/a~1b~0", Some("\"a/b~\"")),
            ("/flags/a~1b~0/targeting/if/0", Some("1")),
            ("/flags/a~1b~0/targeting/if/1/x", Some("\"x\"")),
            ("/flags/a~1b~0/targeting/if/7/x", Some("\"if\"")),
            ("/flags/a~1b~0/metadata/owner", Some("\"owner\"")),
            ("/flags/a~1b~0/metadata/safe", Some("\"metadata\"")),
            ("/flags/a~1b~0/defaultVariant", Some("\"default\"")),
            ("/flags/a~1b~0/variants", Some("\"a/b~\"")),
        ] {
            assert_eq!(found(&places, text, pointer), there, "{pointer}");
        }
    }

    /// Pointers to all these values, written out, are 15 GB.
    #[test]
    fn long_names_around_many_values_take_no_more_memory_than_the_file() {
        let (name, values) = ("x".repeat(1_000), vec!["0"; 250_000].join(","));
        let (open, close) = (format!(r#"{{"{name}": "#).repeat(60), "}".repeat(60));
        let text = format!("{open}[{values}]{close}");
        let places = places(&text);
        assert_eq!(found(&places, &text, &format!("{}/249999", format!("/{name}").repeat(60))), Some("0"));
    }
}

//! Builds the tree from parser events: aliases expanded within a bound, duplicate keys and tags reported.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Tag};

use super::scalar::resolve_plain;
use super::{Entry, Key, Node, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::span::Span;

/// The largest tree, aliases expanded. The largest sensible manifest has some thousands of nodes.
pub(super) const LARGEST: usize = 50_000;

/// The tree under construction.
pub(super) struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    /// Finished nodes by the number the parser gave their anchor.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    largest: usize,
    documents: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    tagged: bool,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Pending },
}

/// Whether a key waits for its value.
enum Pending {
    Nothing,
    Key(Key),
    /// The key was no word; its value is dropped.
    Unusable,
}

impl Builder {
    pub(super) fn new(largest: usize) -> Self {
        let (open, anchors) = (Vec::new(), BTreeMap::new());
        Builder { open, root: None, anchors, nodes: 0, largest, documents: 0 }
    }

    /// Takes the next event; `false` where going on is pointless, which has then been reported.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open and only nodes matter here")]
    pub(super) fn on_event(&mut self, event: Event<'_>, span: Span, findings: &mut Findings<'_>) -> bool {
        match event {
            Event::DocumentStart(..) => return self.on_document(span, findings),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = scalar(text.into_owned(), plain, tag, span, findings);
                return self.add(Node { span, value }, anchor, plain, findings);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Inside::List(Vec::new()), anchor, tag, span, findings);
            }
            Event::MappingStart(_, anchor, tag) => {
                let inside = Inside::Map { entries: Vec::new(), key: Pending::Nothing };
                self.begin(inside, anchor, tag, span, findings);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.end(span, findings),
            Event::Alias(anchor) => return self.on_alias(anchor, span, findings),
            Event::UnresolvedAlias(name) => {
                report_alias(&name, span, findings);
                return self.add(Node { span, value: Value::Reported }, 0, false, findings);
            }
            // Marks that are no nodes; the parser may learn to report more of them.
            _ => {}
        }
        true
    }

    pub(super) fn finish(self) -> Option<Node> {
        self.root
    }

    fn on_document(&mut self, span: Span, findings: &mut Findings<'_>) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            findings.push(
                Diagnostic::error(codes::SEVERAL_DOCUMENTS, "a second YAML document begins here")
                    .at(span, "")
                    .help("a manifest is one document: remove the `---` and what follows, or make it another app"),
            );
        }
        self.documents == 1
    }

    fn begin(
        &mut self,
        inside: Inside,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: Span,
        findings: &mut Findings<'_>,
    ) {
        let tagged = tag.is_some_and(|tag| {
            let known = tag.is_yaml_core_schema_tag("map") || tag.is_yaml_core_schema_tag("seq");
            if !known {
                report_tag(&tag, span, findings);
            }
            !known
        });
        self.open.push(Open { start: span.start, anchor, tagged, inside });
    }

    fn end(&mut self, span: Span, findings: &mut Findings<'_>) -> bool {
        let Some(open) = self.open.pop() else { return true };
        let value = match open.inside {
            Inside::List(items) => Value::List(items),
            Inside::Map { entries, .. } => Value::Map(without_duplicates(entries, findings)),
        };
        let value = if open.tagged { Value::Reported } else { value };
        self.add(Node { span: Span::new(open.start, span.end), value }, open.anchor, false, findings)
    }

    fn on_alias(&mut self, anchor: usize, span: Span, findings: &mut Findings<'_>) -> bool {
        let Some(node) = self.anchors.get(&anchor) else {
            findings.push(
                Diagnostic::error(codes::ALIAS, "this alias stands inside the value it refers to")
                    .at(span, ""),
            );
            return self.add(Node { span, value: Value::Reported }, 0, false, findings);
        };
        // Measured before it is copied: an alias bomb is refused, not expanded.
        let size = node.size();
        if self.nodes + size > self.largest {
            return refuse_size(self.largest, span, findings);
        }
        let node = node.clone();
        self.nodes += size - 1;
        self.add(node, 0, false, findings)
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize, plain: bool, findings: &mut Findings<'_>) -> bool {
        self.nodes += 1;
        if self.nodes > self.largest {
            return refuse_size(self.largest, node.span, findings);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
            self.nodes += node.size();
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(node),
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map { entries, key }) => match std::mem::replace(key, Pending::Nothing) {
                Pending::Nothing => *key = as_key(node, plain, findings),
                Pending::Key(key) => entries.push(Entry { key, value: node }),
                Pending::Unusable => {}
            },
        }
        true
    }
}

fn refuse_size(largest: usize, span: Span, findings: &mut Findings<'_>) -> bool {
    let message = format!("the manifest expands to more than {largest} values here");
    findings.push(
        Diagnostic::error(codes::TOO_COMPLEX, message)
            .at(span, "")
            .help("write values out instead of nesting aliases, or split the app"),
    );
    false
}

fn scalar(
    text: String,
    plain: bool,
    tag: Option<Cow<'_, Tag>>,
    span: Span,
    findings: &mut Findings<'_>,
) -> Value {
    match tag {
        Some(tag) if tag.is_yaml_core_schema_tag("str") => Value::Text(text),
        Some(tag) => {
            report_tag(&tag, span, findings);
            Value::Reported
        }
        None if plain => resolve_plain(text),
        None => Value::Text(text),
    }
}

fn as_key(node: Node, plain: bool, findings: &mut Findings<'_>) -> Pending {
    let span = node.span;
    let text = match node.value {
        Value::Text(text) | Value::Number(text) | Value::Bool(text) => text,
        Value::Null if span.end > span.start => "null".to_owned(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            findings.push(
                Diagnostic::error(codes::BAD_KEY, "a key is to be a word")
                    .at(span, "not a word")
                    .help("a text that begins with `{`, `[` or `?` needs quotes around it"),
            );
            return Pending::Unusable;
        }
        Value::Reported => return Pending::Unusable,
    };
    if plain && text == "<<" {
        findings.push(
            Diagnostic::error(codes::MERGE_KEY, "the merge key `<<` is not part of YAML 1.2")
                .at(span, "")
                .help("write the keys out, or give a whole value an alias: `env: *common`"),
        );
        return Pending::Unusable;
    }
    Pending::Key(Key { text, span, plain })
}

/// The first of each key; the others are reported.
fn without_duplicates(entries: Vec<Entry>, findings: &mut Findings<'_>) -> Vec<Entry> {
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        match first.get(&entry.key.text) {
            None => {
                first.insert(entry.key.text.clone(), entry.key.span);
                kept.push(entry);
            }
            Some(span) => findings.push(
                Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    format!("the key {} stands twice", quote(&entry.key.text)),
                )
                .at(entry.key.span, "here again")
                .at(*span, "here first")
                .help("remove one of them, or put what they say into one"),
            ),
        }
    }
    kept
}

fn report_alias(name: &str, span: Span, findings: &mut Findings<'_>) {
    let message = format!(
        "{} is read as a YAML alias, and no anchor of that name stands before it",
        quote(&format!("*{name}"))
    );
    findings.push(
        Diagnostic::error(codes::ALIAS, message)
            .at(span, "")
            .help("a text that begins with `*` needs quotes, like \"*.example.com\"; an alias needs `&` and its name before"),
    );
}

fn report_tag(tag: &Tag, span: Span, findings: &mut Findings<'_>) {
    let message = format!("the tag {} has no meaning in a manifest", quote(&tag.original()));
    findings.push(Diagnostic::error(codes::TAG, message).at(span, "tagged value").help("remove the tag"));
}

//! Changes definitions of flags in the text they stand in: what is not meant stays as it is written, comments and layout too.
//!
//! Called by `tidegate flag export`, which has the changed files read as a whole before it shows them: what cannot be changed in
//! place here comes out as another document there, or is named in [`Edited::left`].

mod definition;
mod diff;
mod spelling;

use tidegate_core::model::FlagKey;
use tidegate_core::release::WrittenBack;

use self::definition::Definition;
use crate::findings::Findings;
use crate::source::Source;
use crate::tree;

/// A file whose definitions were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Its text from then on.
    pub text: String,
    /// Flags whose definition is not written so that it can be changed in place: by an alias, say.
    pub left: Vec<FlagKey>,
    before: String,
    edits: Vec<Edit>,
}

/// What stands in a range of bytes from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

/// Changes definitions in the text of a manifest, or of a flag file.
pub fn edited(source: &Source, is_manifest: bool, changes: &[(FlagKey, WrittenBack)]) -> Edited {
    // Both are read before they are changed: mistakes were told then.
    let root = tree::parse_deep(source, &mut Findings::new(source));
    let (mut edits, mut left) = (Vec::new(), Vec::new());
    for (key, change) in changes {
        let definition =
            root.as_ref().and_then(|root| Definition::find(root, key, &source.text, is_manifest));
        match definition.and_then(|definition| definition.changed(change)) {
            Some(made) => edits.extend(made),
            None => left.push(key.clone()),
        }
    }
    edits.sort_by_key(|edit: &Edit| (edit.start, edit.end));
    Edited { text: applied(&source.text, 0, &edits), left, before: source.text.clone(), edits }
}

impl Edited {
    /// The change as a unified diff, which `git apply` takes in the folder that `path` is relative to. Empty where nothing is
    /// changed.
    pub fn diff(&self, path: &str) -> String {
        diff::unified(path, &self.before, &self.edits)
    }
}

/// A part of a text that begins at `offset` of the whole, with the edits that are within it, in order.
fn applied(part: &str, offset: usize, edits: &[Edit]) -> String {
    let (mut text, mut at) = (String::with_capacity(part.len()), 0);
    for edit in edits {
        let (start, end) = (edit.start - offset, edit.end - offset);
        text.push_str(part.get(at..start).unwrap_or_default());
        text.push_str(&edit.text);
        at = end.max(at);
    }
    text.push_str(part.get(at..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests;

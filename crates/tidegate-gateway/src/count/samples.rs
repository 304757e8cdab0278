//! The newest bad answers of an instance, so that a verdict about it can be looked up in logs. Nobody waits here: where two
//! workers come at once, one of the two samples is not kept.

use std::collections::VecDeque;
use std::sync::Mutex;

use tidegate_core::model::BadRequest;

/// Kept of one instance.
const MOST: usize = 3;
/// Longer ids and paths are cut: clients choose them.
const LONGEST: usize = 120;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<VecDeque<BadRequest>>);

impl Samples {
    pub(super) fn add(&self, id: &[u8], path: &str, status: u16) {
        let Ok(mut kept) = self.0.try_lock() else { return };
        if kept.len() == MOST {
            kept.pop_front();
        }
        let id = String::from_utf8_lossy(id);
        kept.push_back(BadRequest { id: cut(&id), path: cut(path), status, instance: None });
    }

    /// Oldest first.
    pub(super) fn all(&self) -> Vec<BadRequest> {
        self.0.try_lock().map(|kept| kept.iter().cloned().collect()).unwrap_or_default()
    }
}

/// What goes on one line of any terminal.
fn cut(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_none_is_long() {
        let samples = Samples::default();
        for id in 0..10 {
            samples.add(format!("id-{id}").as_bytes(), &"/long".repeat(1_000), 500);
        }
        samples.add(b"id\xff\x1b[2J", "/a\nb", 0);
        let kept = samples.all();
        assert_eq!(kept.len(), MOST);
        assert_eq!((kept[0].id.as_str(), kept[0].path.len()), ("id-8", LONGEST));
        assert_eq!((kept[2].id.as_str(), kept[2].path.as_str()), ("id\u{fffd}[2J", "/ab"));
    }
}

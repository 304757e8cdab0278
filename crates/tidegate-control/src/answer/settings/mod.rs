//! Settings of routes and services in words, for people who are to agree to a change. Secrets are in none of them.

mod route;
mod traffic;

pub(super) use route::of_route;
pub(super) use traffic::of_traffic;

/// One setting that is on.
pub(super) struct Setting {
    /// Its key in the manifest.
    key: &'static str,
    /// What it says, on one line.
    words: String,
    /// What the words leave out: compared, never shown.
    hidden: String,
}

impl Setting {
    fn new(key: &'static str, words: impl ToString) -> Self {
        Setting { key, words: words.to_string(), hidden: String::new() }
    }

    /// The same, of a value that has more in it than the words say.
    fn hiding(self, value: impl std::fmt::Debug) -> Self {
        Setting { hidden: format!("{value:?}"), ..self }
    }
}

/// What differs between two lists of settings, a line each.
pub(super) fn differences(old: &[Setting], new: &[Setting]) -> Vec<String> {
    let find = |settings: &'_ [Setting], key: &str| settings.iter().position(|other| other.key == key);
    let gone = old.iter().filter(|setting| find(new, setting.key).is_none());
    let mut lines: Vec<String> = gone.map(|setting| format!("{} is removed", setting.key)).collect();
    for Setting { key, words, hidden } in new {
        match find(old, key).map(|at| &old[at]) {
            None => lines.push(format!("{key}: {words}")),
            Some(before) if before.words != *words => {
                lines.push(format!("{key}: {} → {words}", before.words));
            }
            Some(before) if before.hidden != *hidden => {
                lines.push(format!("{key}: values that are not shown change"));
            }
            Some(_) => {}
        }
    }
    lines
}

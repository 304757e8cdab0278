//! Puts the guesses together: what language it is, and what a Procfile says over that.

use super::{FolderFacts, Guess, node, others, procfile, python};

const UNKNOWN: &str = "echo \"replace this by the command that starts the app on port $PORT\" && exit 1";

/// The first language that recognises the folder; a Procfile's processes replace its own.
pub(super) fn detect(facts: &FolderFacts) -> Guess {
    let languages: [fn(&FolderFacts) -> Option<Guess>; 7] = [
        python::detect,
        others::detect_ruby,
        others::detect_go,
        others::detect_rust,
        others::detect_php,
        node::detect,
        others::detect_static,
    ];
    let language = languages.iter().find_map(|detect| detect(facts));
    let mut guess = language.unwrap_or_else(|| nothing_recognised(facts));
    if let Some(declared) = procfile::read(facts) {
        guess.processes = declared.processes;
        guess.migrate = declared.migrate;
        guess.notes = declared.notes;
    }
    if facts.has("Dockerfile") {
        guess
            .notes
            .push("The Dockerfile is not used: this version runs processes, not containers.".to_owned());
    }
    guess
}

fn nothing_recognised(facts: &FolderFacts) -> Guess {
    let guess = Guess::web(UNKNOWN);
    if facts.has("Procfile") {
        return guess;
    }
    guess.note("No language was recognised: write the command that starts the app to `services.web.run`.")
}

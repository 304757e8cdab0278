//! The processes a Procfile declares.

use super::{FolderFacts, Guess, Process};

/// The Procfile's processes; `None` where there is no Procfile or nothing in it. Names become valid ones.
pub(super) fn read(facts: &FolderFacts) -> Option<Guess> {
    let mut guess = Guess::default();
    for line in facts.text("Procfile")?.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some((name, run)) = line.split_once(':') else { continue };
        let (Some(name), run) = (crate::raw::nearest_name(name), run.trim()) else { continue };
        let name = String::from(name);
        if run.is_empty() || run.contains('\0') || run.len() > 4096 || guess.processes.len() >= 50 {
            continue;
        }
        if name == "release" {
            guess.migrate = Some(run.to_owned());
        } else if guess.processes.iter().all(|process| process.name != name) {
            guess.processes.push(Process { name, run: run.to_owned() });
        }
    }
    let declared = guess.processes.len();
    let note = format!(
        "{declared} service(s) come from the Procfile, which is not read where a tidegate.yaml stands."
    );
    (declared > 0).then(|| guess.note(note))
}

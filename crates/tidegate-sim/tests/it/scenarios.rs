use std::fs;
use std::path::Path;

/// Each `scenarios/NAME.txt` gives the session kept in `scenarios/NAME.session`. `UPDATE_SCENARIOS=1` writes them anew.
#[test]
fn every_scenario_gives_its_session() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut scripts: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    scripts.sort();
    assert!(scripts.len() >= 10, "the scenarios are there");
    let mut wrong = Vec::new();
    for script in scripts {
        let session = match tidegate_sim::scenario::play(&fs::read_to_string(&script).unwrap()) {
            Ok(session) => session,
            Err(error) => {
                wrong.push(format!("{}:\n{error}", script.display()));
                continue;
            }
        };
        let kept = script.with_extension("session");
        if std::env::var_os("UPDATE_SCENARIOS").is_some() {
            fs::write(&kept, &session).unwrap();
        }
        if fs::read_to_string(&kept).ok().as_deref() != Some(session.as_str()) {
            wrong.push(format!("{} gives another session:\n{session}", script.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

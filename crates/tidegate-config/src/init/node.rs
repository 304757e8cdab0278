//! Node.

use super::{FolderFacts, Guess};

const ENTRIES: [&str; 4] = ["server.js", "app.js", "index.js", "main.js"];

/// An app with a package.json, or with a JavaScript file of a usual name.
pub(super) fn detect(facts: &FolderFacts) -> Option<Guess> {
    let entry = ENTRIES.into_iter().find(|name| facts.has(name));
    let Some(text) = facts.text("package.json") else {
        let entry = entry?;
        let note = format!("Node without a package.json: `web` runs {entry}; it must listen on $PORT.");
        return Some(Guess::web(format!("node {entry}")).note(note));
    };
    let package: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let script = |name: &str| package["scripts"][name].as_str().filter(|script| !script.trim().is_empty());
    let main = package["main"].as_str().filter(|main| is_plain_path(main)).or(entry);
    let run = match (script("start"), main) {
        (Some(_), _) => "npm start".to_owned(),
        (None, Some(main)) => format!("node {main}"),
        (None, None) => return None,
    };
    let note = format!("Node: `web` runs `{run}`; it must listen on $PORT.");
    Some(Guess::web(run).build(build_command(facts, script("build").is_some())).note(note))
}

fn build_command(facts: &FolderFacts, has_build: bool) -> String {
    let install = if facts.has("pnpm-lock.yaml") {
        "pnpm install --frozen-lockfile"
    } else if facts.has("yarn.lock") {
        "yarn install --frozen-lockfile"
    } else if facts.has("package-lock.json") {
        "npm ci"
    } else {
        "npm install"
    };
    let tool = install.split(' ').next().unwrap_or("npm");
    if has_build { format!("{install} && {tool} run build") } else { install.to_owned() }
}

/// Whether a path from a file can stand in a command without quotes.
fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b))
        && !path.starts_with('-')
}

//! The import law: which crate may use which. Decisions (core) know of nothing; siblings do not know each other.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Trouble;

/// What each crate may use; every crate may use those at the bottom, which use nothing.
const LAW: [(&str, &[&str]); 13] = [
    ("tidegate-core", &[]),
    ("tidegate-flags", &[]),
    ("tidegate-os", &[]),
    ("tidegate-config", &[]),
    ("tidegate-policy", &[]),
    ("tidegate-store", &[]),
    ("tidegate-backend", &[]),
    ("tidegate-flag-server", &[]),
    ("tidegate-gateway", &[]),
    ("tidegate-control", &["tidegate-store", "tidegate-backend", "tidegate-config", "tidegate-policy"]),
    ("tidegate-backup", &["tidegate-store"]),
    ("tidegate-api", &["tidegate-control", "tidegate-config"]),
    (
        "tidegate-sim",
        &["tidegate-store", "tidegate-backend", "tidegate-config", "tidegate-gateway", "tidegate-control"],
    ),
];
const BOTTOM: [&str; 3] = ["tidegate-core", "tidegate-flags", "tidegate-os"];
/// The binary puts everything together, but for the simulation.
const TOP: &str = "tidegate";

/// One crate that uses another, not for its tests only.
type Edge = (String, String);

/// The edges that break the law.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    Ok(broken(&edges(root)?))
}

fn edges(root: &Path) -> Result<Vec<Edge>, Trouble> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(cargo).current_dir(root).args(args).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten().filter(|p| in_crates(p)) {
        let uses = package["dependencies"].as_array().into_iter().flatten();
        let inside = uses.filter(|used| used["path"].is_string() && used["kind"] != "dev");
        edges.extend(inside.map(|used| (text(&package["name"]), text(&used["name"]))));
    }
    Ok(edges)
}

/// Programs beside the product (`bench/`, `xtask`) may use what they like.
fn in_crates(package: &Value) -> bool {
    text(&package["manifest_path"]).contains("/crates/")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn broken(edges: &[Edge]) -> Vec<String> {
    let breaks = edges.iter().filter(|(user, used)| !allowed(user, used));
    breaks.map(|(user, used)| format!("the import law: {user} must not use {used}")).collect()
}

fn allowed(user: &str, used: &str) -> bool {
    if user == TOP {
        return used != "tidegate-sim";
    }
    let of_user = LAW.iter().find(|(name, _)| *name == user).map_or(&[][..], |(_, uses)| uses);
    of_user.contains(&used) || (BOTTOM.contains(&used) && !BOTTOM.contains(&user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_keeps_the_law() {
        let edges = edges(&crate::root()).unwrap();
        assert!(edges.contains(&("tidegate".to_owned(), "tidegate-api".to_owned())), "no edges were read");
        assert_eq!(broken(&edges), Vec::<String>::new());
    }

    #[test]
    fn siblings_and_ways_up_are_refused() {
        for (user, used) in [
            ("tidegate-core", "tidegate-os"),
            ("tidegate-flags", "tidegate-os"),
            ("tidegate-store", "tidegate-config"),
            ("tidegate-policy", "tidegate-store"),
            ("tidegate-core", "tidegate-policy"),
            ("tidegate-gateway", "tidegate-backend"),
            ("tidegate-control", "tidegate-gateway"),
            ("tidegate-backend", "tidegate-control"),
            ("tidegate-sim", "tidegate-api"),
            ("tidegate", "tidegate-sim"),
            ("tidegate-something-new", "tidegate-store"),
        ] {
            assert!(!allowed(user, used), "{user} may use {used}");
        }
    }
}

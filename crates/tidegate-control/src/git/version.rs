//! Whether there is a git binary, and one that is new enough.

use std::process::Command;

use tidegate_core::view::{DoctorFinding, Severity};

/// The oldest that can do what is asked of it: `proc-receive`, and branches to fetch on standard input.
const OLDEST: (u32, u32) = (2, 29);

/// What `doctor` says of it.
pub fn finding() -> DoctorFinding {
    let said = Command::new("git").arg("--version").output();
    judged(said.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

fn judged(said: Option<String>) -> DoctorFinding {
    let (severity, message) = match &said {
        None => (Severity::Warning, "there is no `git` on this machine".to_owned()),
        Some(said) => match version(said) {
            Some(found) if found >= OLDEST => (Severity::Ok, said.clone()),
            Some(_) => (Severity::Warning, format!("{said} is too old")),
            None => (Severity::Warning, format!("`git --version` says `{said}`, which is no version")),
        },
    };
    let help =
        format!("install git {}.{} or newer: pushes and repositories elsewhere need it", OLDEST.0, OLDEST.1);
    let help = (severity != Severity::Ok).then_some(help);
    DoctorFinding { severity, check: "git".to_owned(), message, help }
}

/// Of `git version 2.47.3`, and what makers of systems add to it.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_git_is_told_of() {
        let severity = |said: &str| judged(Some(said.to_owned())).severity;
        assert_eq!(severity("git version 2.47.3"), Severity::Ok);
        assert_eq!(severity("git version 2.39.5 (Apple Git-154)"), Severity::Ok);
        assert_eq!(severity("git version 3.0.0"), Severity::Ok);
        for bad in ["git version 2.28.1", "git version 1.99.0", "hub 2.30", ""] {
            assert_eq!(severity(bad), Severity::Warning, "{bad}");
        }
        assert!(judged(None).help.is_some());
    }
}

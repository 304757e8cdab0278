//! `tidegate audit` as text. Whatever people wrote is shown so that it steers no terminal.

use tidegate_core::audit::{Deed, shown};
use tidegate_core::view::{AuditPage, AuditRow, AuditVerdict};

use super::table::table;

/// A line an entry, the newest first.
pub fn audit(page: &AuditPage) -> String {
    if page.entries.is_empty() {
        return "there are no such entries\n".to_owned();
    }
    let rows: Vec<[String; 7]> = page.entries.iter().map(row).collect();
    let mut text = table(["SEQ", "AT", "WHO", "FROM", "WHAT", "WHERE", "OUTCOME"], &rows);
    if let Some(next) = page.next {
        text.push_str(&format!("there are earlier ones: `tidegate audit list --before {next}`\n"));
    }
    text
}

fn row(row: &AuditRow) -> [String; 7] {
    let Some(entry) = &row.entry else {
        let nothing = || "-".to_owned();
        let altered = "it cannot be read: somebody altered it".to_owned();
        return [row.seq.to_string(), nothing(), nothing(), nothing(), altered, nothing(), nothing()];
    };
    let deed = &entry.deed;
    [
        row.seq.to_string(),
        row.at.clone(),
        who(deed),
        deed.from.to_string(),
        what(deed),
        place(deed),
        shown(&deed.outcome.to_string()),
    ]
}

/// Who it was, and what they called themselves where that is something else.
fn who(deed: &Deed) -> String {
    let doer = deed.doer();
    match deed.with.get("by") {
        Some(by) if *by != doer => format!("{} (as {})", shown(&doer), shown(by)),
        Some(_) | None => shown(&doer),
    }
}

fn what(deed: &Deed) -> String {
    let with = deed.with.iter().filter(|(name, _)| name.as_str() != "by");
    let with: String = with.map(|(name, value)| format!(" {name}={}", shown(value))).collect();
    let change = match (&deed.before, &deed.after) {
        (Some(before), Some(after)) => format!(": {} → {}", shown(before), shown(after)),
        (None, Some(after)) => format!(": {}", shown(after)),
        (Some(before), None) => format!(": {} → nothing", shown(before)),
        (None, None) => String::new(),
    };
    let why = deed.why.as_ref().map(|why| format!(" ({})", shown(why))).unwrap_or_default();
    format!("{}{with}{change}{why}", shown(&deed.command))
}

fn place(deed: &Deed) -> String {
    match (&deed.app, &deed.environment) {
        (Some(app), Some(environment)) => format!("{app}/{environment}"),
        (Some(app), None) => app.to_string(),
        (None, Some(environment)) => format!("?/{environment}"),
        (None, None) => "-".to_owned(),
    }
}

/// That it is whole, and what to keep elsewhere.
pub fn audit_verdict(verdict: &AuditVerdict) -> String {
    let head = verdict.head.as_ref().map(|head| format!("  head  {head}\n")).unwrap_or_default();
    format!("{}\n{head}", verdict.message)
}

#[cfg(test)]
mod tests {
    use tidegate_core::access::{Action, Caller};
    use tidegate_core::audit::{Entry, Outcome, begin};

    use super::*;

    #[test]
    fn what_people_wrote_steers_nothing() {
        let deed = Deed::new(Action::Operate, "scale")
            .by(&Caller::owner(0))
            .with("by", "ann\x1b[2J")
            .with("instances", 3)
            .because(Some("a\nb"))
            .changed(Some("auto"), Some("3"))
            .ended(Outcome::Done);
        let entry = Entry { seq: 7, at_ms: 0, prev: begin(""), deed };
        let hash = entry.link().unwrap().hash;
        let whole = AuditRow { seq: 7, at: "1970-01-01T00:00:00.000Z".to_owned(), hash, entry: Some(entry) };
        let altered = AuditRow { seq: 6, at: String::new(), hash, entry: None };
        let text = audit(&AuditPage { entries: vec![whole, altered], next: Some(6) });
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("owner (as ann\\u{1b}[2J)"), "{text}");
        assert!(text.contains("scale instances=3: auto → 3 (a\\u{a}b)"), "{text}");
        assert!(text.contains("somebody altered it"), "{text}");
    }
}

//! A warning that is about several things, by their names.

use tidegate_core::view::{DoctorFinding, Severity};

/// Names in one line of `doctor`.
const MOST_NAMED: usize = 10;

/// The warning of a check, in a line: what is wrong, and of which; `None` where it is wrong of none.
pub(super) fn named<'a>(
    check: &str,
    what: &str,
    names: impl IntoIterator<Item = &'a String>,
    help: &str,
) -> Option<DoctorFinding> {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    let (first, rest) = names.split_at(names.len().min(MOST_NAMED));
    if first.is_empty() {
        return None;
    }
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    Some(DoctorFinding {
        severity: Severity::Warning,
        check: check.to_owned(),
        message: format!("{what} {}{more}", first.join(", ")),
        help: Some(help.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_others_counted() {
        let names: Vec<String> = (1..=12).map(|number| format!("web-{number}")).collect();
        let message =
            |many: usize| named("traffic", "left out:", &names[..many], "look").map(|told| told.message);
        assert_eq!(message(0), None);
        assert_eq!(message(2).unwrap(), "left out: web-1, web-2");
        let ten = "left out: web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8, web-9, web-10";
        assert_eq!(message(10).unwrap(), ten);
        assert_eq!(message(12).unwrap(), format!("{ten} and 2 more"));
    }
}

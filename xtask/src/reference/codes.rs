//! The page of error codes: what `tidegate explain CODE` says of each.

/// The page.
pub fn page() -> String {
    let mut page = format!(
        "# Error codes\n\nWhat `tidegate explain CODE` says of each. {}\n\n| code | what it means |\n|---|---|\n",
        super::MADE
    );
    for code in tidegate_config::codes() {
        page += &format!("| `{}` | {} |\n", code.id, code.explanation.replace('|', "\\|"));
    }
    for (code, explanation) in tidegate_control::codes() {
        page += &format!("| `{code}` | {} |\n", explanation.replace('|', "\\|"));
    }
    page
}

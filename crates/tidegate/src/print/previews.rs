//! `tidegate preview` and `tidegate env` as text.

use tidegate_core::view::{LeavingView, PreviewList, PreviewView};

use super::table::{or_dash, table};
use super::text::harmless;

/// A line for each preview.
pub fn previews(list: &PreviewList) -> String {
    if list.previews.is_empty() {
        return "there are no previews; a push to a branch of an environment with `preview` makes one\n"
            .to_owned();
    }
    let rows: Vec<_> = list.previews.iter().map(row).collect();
    table(["ENVIRONMENT", "BRANCH", "COMMIT", "PUSHED", "GOES", "URL"], &rows)
}

fn row(preview: &PreviewView) -> [String; 6] {
    [
        preview.environment.clone(),
        harmless(&preview.branch),
        or_dash(preview.commit.as_deref().map(|commit| commit.chars().take(12).collect::<String>())),
        minute(&preview.pushed),
        if preview.leaving.is_some() { "now".to_owned() } else { minute(&preview.goes) },
        or_dash(preview.urls.first()),
    ]
}

/// What `status` says of a preview.
pub(super) fn preview_line(preview: &PreviewView) -> String {
    format!(
        "preview of {}, pushed {}, goes {}\n",
        harmless(&preview.branch),
        minute(&preview.pushed),
        minute(&preview.goes)
    )
}

/// That an environment goes.
pub fn leaving(left: &LeavingView) -> String {
    let LeavingView { app, environment } = left;
    format!("{environment} of {app} is being taken down; `tidegate events` says when it is gone\n")
}

/// `2026-01-31 12:00`, of `2026-01-31T12:00:00.000Z`.
fn minute(time: &str) -> String {
    time.chars().take(16).collect::<String>().replace('T', " ")
}

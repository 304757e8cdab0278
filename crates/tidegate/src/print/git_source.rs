//! `tidegate git sources` as text.

use tidegate_core::time::Millis;
use tidegate_core::view::{GitConnected, GitSourceList, GitSourceView};

use super::table::{or_dash, table};
use super::text::harmless;

/// A line for each repository, and what is wrong with those that cannot be read.
pub fn git_sources(list: &GitSourceList) -> String {
    if list.sources.is_empty() {
        return "no app follows a repository elsewhere; `tidegate git connect URL` connects one\n".to_owned();
    }
    let rows: Vec<_> = list.sources.iter().map(row).collect();
    let failing = list.sources.iter().filter_map(|source| Some((source, source.error.as_ref()?)));
    let notes: String = failing.map(|(source, error)| note(source, error)).collect();
    table(["APP", "REPOSITORY", "BRANCHES", "POLL", "OPENED BY", "STATE", "LOOKED AT", "LAST WEBHOOK"], &rows)
        + &notes
}

fn row(source: &GitSourceView) -> [String; 8] {
    let branches = if source.branches.is_empty() { "all".to_owned() } else { source.branches.join(" ") };
    let hook = source.hook.as_ref().map(|hook| format!("{} {}", hook.host, hook.at));
    [
        source.app.clone(),
        source.url.clone(),
        branches,
        or_dash(source.poll_seconds.map(span)),
        source.access.clone(),
        source.state.clone(),
        or_dash(source.looked_at.as_ref()),
        or_dash(hook),
    ]
}

fn note(source: &GitSourceView, error: &str) -> String {
    let next =
        source.next_look_seconds.map_or(String::new(), |seconds| format!("; again in {}", span(seconds)));
    format!("{}: failed {} times, the last time: {}{next}\n", source.app, source.failures, harmless(error))
}

fn span(seconds: f64) -> Millis {
    Millis::seconds(seconds.max(0.0).round() as u64)
}

/// What was connected, and what to type at the host.
pub fn git_connected(connected: &GitConnected) -> String {
    let GitConnected { secret, source } = connected;
    let poll =
        source.poll_seconds.map_or("not polled".to_owned(), |poll| format!("looked at every {}", span(poll)));
    let secret = match secret {
        Some(secret) => format!("  secret   {secret}   (shown this once)\n"),
        None => "  secret   that of your file\n".to_owned(),
    };
    format!(
        "{} follows {}, {poll}\n  webhook  https://HOST{}   where HOST leads to this machine's API\n{secret}",
        source.app, source.url, source.hook_path
    )
}

//! Who types a command, for the timeline: a name, not a proof.

/// Their name, or the number of their user.
pub fn asks() -> String {
    let name = ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
    let mut named = name.filter(|name| !name.is_empty());
    named.next().unwrap_or_else(|| format!("user {}", tidegate_os::process::own_user().uid))
}

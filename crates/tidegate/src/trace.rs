//! What Tidegate's own processes log about their own workings, on standard error. `TIDEGATE_LOG` chooses what, like `debug`
//! or `tidegate_gateway=debug`; warnings and errors where it is not set.

use tracing_subscriber::EnvFilter;

/// Begins to log. For the long-running processes only: commands talk to their user.
pub fn begin() {
    let filter = EnvFilter::try_from_env("TIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second call changes nothing. What cannot be written, on a full disk, is left out: telling of that would panic for the same reason.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .with_ansi(false)
        .try_init();
}

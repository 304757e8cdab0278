//! A line of JSON each second, for whoever shows the run live.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Duration;

use crate::config::Progress;
use crate::tally::Tally;

/// Writes lines until it is dropped. Trouble with the destination ends the lines, not the run.
pub async fn report(destination: Progress, tally: &Mutex<Tally>) -> io::Result<()> {
    let mut sink: Box<dyn Write + Send> = match destination {
        Progress::Off => return std::future::pending().await,
        Progress::Stderr => Box::new(io::stderr()),
        Progress::File(path) => Box::new(File::create(path)?),
    };
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.tick().await;
    for second in 1u64.. {
        ticks.tick().await;
        let line = line(second, &mut tally.lock().expect("no holder of this lock can panic"));
        sink.write_all(line.as_bytes())?;
        sink.flush()?;
    }
    Ok(())
}

/// One line: counts of the second that is over, and totals.
fn line(second: u64, tally: &mut Tally) -> String {
    let recent = &tally.recent;
    let line = serde_json::json!({
        "second": second,
        "sent": recent.sent,
        "ok": recent.ok,
        "failed": recent.failed,
        "in_flight": tally.sent - tally.ok - tally.failed,
        "p50_ms": recent.latency.quantile_ms(0.5),
        "p99_ms": recent.latency.quantile_ms(0.99),
        "revisions": recent.revisions,
        "total": { "sent": tally.sent, "ok": tally.ok, "failed": tally.failed, "retried": tally.retried },
    });
    tally.recent.clear();
    format!("{line}\n")
}

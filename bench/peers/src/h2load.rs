//! HTTP/2 by h2load: the run, and what it says of it.

use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use tidegate_load::histogram::Histogram;

use crate::case::HOST;
use crate::drive::Driver;
use crate::figures::Figures;
use crate::running::Running;

/// The length of each answer.
const LENGTH: u64 = 1024;
/// Requests at a time on each connection.
const STREAMS: &str = "10";

/// What is asked of h2load.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What the path begins with.
    pub path: &'a str,
    /// With TLS.
    pub secure: bool,
    /// Connections.
    pub connections: usize,
    /// How long; `None`: one request.
    pub last: Option<Duration>,
}

/// What h2load says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Said {
    seconds: f64,
    total: u64,
    /// Answered to the end, with a status under 400.
    succeeded: u64,
    /// Heads with a status of 2xx.
    good: u64,
    body_bytes: u64,
}

/// Whether it is installed.
pub fn is_installed() -> bool {
    Command::new("h2load").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs it on a proxy, with the apps served.
pub fn run(driver: &mut Driver, running: &Running, run: Run<'_>) -> io::Result<Figures> {
    let requests = running.place.dir.join("h2load.requests");
    // Not every version begins a new file.
    if requests.exists() {
        fs::remove_file(&requests)?;
    }
    let mut command = command(running, run);
    command
        .arg("--log-file")
        .arg(&requests)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let before = running.process.cpu();
    let mut child = command.spawn()?;
    driver.serve_until(|| Ok(child.try_wait()?.is_some()))?;
    let cpu = running.process.cpu().saturating_sub(before).as_secs_f64();
    let output = child.wait_with_output()?;
    let said = parse(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| io::Error::other("h2load did not finish: no connection, or another protocol"))?;
    let latency = latencies(&fs::read_to_string(&requests).unwrap_or_default());
    let (p50_ms, p99_ms) = (latency.quantile_ms(0.5), latency.quantile_ms(0.99));
    let good = said.succeeded as f64;
    let (per_cpu_second, rate) = (if cpu > 0.0 { good / cpu } else { 0.0 }, good / said.seconds);
    Ok(Figures { per_cpu_second, busy: cpu / said.seconds, rate, p50_ms, p99_ms, troubles: troubles(said) })
}

fn command(running: &Running, run: Run<'_>) -> Command {
    let (scheme, to) = if run.secure { ("https", running.place.secure) } else { ("http", running.place.h2c) };
    let mut command = Command::new("h2load");
    command.arg(format!("--connect-to={to}")).arg(format!("--clients={}", run.connections));
    match run.last {
        Some(last) => command.arg(format!("--duration={}", last.as_secs_f64())).arg("-m").arg(STREAMS),
        None => command.args(["-n", "1"]),
    };
    command.arg(format!("{scheme}://{HOST}{}/bytes/{LENGTH}", run.path));
    command
}

fn troubles(said: Said) -> Vec<String> {
    let mut all = Vec::new();
    // The end of the run cuts requests off whose head is counted already.
    let answered = said.succeeded.min(said.good);
    if answered < said.total {
        all.push(format!("{} failed", said.total - answered));
    }
    if said.body_bytes < answered * LENGTH {
        all.push(format!("{} bytes in {answered} answers", said.body_bytes));
    }
    if answered == 0 {
        all.push("no request answered".into());
    }
    all
}

/// `finished in 2.01s, …`, `requests: N total, …`, `status codes: N 2xx, …`, `traffic: … (N) data`.
fn parse(text: &str) -> Option<Said> {
    let line = |begin: &str| text.lines().find_map(|line| line.strip_prefix(begin));
    let first = |rest: &str| rest.split_whitespace().next()?.parse::<u64>().ok();
    let requests =
        |kind: &str| line("requests: ")?.split(", ").find_map(|part| first(part.strip_suffix(kind)?));
    let lasted = line("finished in ")?.split(',').next()?;
    let traffic = line("traffic: ")?.rsplit_once(')')?.0.rsplit_once('(')?.1;
    Some(Said {
        seconds: seconds(lasted)?,
        total: requests(" done")?,
        succeeded: requests(" succeeded")?,
        good: line("status codes: ").and_then(first)?,
        body_bytes: traffic.parse().ok()?,
    })
}

/// `2.01s`, `310.20ms`, `95us`.
fn seconds(text: &str) -> Option<f64> {
    let units = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)];
    units.iter().find_map(|(unit, worth)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * worth))
}

/// A line a request: its start, its status, its microseconds.
fn latencies(lines: &str) -> Histogram {
    let mut histogram = Histogram::default();
    let all = lines.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse().ok());
    all.for_each(|us| histogram.record(Duration::from_micros(us)));
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "finished in 310.20ms, 64475.18 req/s, 66.66MB/s
requests: 20010 total, 20005 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 20003 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 20.68MB (21681280) total, 175.78KB (180000) headers (space savings 93.53%), 19.53MB (20480000) data
";

    #[test]
    fn what_h2load_says_is_understood() {
        let said = parse(TEXT).unwrap();
        assert_eq!(
            said,
            Said { seconds: 0.3102, total: 20_000, succeeded: 20_000, good: 20_003, body_bytes: 20_480_000 }
        );
        assert!(troubles(said).is_empty());
        assert_eq!(troubles(Said { succeeded: 19_999, ..said }), ["1 failed"]);
        assert_eq!(parse("connection refused"), None);
    }

    #[test]
    fn the_log_of_requests_gives_latencies() {
        let histogram = latencies("1700000000000000\t200\t1500\n1700000000000001\t200\t2500\n");
        assert!((histogram.quantile_ms(0.5) - 1.5).abs() < 0.05);
        assert!((histogram.max_ms() - 2.5).abs() < 0.01);
    }
}

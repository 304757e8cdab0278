//! The command line of the load generator: options as typed, then what they mean.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use tidegate_load::config::{Config, EchoCheck, Progress};
use tidegate_load::run::run;
use tidegate_load::target::{Target, TargetError};

/// Puts load on an HTTP/1.1 server and accounts for every request.
///
/// Exits 0 when every request was answered well and once, 1 when one was not, 2 when the run could not be made.
/// A GET whose reused connection was closed before any answer is sent once more and counted as retried; a POST fails.
#[derive(Debug, Parser)]
#[command(name = "tidegate-load", version)]
struct Options {
    /// http://HOST:PORT/PATH; the path is that of ordinary GETs
    #[arg(long)]
    url: String,
    /// Host header, when it is not that of the URL
    #[arg(long)]
    host: Option<String>,
    /// Requests a second, on a timetable that does not wait for answers
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Length of the run; with --until-file its longest length [default: 10, with --until-file 3600]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// End the run when this file exists
    #[arg(long, value_name = "PATH")]
    until_file: Option<PathBuf>,
    /// Most connections kept open between requests
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Percent of requests that have a connection of their own
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    fresh_percent: f64,
    /// Percent of requests that POST 1 MiB
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    large_percent: f64,
    /// Percent of slow requests: half ask for the slow path, half send their body in slow pieces
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    slow_percent: f64,
    /// Percent of requests that POST 512 bytes
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    post_percent: f64,
    /// Percent of GETs of the bytes path
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    bytes_percent: f64,
    /// Longest time of one request in seconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    timeout: u32,
    /// Path of POSTs
    #[arg(long, default_value = "/echo")]
    echo_path: String,
    /// What the answer to a POST has to be: the body, something that contains it, or anything
    #[arg(long, value_enum, default_value = "exact")]
    echo_check: EchoCheck,
    /// Path of slow answers
    #[arg(long, default_value = "/slow?ms=500")]
    slow_path: String,
    /// Path of answers whose length is the number at the end of the path
    #[arg(long, default_value = "/bytes/65536")]
    bytes_path: String,
    /// Header that carries the unique id of each request; empty for none
    #[arg(long, default_value = "x-load-id")]
    id_header: String,
    /// Folder in which the app logs the ids it has handled: finds requests handled twice or not at all
    #[arg(long, value_name = "DIR")]
    seen_log: Option<PathBuf>,
    /// Count a GET on a stale connection as failed instead of sending it again
    #[arg(long)]
    no_retry: bool,
    /// Header, or key in a JSON body, that names the revision; may be repeated
    #[arg(long, default_values = ["tidegate-revision", "x-app-version"])]
    revision_header: Vec<String>,
    /// A line of JSON each second, to PATH or standard error
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "-")]
    progress: Option<String>,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let value = text.trim_end_matches('%').parse::<f64>().ok();
    value.filter(|v| (0.0..=100.0).contains(v)).ok_or_else(|| "write a number from 0 to 100".to_owned())
}

impl Options {
    fn config(self) -> Result<Config, TargetError> {
        let target = Target::resolve(&self.url, self.host.as_deref())?;
        let longest = if self.until_file.is_some() { 3600 } else { 10 };
        let last = Duration::from_secs(self.seconds.unwrap_or(longest).into());
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Config {
            until_file: self.until_file,
            connections: self.connections as usize,
            fresh_percent: self.fresh_percent,
            large_percent: self.large_percent,
            slow_percent: self.slow_percent,
            post_percent: self.post_percent,
            bytes_percent: self.bytes_percent,
            timeout: Duration::from_secs(self.timeout.into()),
            bytes_length: self.bytes_path.rsplit('/').next().and_then(|text| text.parse().ok()),
            echo_path: self.echo_path,
            echo_check: self.echo_check,
            slow_path: self.slow_path,
            bytes_path: self.bytes_path,
            id_header: (!self.id_header.is_empty()).then_some(self.id_header),
            run_name: format!("{:x}", clock.as_millis()),
            seen_log: self.seen_log,
            retry: !self.no_retry,
            revision_headers: self.revision_header,
            progress: match self.progress.as_deref() {
                None => Progress::Off,
                Some("-") => Progress::Stderr,
                Some(path) => Progress::File(path.into()),
            },
            ..Config::new(target, self.rate.into(), last)
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let json = options.json;
    let config = match options.config() {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    let report = match run(config).await {
        Ok(report) => report,
        Err(error) => return fail(&format!("cannot read the app's logs of ids: {error}")),
    };
    let text = if json { serde_json::json!(report).to_string() + "\n" } else { report.to_string() };
    if let Err(error) = std::io::stdout().write_all(text.as_bytes()) {
        return fail(&error);
    }
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("tidegate-load: {error}");
    ExitCode::from(2)
}

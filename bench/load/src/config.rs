//! What a run is to do, in its final meaning: `main.rs` makes it from the command line, tests make it by hand.

use std::path::PathBuf;
use std::time::Duration;

use crate::payload::Payload;
use crate::target::Target;
use crate::tls::Tls;

/// A run.
#[derive(Debug)]
pub struct Config {
    /// Where to.
    pub target: Target,
    /// Under TLS, by this.
    pub tls: Option<Tls>,
    /// Requests a second, over 0.
    pub rate: f64,
    /// The run ends after this time at the latest.
    pub last: Duration,
    /// The run ends when this file exists.
    pub until_file: Option<PathBuf>,
    /// Most requests in flight on kept connections.
    pub connections: usize,
    /// Share of requests on a connection of their own.
    pub fresh_percent: f64,
    /// Share of `POST`s of 1 MiB.
    pub large_percent: f64,
    /// Share of slow requests, half of them slow answers and half bodies sent in slow pieces.
    pub slow_percent: f64,
    /// Share of small `POST`s.
    pub post_percent: f64,
    /// Share of `GET`s of `bytes_path`.
    pub bytes_percent: f64,
    /// Longest time of one request, its connection and retry included.
    pub timeout: Duration,
    /// Path of `POST`s.
    pub echo_path: String,
    /// How the answer to a `POST` is judged.
    pub echo_check: EchoCheck,
    /// Path of slow answers.
    pub slow_path: String,
    /// Path of answers of a known length.
    pub bytes_path: String,
    /// That length.
    pub bytes_length: Option<u64>,
    /// Header that carries a unique id.
    pub id_header: Option<String>,
    /// What all ids of this run begin with.
    pub run_name: String,
    /// Folder with the ids that the app has handled.
    pub seen_log: Option<PathBuf>,
    /// Whether a `GET` that met a stale connection is sent once more.
    pub retry: bool,
    /// Headers (or keys of a JSON body) that name the revision, in order of preference.
    pub revision_headers: Vec<String>,
    /// Where a line of JSON goes each second.
    pub progress: Progress,
    /// The bodies.
    pub payload: Payload,
    /// Seed of the mix.
    pub seed: u64,
}

/// How the answer to a `POST` is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EchoCheck {
    /// It is the body sent.
    Exact,
    /// It contains the body sent.
    Contains,
    /// Not at all.
    Ignore,
}

/// Where a line of JSON goes each second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nowhere.
    Off,
    /// Standard error.
    Stderr,
    /// This file, replaced at the start.
    File(PathBuf),
}

impl Config {
    /// A run of plain `GET`s with the defaults of the command line.
    pub fn new(target: Target, rate: f64, last: Duration) -> Self {
        Config {
            target,
            tls: None,
            rate,
            last,
            until_file: None,
            connections: 64,
            fresh_percent: 0.0,
            large_percent: 0.0,
            slow_percent: 0.0,
            post_percent: 0.0,
            bytes_percent: 0.0,
            timeout: Duration::from_secs(30),
            echo_path: "/echo".to_owned(),
            echo_check: EchoCheck::Exact,
            slow_path: "/slow?ms=500".to_owned(),
            bytes_path: "/bytes/65536".to_owned(),
            bytes_length: Some(65_536),
            id_header: Some("x-load-id".to_owned()),
            run_name: "run".to_owned(),
            seen_log: None,
            retry: true,
            revision_headers: vec!["tidegate-revision".to_owned(), "x-app-version".to_owned()],
            progress: Progress::Off,
            payload: Payload::new(1),
            seed: 1,
        }
    }

    /// The id of a request's attempt: `RUN-SEQUENCE-ATTEMPT`.
    pub fn id(&self, sequence: u64, attempt: u8) -> String {
        format!("{}-{sequence}-{attempt}", self.run_name)
    }
}

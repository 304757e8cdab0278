//! What a gateway tells, as it is asked to at start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::Sample;

/// What a gateway tells of the requests it serves. The default: nothing but its counts on the control socket.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// Where requests are written down, if they are.
    pub access_log: Option<AccessLog>,
    /// What is done with `traceparent`.
    pub trace: TraceMode,
    /// Where `/metrics` is served, if it is. Whoever can connect can read them: no address users reach.
    pub metrics: Option<SocketAddr>,
}

/// An access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Where to.
    pub to: LogTarget,
    /// Which requests.
    pub sample: Sample,
    /// Whether with the query of the request's target.
    pub query: bool,
    /// From how many bytes on the next file is begun.
    pub rotate_bytes: u64,
    /// How many earlier files are kept, as `<file>.1`, the newest, and so on.
    pub keep: u32,
}

impl AccessLog {
    /// Every request, 100 MiB a file, five of them kept, no query.
    pub fn new(to: LogTarget) -> Self {
        AccessLog { to, sample: Sample::All, query: false, rotate_bytes: 100 * 1024 * 1024, keep: 5 }
    }
}

/// Where an access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// To the process's standard output.
    Stdout,
    /// To a file, which is made where it is missing.
    File(PathBuf),
}

/// What is done with `traceparent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceMode {
    /// It goes through as it came.
    #[default]
    Pass,
    /// The gateway takes part in every trace, and begins one where there is none.
    Make,
}

/// A word that is none of those there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct ObserveError {
    given: String,
    wanted: &'static str,
}

impl FromStr for TraceMode {
    type Err = ObserveError;

    fn from_str(word: &str) -> Result<Self, ObserveError> {
        match word {
            "pass" => Ok(TraceMode::Pass),
            "make" => Ok(TraceMode::Make),
            _ => Err(ObserveError { given: word.to_owned(), wanted: "`pass` or `make`" }),
        }
    }
}

impl FromStr for Sample {
    type Err = ObserveError;

    fn from_str(word: &str) -> Result<Self, ObserveError> {
        let wrong =
            || ObserveError { given: word.to_owned(), wanted: "`all`, `errors` or a share like `1%`" };
        match word {
            "all" => return Ok(Sample::All),
            "errors" => return Ok(Sample::Below(0)),
            _ => {}
        }
        let percent: f64 = word.strip_suffix('%').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        match percent {
            100.0 => Ok(Sample::All),
            0.0..100.0 => Ok(Sample::Below((percent / 100.0 * u64::MAX as f64) as u64)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_as_typed() {
        assert_eq!("all".parse(), Ok(Sample::All));
        assert_eq!("100%".parse(), Ok(Sample::All));
        assert_eq!("errors".parse(), Ok(Sample::Below(0)));
        assert_eq!("0.5%".parse(), Ok(Sample::Below((0.005 * u64::MAX as f64) as u64)));
        for wrong in ["", "1", "%", "-1%", "101%", "NaN%", "inf%", "ALL"] {
            assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
        }
    }
}

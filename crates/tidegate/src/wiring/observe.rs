//! What the gateway is to tell of requests: options of `tidegate up`, which hands them to the gateway as they are.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

use clap::Args;
use tidegate_core::units::ByteSize;
use tidegate_gateway::{AccessLog, LogTarget, Observe, ObserveError, Sample, TraceMode};

/// As typed.
#[derive(Clone, Debug, Args)]
pub struct ObserveArgs {
    /// Where requests are written down, one JSON object a line: a file, `-` for standard output, or `none`
    #[arg(long, value_name = "FILE", default_value = "none")]
    access_log: OsString,
    /// Which requests: `all`, `errors` or a share like `1%`; answers from 500 on always
    #[arg(long, value_name = "SHARE", default_value = "all")]
    access_log_sample: TypedSample,
    /// Write down queries as well
    #[arg(long)]
    access_log_query: bool,
    /// From which size on the next file is begun
    #[arg(long, value_name = "SIZE", default_value = "100MiB")]
    access_log_size: ByteSize,
    /// How many earlier files are kept
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=1_000))]
    access_log_keep: u32,
    /// Where the gateway itself serves `/metrics`, with no token asked for
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// What is done with `traceparent`: `pass` it on as it came, or `make` the gateway take part in traces
    #[arg(long, value_name = "HOW", default_value = "pass")]
    trace: TraceMode,
}

/// A sample, and the word for it.
#[derive(Clone, Debug)]
struct TypedSample {
    word: String,
    sample: Sample,
}

impl FromStr for TypedSample {
    type Err = ObserveError;

    fn from_str(word: &str) -> Result<Self, ObserveError> {
        Ok(TypedSample { word: word.to_owned(), sample: word.parse()? })
    }
}

impl ObserveArgs {
    /// What it means to a gateway.
    pub fn observe(&self) -> Observe {
        let to = match self.access_log.to_str() {
            Some("none") => None,
            Some("-") => Some(LogTarget::Stdout),
            _ => Some(LogTarget::File((&self.access_log).into())),
        };
        let access_log = to.map(|to| AccessLog {
            sample: self.access_log_sample.sample,
            query: self.access_log_query,
            rotate_bytes: self.access_log_size.0.max(1),
            keep: self.access_log_keep,
            ..AccessLog::new(to)
        });
        Observe { access_log, trace: self.trace, metrics: self.metrics }
    }

    /// As options of `tidegate gateway`, which runs in another directory.
    pub fn typed(&self) -> io::Result<Vec<OsString>> {
        let access_log = match self.access_log.to_str() {
            Some("none" | "-") => self.access_log.clone(),
            _ => std::path::absolute(Path::new(&self.access_log))?.into(),
        };
        let trace = if self.trace == TraceMode::Make { "make" } else { "pass" };
        let mut typed: Vec<OsString> =
            vec!["--access-log".into(), access_log, "--trace".into(), trace.into()];
        typed.extend(["--access-log-sample".into(), self.access_log_sample.word.clone().into()]);
        typed.extend(["--access-log-size".into(), format!("{}B", self.access_log_size.0).into()]);
        typed.extend(["--access-log-keep".into(), self.access_log_keep.to_string().into()]);
        typed.extend(self.access_log_query.then(|| "--access-log-query".into()));
        if let Some(metrics) = self.metrics {
            typed.extend(["--metrics".into(), metrics.to_string().into()]);
        }
        Ok(typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        observe: ObserveArgs,
    }

    fn parsed(args: &[OsString]) -> ObserveArgs {
        let program = OsString::from("x");
        Line::try_parse_from(std::iter::once(&program).chain(args)).unwrap().observe
    }

    #[test]
    fn what_up_hands_on_means_the_same_to_the_gateway() {
        for line in [
            "",
            "--access-log -",
            "--access-log /a --access-log-sample 1% --access-log-query --access-log-size 1MiB",
            "--access-log /a --access-log-keep 0 --metrics 127.0.0.1:9 --trace make",
        ] {
            let up = parsed(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
            let gateway = parsed(&up.typed().unwrap());
            assert_eq!(format!("{:?}", gateway.observe()), format!("{:?}", up.observe()), "{line}");
        }
    }

    #[test]
    fn a_relative_file_is_where_up_runs() {
        let up = parsed(&["--access-log".into(), "here.log".into()]);
        let here = std::env::current_dir().unwrap().join("here.log");
        assert!(up.typed().unwrap().contains(&here.into_os_string()));
    }

    #[test]
    fn a_wrong_sample_is_told() {
        let error = Line::try_parse_from(["x", "--access-log-sample", "some"]).err().unwrap().to_string();
        assert!(error.contains("`some` is not `all`, `errors` or a share"), "{error}");
    }
}

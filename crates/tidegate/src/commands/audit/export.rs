//! `tidegate audit export`: the log as a file that is read and verified without a server.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_api::Client;
use tidegate_core::audit::{Anchor, Line, Link};

use super::since;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only since then: a span like 7d, or a moment like 2026-12-01T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<u64>,
    /// Where to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Asks and writes.
pub fn run(args: &ExportArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let from = args.since.unwrap_or(0);
    let head = match &args.output {
        None => {
            let mut out = Out::new();
            let head = session.wait(written(&client, from, |line| out.line(line).map(drop)))?;
            out.flush()?;
            head
        }
        Some(path) => to_file(path, |write| session.wait(written(&client, from, write)))?,
    };
    print::to_stderr(&format!("the log is at {head}\n"));
    Ok(Exit::DONE)
}

/// Whole or not at all, and for nobody else to read.
fn to_file(
    path: &Path,
    fill: impl FnOnce(&mut dyn FnMut(&str) -> Result<(), Failure>) -> Result<Anchor, Failure>,
) -> Result<Anchor, Failure> {
    let trouble = |error: std::io::Error| {
        Failure::environment(
            format!("cannot write {}: {error}", path.display()),
            "name another file: `-o FILE`",
        )
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder).map_err(trouble)?);
    let head = fill(&mut |line| writeln!(file, "{line}").map_err(trouble))?;
    let file = file.into_inner().map_err(|error| trouble(error.into_error()))?;
    file.as_file().sync_all().map_err(trouble)?;
    file.persist(path).map_err(|error| trouble(error.error))?;
    Ok(head)
}

/// Writes the entries from a time on, and how far the log had come then. The last entry is always there: it is what the head is of.
async fn written(
    client: &Client,
    since_ms: u64,
    mut write: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Anchor, Failure> {
    let installation = client.audit_head().await?.head.installation;
    let (mut after, mut begun, mut last) = (0, since_ms == 0, None::<Link>);
    loop {
        let page = client.audit_links(after).await?.all().await?;
        let Some(end) = page.last().map(|link| link.seq) else { break };
        after = end;
        for link in page {
            begun = begun || at_of(&link) >= since_ms;
            if begun {
                write(&Line::Entry(link.clone()).write())?;
            }
            last = Some(link);
        }
    }
    let head = match &last {
        Some(link) => Anchor { installation, seq: link.seq, hash: link.hash, at_ms: at_of(link) },
        None => Anchor::of_nothing(&installation, 0),
    };
    if let Some(link) = last.filter(|_| !begun) {
        write(&Line::Entry(link).write())?;
    }
    write(&Line::Head(head.clone()).write())?;
    Ok(head)
}

/// One that cannot be read is written as well.
fn at_of(link: &Link) -> u64 {
    link.entry().map_or(u64::MAX, |entry| entry.at_ms)
}

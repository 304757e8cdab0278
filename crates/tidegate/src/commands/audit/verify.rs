//! `tidegate audit verify`: reads the whole chain here, not where it is kept, and says the first thing that is wrong.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_api::Client;
use tidegate_core::audit::{Anchor, Broken, ExportReader, How, Verified, Verifier};
use tidegate_core::view::{AuditStanding, AuditVerdict};

use super::anchor;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// The longest line of a file: an entry has some kilobytes.
const LONGEST_LINE: u64 = 1 << 20;

/// As typed.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A file of `tidegate audit export`; no server is asked [default: the server's log]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How far the log was known to be: a file or its last line, like 17:9f86d081…; can be given more than once
    #[arg(long = "anchor", value_name = "FILE|SEQ:HASH")]
    anchors: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads and tells.
pub fn run(args: &VerifyArgs, session: &Session) -> Result<Exit, Failure> {
    let anchors = args.anchors.iter().map(|typed| anchor::of(typed)).collect::<Result<Vec<_>, _>>()?;
    let verdict = match &args.file {
        Some(path) => of_file(path, anchors)?,
        None => {
            let client = session.client()?;
            session.wait(of_server(&client, anchors))?
        }
    };
    if args.json {
        Out::new().json_pretty(&verdict)?;
        return Ok(if verdict.whole { Exit::DONE } else { Exit::MISTAKE });
    }
    if verdict.whole {
        return Out::new().text(&print::audit_verdict(&verdict));
    }
    let help = "somebody wrote to the log besides Tidegate: keep it as it is, and compare it with an export from before";
    Err(Failure::mistake(print::harmless(&verdict.message), help))
}

async fn of_server(client: &Client, anchors: Vec<Anchor>) -> Result<AuditVerdict, Failure> {
    let standing = client.audit_head().await?;
    let here = &standing.head.installation;
    if let Some(anchor) = anchors.iter().find(|one| !one.installation.is_empty() && one.installation != *here)
    {
        return Ok(wrong(0, Broken { seq: anchor.seq, how: How::Foreign }));
    }
    let known = anchors.into_iter().chain(standing.sealed.clone());
    let mut verifier = known.fold(Verifier::of_all(here), Verifier::knowing);
    let mut after = 0;
    loop {
        let page = client.audit_links(after).await?.all().await?;
        let Some(end) = page.last().map(|link| link.seq) else { break };
        after = end;
        for link in page {
            let last = verifier.expected() - 1;
            if let Err(broken) = verifier.push(link) {
                return Ok(wrong(last, broken));
            }
        }
    }
    let last = verifier.expected() - 1;
    Ok(match verifier.finish() {
        Err(broken) => wrong(last, broken),
        Ok(known) => believed(known, standing),
    })
}

/// A chain that is whole is not to be believed where the server knows better.
fn believed(known: Verified, standing: AuditStanding) -> AuditVerdict {
    if let Some(broken) = standing.broken {
        return wrong(known.last, broken);
    }
    let at_ms = standing.head.at_ms;
    let head = Anchor { installation: standing.head.installation, seq: known.last, hash: known.hash, at_ms };
    match standing.trouble {
        Some(trouble) => AuditVerdict { whole: false, message: trouble, ..right(known, head) },
        None => right(known, head),
    }
}

fn of_file(path: &Path, anchors: Vec<Anchor>) -> Result<AuditVerdict, Failure> {
    let trouble = |error: std::io::Error| {
        let message = format!("cannot read {}: {error}", path.display());
        Failure::mistake(message, "name a file of `tidegate audit export`")
    };
    let mut file = BufReader::new(File::open(path).map_err(trouble)?);
    let (mut reader, mut last, mut line) = (ExportReader::new(anchors), 0, Vec::new());
    loop {
        line.clear();
        let read = file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(trouble)?;
        if read == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        if let Err(broken) = reader.push(text.trim_end()) {
            return Ok(wrong(last, broken));
        }
        last = reader.last();
    }
    Ok(match reader.finish() {
        Err(broken) => wrong(last, broken),
        Ok((known, head)) => right(known, head),
    })
}

fn right(known: Verified, head: Anchor) -> AuditVerdict {
    let Verified { first, last, unchecked, .. } = known;
    let all = match (first, last) {
        (0, _) => "the log is whole: it has no entry".to_owned(),
        (first, last) if first == last => format!("the log is whole: entry {first}"),
        (first, last) => format!("the log is whole: entries {first} to {last}"),
    };
    let message = if unchecked.is_empty() {
        all
    } else {
        let unchecked: Vec<String> = unchecked.iter().map(ToString::to_string).collect();
        format!("{all}; of anchors before that nothing is known: {}", unchecked.join(", "))
    };
    AuditVerdict { whole: true, first, last, head: Some(head), broken: None, message }
}

fn wrong(last: u64, broken: Broken) -> AuditVerdict {
    let message = format!("the log is not whole: {broken}");
    AuditVerdict { whole: false, first: last.min(1), last, head: None, broken: Some(broken), message }
}

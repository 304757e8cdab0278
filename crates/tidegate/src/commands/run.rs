//! `tidegate run`: a one-off command in the build and environment of a service.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use tidegate_api::Client;
use tidegate_api::wire::RunBody;
use tidegate_control::LogQuery;
use tidegate_core::model::{Exit as Ended, InstanceId, Name, RevisionNo};
use tidegate_core::view::LogLine;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::Out;
use crate::session::Session;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines of a page.
const PAGE: usize = 2_000;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate run web -- npm run migrate\n  \
                        tidegate run web --revision r3 -- sh -c 'echo $PORT | wc -c'\n\n\
                        Each word reaches the command as it is: for pipes and variables use `sh -c`. It exits with the \
                        command's exit code, or 128 and the number of the signal that ended it. Ctrl-C stops it.")]
pub struct RunArgs {
    /// Whose build and environment
    service: Name,
    /// At this revision [default: the stable one]
    #[arg(long, value_name = "rN")]
    revision: Option<RevisionNo>,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// The command
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Starts it, prints what it writes, ends as it ends.
pub fn run(args: RunArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let service = session.service(args.scope, args.service);
    let break_glass = args.glass.taken();
    let body = RunBody { revision: args.revision, command: shell_words(&args.command), break_glass };
    session.wait(async {
        let id = InstanceId(client.run(&service, &body).await?.id);
        tokio::select! {
            ended = follow(&client, &id) => return ended.and_then(exit_of),
            _ = tokio::signal::ctrl_c() => {}
        }
        client.run_stop(&id).await?;
        Ok(Exit(130))
    })
}

/// Words as one line for `sh -c` that gives the same words.
fn shell_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:,+@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Prints until the command has ended and all it wrote was printed.
async fn follow(client: &Client, id: &InstanceId) -> Result<Ended, Failure> {
    let mut cursor = None;
    loop {
        // Before the output: what was written until then is in the next pages.
        let view = client.run_view(id).await?;
        let printed = print_more(client, id, &mut cursor).await?;
        match view.exit {
            Some(ended) if !printed => return Ok(ended),
            Some(_) => {}
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Prints the next page; whether there was anything.
async fn print_more(client: &Client, id: &InstanceId, cursor: &mut Option<String>) -> Result<bool, Failure> {
    let query =
        LogQuery { unit: Some(id.clone()), cursor: cursor.clone(), most: PAGE, ..LogQuery::default() };
    let mut printed = false;
    for page in client.logs(query, false).await?.all().await? {
        *cursor = Some(page.cursor);
        printed |= !page.lines.is_empty();
        page.lines.iter().try_for_each(print)?;
    }
    Ok(printed)
}

fn print(line: &LogLine) -> Result<(), Failure> {
    if line.stream == "err" {
        let _ = writeln!(std::io::stderr(), "{}", line.line);
        return Ok(());
    }
    Out::new().line(&line.line).map(drop)
}

fn exit_of(ended: Ended) -> Result<Exit, Failure> {
    let code = match (ended.code, ended.signal) {
        (Some(code), _) => u8::try_from(code).ok(),
        (None, Some(signal)) => u8::try_from(128 + signal).ok(),
        (None, None) => None,
    };
    match code {
        Some(code) if ended.trouble.is_none() => {
            if ended.out_of_memory {
                crate::print::to_stderr(&format!("{ended}\n"));
            }
            Ok(Exit(code))
        }
        _ => Err(Failure::environment(format!("the command: {ended}"), "look at `tidegate doctor`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_shell_as_they_are() {
        let words = ["echo", "a b", "", "it's", "$HOME", "*", "a\nb", "\\", "--x=1", "é"].map(str::to_owned);
        let script = format!("printf '%s\\0' {}", shell_words(&words));
        let output = std::process::Command::new("/bin/sh").arg("-c").arg(script).output().unwrap();
        let expected: String = words.iter().map(|word| format!("{word}\0")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }

    #[test]
    fn it_ends_as_the_command_ended() {
        let code = |code, signal| exit_of(Ended { code, signal, ..Ended::default() });
        assert_eq!(code(Some(3), None).unwrap(), Exit(3));
        assert_eq!(code(None, Some(15)).unwrap(), Exit(143));
        assert!(code(None, None).is_err());
        assert!(exit_of(Ended::trouble("no such directory")).is_err());
    }
}

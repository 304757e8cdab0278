//! `tidegate backup`: the whole installation in one encrypted file, while it runs. Done on the files, by who may read them: the control
//! plane need not run, and is not asked.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use tidegate_backup::{
    BackupError, Checked, LastBackup, Made, Order, Recipients, Success, Unlock, Verified, back_up, file_name,
    make_key, recipients_of, verify,
};
use tidegate_core::units::ByteSize;
use tidegate_os::clock::unix_ms;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tidegate backup key > key.txt        once; keep the file somewhere else\n  tidegate backup -o \
                  /mnt/other/today.backup\n  tidegate backup verify /mnt/other/today.backup --identity key.txt\n\n`tidegate up \
                  --backup-dir DIR` makes them by itself; `tidegate restore` brings one back."
)]
pub struct BackupArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    make: MakeArgs,
}

/// What else there is to do with backups.
#[derive(Debug, Subcommand)]
enum What {
    /// Make the key that opens backups: its private part is printed once and kept nowhere
    Key(KeyArgs),
    /// Read a backup from its beginning to its end and compare every part of it
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct MakeArgs {
    /// The file [default: tidegate-TIME.backup in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Who can open it, by public key: age1… [default: the keys of `tidegate backup key`]
    #[arg(long = "recipient", value_name = "KEY", conflicts_with = "passphrase_file")]
    recipients: Vec<String>,
    /// Have it opened by a passphrase instead: the first line of this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The private key, to read it back whole once it is written
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// Put in what instances and jobs wrote to their output
    #[arg(long)]
    logs: bool,
    /// Put in what package tools and steps fetched
    #[arg(long)]
    caches: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// Make another one besides those there are
    #[arg(long)]
    more: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    unlock: UnlockArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct DataArgs {
    /// The data directory [default: as for the other commands]
    #[arg(long = "data", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What opens a backup.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct UnlockArgs {
    /// The private key: the file that `tidegate backup key` was printed into
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The passphrase: the first line of this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl UnlockArgs {
    /// Reads it.
    pub fn read(&self) -> Result<Unlock, Failure> {
        let read = match (&self.identity, &self.passphrase_file) {
            (Some(path), _) => Unlock::identities_in(path),
            (None, Some(path)) => Unlock::passphrase_in(path),
            (None, None) => {
                return Err(Failure::mistake(
                    "nothing opens it",
                    "name --identity FILE or --passphrase-file FILE",
                ));
            }
        };
        Ok(read?)
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let (message, help) = (error.to_string(), error.help());
        if error.is_mistake() { Failure::mistake(message, help) } else { Failure::environment(message, help) }
    }
}

/// Does what was typed.
pub fn run(args: BackupArgs, session: &Session) -> Result<Exit, Failure> {
    match args.what {
        None => make(&args.make, session),
        Some(What::Key(key)) => make_one_key(&key, session),
        Some(What::Verify(verify)) => look(&verify),
    }
}

fn data(typed: &DataArgs, session: &Session) -> Result<PathBuf, Failure> {
    let dir = typed.data.clone().or_else(|| session.data_dir()).ok_or_else(|| {
        let message = "a backup is made where the data directory is";
        Failure::mistake(message, "run it on the server itself: `tidegate backup --data DIR`")
    })?;
    if dir.join("tidegate.json").is_file() {
        return Ok(dir);
    }
    let message = format!("{} is no data directory of Tidegate", dir.display());
    Err(Failure::mistake(message, "name the one of `tidegate up`: `tidegate backup --data DIR`"))
}

fn make(args: &MakeArgs, session: &Session) -> Result<Exit, Failure> {
    let data = data(&args.data, session)?;
    let recipients = recipients(args, &data)?;
    let opens = args.identity.as_deref().map(Unlock::identities_in).transpose()?;
    let unix_ms = unix_ms();
    let to = args.output.clone().unwrap_or_else(|| file_name(unix_ms).into());
    let made = back_up(&Order {
        data: &data,
        to: &to,
        recipients: &recipients,
        opens: opens.as_ref(),
        logs: args.logs,
        caches: args.caches,
        version: env!("CARGO_PKG_VERSION"),
        unix_ms,
    })?;
    // What was made is good, whether or not doctor will know of it.
    let good = Success { unix_ms, file: made.file.clone(), bytes: made.bytes };
    if let Err(error) = LastBackup::succeeded(&data, good) {
        print::to_stderr(&format!("`tidegate doctor` will not know of it: {error}\n"));
    }
    if args.json.json {
        return Out::new().json_pretty(&made);
    }
    Out::new().text(&told(&made))
}

fn recipients(args: &MakeArgs, data: &Path) -> Result<Recipients, Failure> {
    if let Some(path) = &args.passphrase_file {
        return Ok(Recipients::passphrase_in(path)?);
    }
    if !args.recipients.is_empty() {
        return Ok(Recipients::parse(args.recipients.iter().map(String::as_str))?);
    }
    recipients_of(data)?.ok_or_else(|| {
        let help = "make one with `tidegate backup key > key.txt` and keep the file elsewhere, or name --recipient or --passphrase-file";
        Failure::mistake("there is no key to encrypt it for", help)
    })
}

fn told(made: &Made) -> String {
    let (size, content) = (ByteSize(made.bytes), ByteSize(made.content_bytes));
    let checked = match made.checked {
        Checked::Content => "read back and decrypted: every member is as it was",
        Checked::Bytes => {
            "read back: the file is as it was written. Its content is checked where its key is: `tidegate backup verify`"
        }
    };
    let mut text =
        format!("{}  {size}, {} members of {content}\n{checked}\n", made.file.display(), made.members);
    if !made.absent.is_empty() {
        text.push_str(&format!("builds that are known and not there: {}\n", made.absent.join(", ")));
    }
    text
}

#[derive(Serialize)]
struct KeyMade<'a> {
    recipient: &'a str,
    identity: &'a str,
}

fn make_one_key(args: &KeyArgs, session: &Session) -> Result<Exit, Failure> {
    let data = data(&args.data, session)?;
    let key = make_key(&data, args.more)?;
    print::to_stderr(&format!(
        "public key: {}\nThe private key is printed this once and kept nowhere. Without it no backup can be opened: keep it off this \
         machine.\n",
        key.recipient
    ));
    if args.json.json {
        return Out::new().json_pretty(&KeyMade { recipient: &key.recipient, identity: key.expose() });
    }
    Out::new().text(&format!("# public key: {}\n{}\n", key.recipient, key.expose()))
}

fn look(args: &VerifyArgs) -> Result<Exit, Failure> {
    let verified = verify(&args.file, &args.unlock.read()?)?;
    if args.json.json {
        return Out::new().json_pretty(&verified);
    }
    Out::new().text(&described(&args.file, &verified))
}

/// A whole backup in words.
pub fn described(file: &Path, verified: &Verified) -> String {
    let content = ByteSize(verified.content_bytes);
    let age = ago(verified.made_unix_ms);
    format!(
        "{} is whole\n  made     {age} by tidegate {}\n  of       {}\n  content  {} members of {content}, schema {}\n",
        file.display(),
        verified.tidegate,
        verified.data.display(),
        verified.members,
        verified.schema
    )
}

/// How long ago something was, roughly.
pub fn ago(then_unix_ms: u64) -> String {
    let minutes = unix_ms().saturating_sub(then_unix_ms) / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..=119 => format!("{minutes} min ago"),
        120..=2_879 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

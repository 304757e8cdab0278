//! How an app comes to follow a repository, and how it ends: checked and tried by the API's thread, then entered by the control loop
//! in one transaction. Until then nothing has changed, and nothing is left behind where it is refused.

use std::io;
use std::path::Path;

use tidegate_core::audit::Deed;
use tidegate_core::event::Event;
use tidegate_core::model::{GitSource, Name, SourceAccess, SourceState};
use tidegate_core::pipeline::Pattern;
use tidegate_core::source::{SourceAddress, Transport, changes};
use tidegate_core::view::{GitConnected, GitSourceView};
use tidegate_store::Store;

use super::{ConnectSource, follows_nothing, keys, short, unreadable, view};
use crate::answer::store_trouble;
use crate::audit::deeds;
use crate::engine::Time;
use crate::flag_key::random;
use crate::git::Remote;
use crate::handle::Handle;
use crate::hook::HookSecret;
use crate::plane::{Refusal, RefusalKind};

/// The most repositories that are followed.
const MOST: usize = 500;
/// The longest token, key or list of hosts, in bytes.
const LONGEST: usize = 32 << 10;
/// The longest name that goes with a token, in bytes.
const LONGEST_USER: usize = 128;
const ID_BYTES: usize = 6;

/// Connects.
pub(super) fn connect(handle: &Handle, request: ConnectSource) -> Result<GitConnected, Refusal> {
    let deed = deeds::git_connect(&request);
    let connected = connect_by(handle, request, &deed);
    // What the loop refused is entered by now, and so is what it did.
    handle.or_noted_once(&deed, connected)
}

fn connect_by(handle: &Handle, request: ConnectSource, deed: &Deed) -> Result<GitConnected, Refusal> {
    let address = address_of(&request)?;
    let access = access_of(&request, &address)?;
    let chosen = request.secret.as_ref().map(|text| chosen(text.reveal())).transpose()?;
    let made = chosen.is_none();
    let secret = match chosen {
        Some(secret) => secret,
        None => HookSecret::made().map_err(|error| unkept(&error))?,
    };
    let source = GitSource {
        app: request.app.clone(),
        id: format!("c{}", random::<ID_BYTES>().map_err(|error| unkept(&error))?),
        address: address.to_string(),
        branches: patterns(&request.branches)?,
        poll: poll_of(&request)?,
        access,
        by: short(&request.by),
        made_at_unix_ms: 0,
        state: SourceState::default(),
    };
    keys::keep(handle.data(), &source.id, &secret, &request).map_err(|error| unkept(&error))?;
    let entered = tried(handle.data(), &source, address).and_then(|()| {
        let entering = source.clone();
        handle.change(deed.clone(), move |world, time| enter(world.store, time, entering))
    });
    let before = entered.inspect_err(|_| forget(handle.data(), &source.id))?;
    if let Some(before) = before {
        forget(handle.data(), &before.id);
    }
    let secret = made.then(|| secret.reveal().to_owned());
    Ok(GitConnected { secret, source: view::one(handle, &source.app)? })
}

/// Ends it.
pub(super) fn disconnect(handle: &Handle, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
    let deed = deeds::of_source("git disconnect", app, by);
    let told = handle.or_noted(&deed, view::one(handle, app))?;
    let (app, by) = (app.clone(), short(by));
    let source = handle.change(deed, move |world, time| leave(world.store, time, &app, &by))?;
    forget(handle.data(), &source.id);
    Ok(told)
}

/// Has it looked at now.
pub(super) fn look(handle: &Handle, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
    let (asked, by) = (app.clone(), short(by));
    handle.change(deeds::of_source("git fetch", app, &by), move |world, time| {
        let source = world.store.git_source(&asked).map_err(store_trouble)?;
        let mut source = source.ok_or_else(|| follows_nothing(&asked))?;
        source.state.due = Some(time.now);
        let event = Event::of_app(asked.as_str(), "git.look", format!("{by} has the repository looked at"));
        let written = world.store.transaction(|tx| {
            tx.put_git_source(&source)?;
            tx.event(&event, time.unix_ms).map(drop)
        });
        written.map_err(store_trouble)
    })?;
    view::one(handle, app)
}

/// Enters a connection; the one it takes the place of.
fn enter(store: &mut Store, time: Time, source: GitSource) -> Result<Option<GitSource>, Refusal> {
    let known = store.git_sources().map_err(store_trouble)?;
    let before = known.iter().find(|other| other.app == source.app).cloned();
    if before.is_none() && known.len() >= MOST {
        let message = format!("{MOST} repositories are followed already");
        return Err(Refusal::new(RefusalKind::Conflict, "git::many-sources", message)
            .help("`tidegate git disconnect APP` makes room"));
    }
    let message = format!("{} follows {}, connected by {}", source.app, source.address, source.by);
    let event = Event::of_app(source.app.as_str(), "git.connected", message);
    let state = SourceState { due: Some(time.now), ..carried_over(before.as_ref(), &source) };
    let source = GitSource { made_at_unix_ms: time.unix_ms, state, ..source };
    let written = store.transaction(|tx| {
        tx.changes(before.as_ref().map(|before| before.address.as_str()), Some(&source.address));
        tx.put_git_source(&source)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)?;
    Ok(before)
}

/// What was seen of the same branches of the same repository is known further on: of what came since the last look runs begin, though
/// a token is another now.
pub(super) fn carried_over(before: Option<&GitSource>, source: &GitSource) -> SourceState {
    let same = |before: &&GitSource| before.address == source.address && before.branches == source.branches;
    let Some(GitSource { state, .. }) = before.filter(same) else { return SourceState::default() };
    SourceState {
        heads: state.heads.clone(),
        looked_at_unix_ms: state.looked_at_unix_ms,
        hints: state.hints.clone(),
        ..SourceState::default()
    }
}

fn leave(store: &mut Store, time: Time, app: &Name, by: &str) -> Result<GitSource, Refusal> {
    let source = store.git_source(app).map_err(store_trouble)?.ok_or_else(|| follows_nothing(app))?;
    let message = format!("{app} does not follow {} any more, asked for by {by}", source.address);
    let event = Event::of_app(app.as_str(), "git.disconnected", message);
    let written = store.transaction(|tx| {
        tx.changes(Some(&source.address), None);
        tx.drop_git_source(app)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)?;
    Ok(source)
}

/// Asks the repository for its branches, so that a mistake is seen by who makes it.
fn tried(data: &Path, source: &GitSource, address: SourceAddress) -> Result<(), Refusal> {
    let remote = Remote { address, opener: keys::opener(data, &source.id, &source.access) };
    let listed = remote.list().map_err(|error| {
        let message = format!("{} cannot be read: {error}", source.address);
        Refusal::new(RefusalKind::Invalid, "git::source-unreadable", message).help(help_of(source))
    })?;
    changes(source, &listed).map(drop).map_err(too_many)
}

pub(super) fn too_many(branches: usize) -> Refusal {
    let message = format!(
        "the repository has {branches} branches to follow, {} are possible",
        GitSource::MOST_BRANCHES
    );
    Refusal::new(RefusalKind::Invalid, "git::many-branches", message)
        .help("name those that count: `--branch main --branch 'release/*'`")
}

fn help_of(source: &GitSource) -> &'static str {
    match source.access {
        SourceAccess::Open => {
            "a private repository needs `--token-file FILE` (https) or `--ssh-key-file FILE` (ssh)"
        }
        SourceAccess::Token { .. } => {
            "look at the address, and at what the token may do: it has to read the repository"
        }
        SourceAccess::Key => "look at the address, and whether the key may read the repository",
    }
}

fn address_of(request: &ConnectSource) -> Result<SourceAddress, Refusal> {
    request.url.parse::<SourceAddress>().map_err(|error| {
        Refusal::new(RefusalKind::Invalid, "git::address", format!("the address cannot be used: {error}"))
            .help("write it as the host shows it for cloning, like https://github.com/ann/shop.git; a token goes into a file: `--token-file FILE`")
    })
}

fn access_of(request: &ConnectSource, address: &SourceAddress) -> Result<SourceAccess, Refusal> {
    let all =
        [&request.token, &request.ssh_key].map(|secret| secret.as_ref().map(|secret| secret.reveal().len()));
    let hosts = request.known_hosts.as_ref().map(String::len);
    if all.into_iter().chain([hosts]).flatten().any(|length| length == 0 || length > LONGEST) {
        return Err(unfit(format!("a token, key or list of hosts has 1 to {LONGEST} bytes")));
    }
    let transport = address.transport();
    let http = matches!(transport, Transport::Https | Transport::LocalHttp);
    match (&request.token, &request.ssh_key) {
        (Some(_), Some(_)) => Err(unfit("a token and a key: a repository is opened by one of them")),
        (Some(_), None) if !http => Err(unfit("a token is for addresses of https")),
        (None, Some(_)) if transport != Transport::Ssh => Err(unfit("a key is for addresses of ssh")),
        (None, None) if transport == Transport::Ssh => Err(unfit("ssh needs a key: `--ssh-key-file FILE`")),
        (Some(token), None) if token.reveal().trim_end().contains(char::is_control) => {
            Err(unfit("a token is one line"))
        }
        (Some(_), None) => Ok(SourceAccess::Token { user: user_of(request)? }),
        (None, Some(_)) => Ok(SourceAccess::Key),
        (None, None) => Ok(SourceAccess::Open),
    }
}

fn user_of(request: &ConnectSource) -> Result<String, Refusal> {
    let user = request.user.clone().unwrap_or_else(|| "git".to_owned());
    let good = (1..=LONGEST_USER).contains(&user.len()) && user.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(user) } else { Err(unfit("a name that goes with a token has no blanks")) }
}

fn chosen(text: &str) -> Result<HookSecret, Refusal> {
    HookSecret::chosen(text.trim_end()).ok_or_else(|| {
        Refusal::new(RefusalKind::Invalid, "git::secret", "a secret has 16 to 256 characters without blanks")
            .help("leave `--secret-file` out: one is made and shown")
    })
}

fn patterns(texts: &[String]) -> Result<Vec<String>, Refusal> {
    if texts.len() > GitSource::MOST_PATTERNS {
        return Err(unfit(format!("at most {} patterns of branches", GitSource::MOST_PATTERNS)));
    }
    let checked = |text: &String| {
        let pattern = Pattern::of_branch(text);
        pattern
            .map(|pattern| pattern.as_str().to_owned())
            .map_err(|error| unfit(format!("`{text}`: {error}")))
    };
    texts.iter().map(checked).collect()
}

fn poll_of(request: &ConnectSource) -> Result<Option<tidegate_core::time::Millis>, Refusal> {
    let (shortest, longest) = (GitSource::SHORTEST_POLL, GitSource::LONGEST_POLL);
    match request.poll_ms {
        Some(poll) if poll < shortest || poll > longest => {
            Err(unfit(format!("a repository is looked at every {shortest} to {longest}, not every {poll}")))
        }
        poll => Ok(poll),
    }
}

fn unfit(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Invalid, "git::connect", message).help("see `tidegate git connect --help`")
}

fn unkept(error: &io::Error) -> Refusal {
    let refusal = unreadable(error);
    Refusal { message: format!("what opens the repository cannot be kept: {error}"), ..refusal }
        .help("see the permissions and free space of the data directory")
}

/// What cannot be removed is at the next start.
fn forget(data: &Path, id: &str) {
    if let Err(error) = keys::drop(data, id) {
        tracing::warn!(%error, "what opened a repository could not be removed");
    }
}

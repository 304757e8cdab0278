//! `tidegate git-ssh`: what a key of `tidegate git authorize` may do. Started by sshd, never by hand; speaks with a Git client
//! on standard input and output.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use clap::Args;
use tidegate_control::access::{Asked, Subject, pass};
use tidegate_control::git::{Caller, GitRepositories, Service};
use tidegate_core::access::{Action, Admission, Place};
use tidegate_core::model::Name;
use tidegate_store::Reader;

use crate::exit::Exit;
use crate::failure::Failure;

/// As typed by sshd.
#[derive(Debug, Args)]
pub struct GitSshArgs {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Whose key it is: a user
    #[arg(long, value_name = "NAME", required_unless_present = "by", conflicts_with = "by")]
    user: Option<Name>,
    /// Whose key it is, as they call themselves
    #[arg(long, value_name = "NAME")]
    by: Option<Name>,
    /// The apps it opens; none: every app
    #[arg(long = "app", value_name = "APP")]
    apps: Vec<Name>,
}

/// Serves what the client asked for, and nothing but Git.
pub fn run(args: &GitSshArgs) -> Result<Exit, Failure> {
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    let (service, app) = understood(&asked).ok_or_else(not_git)?;
    if !args.apps.is_empty() && !args.apps.contains(&app) {
        return Err(Failure::mistake(
            format!("your key does not open {app}"),
            "ask whoever runs this Tidegate",
        ));
    }
    let by = admitted(args, &app)?;
    let repositories = GitRepositories::of(&args.data);
    let repository = match service {
        Service::ReceivePack => repositories.get_or_make(&app).map_err(|error| trouble(&error))?,
        Service::UploadPack => repositories.get(&app).ok_or_else(|| nobody(&app))?,
    };
    let protocol = std::env::var("GIT_PROTOCOL").ok();
    let caller = Caller { by: &by, protocol: protocol.as_deref(), stateless: false, advertise: false };
    let mut command = repositories.serve(&app, &repository, service, caller);
    let ended = match service {
        Service::ReceivePack => taken(command),
        Service::UploadPack => command.status(),
    };
    let status = ended.map_err(|error| trouble(&error))?;
    Ok(if status.success() { Exit::DONE } else { Exit::MISTAKE })
}

/// Who is served. What a user may is asked of the server at each use: a key in a file opens nothing to who was disabled since.
fn admitted(args: &GitSshArgs, app: &Name) -> Result<String, Failure> {
    let Some(name) = &args.user else {
        let nobody = || Failure::bug("the line of authorized_keys does not say whose key it is");
        return args.by.as_ref().map(ToString::to_string).ok_or_else(nobody);
    };
    let store = Reader::open(&args.data.join("tidegate.db")).map_err(|error| {
        Failure::environment(error.to_string(), "ask whoever runs this Tidegate to look at `tidegate doctor`")
    })?;
    let user = store.user(name).map_err(|error| Failure::environment(error.to_string(), "try again"))?;
    let user = user.filter(|user| user.stands().is_ok()).ok_or_else(|| {
        Failure::mistake(format!("{name} is not let in"), "ask an administrator: `tidegate user list`")
    })?;
    let admission = Admission::by_key(&user);
    // As over HTTP: whoever may push fetches, and nobody else. What is in a repository is the app's whole history.
    let asked = Asked::new(admission.caller.clone(), Action::Push, Subject::Place(Place::App(app.clone())));
    pass(&store, &asked).map_err(|refusal| {
        let help = refusal.help.unwrap_or_else(|| "ask an administrator".to_owned());
        Failure::mistake(refusal.message, help)
    })?;
    Ok(admission.signs(""))
}

/// Has a push taken. What git says is passed on, and read to its end where nobody hears it any more: a broken pipe would be a signal,
/// after which it leaves what it was about to take.
fn taken(mut command: Command) -> io::Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, error) = (child.stdout.take(), child.stderr.take());
    let to_out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let to_error = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let talk = std::thread::spawn(move || pass_on(error, to_error));
    pass_on(out, to_out);
    let _ = talk.join();
    child.wait()
}

fn pass_on(from: Option<impl Read>, mut to: File) {
    let Some(mut from) = from else { return };
    if io::copy(&mut from, &mut to).is_err() {
        let _ = io::copy(&mut from, &mut io::sink());
    }
}

/// `git-receive-pack '/shop.git'`, as Git's clients write it.
fn understood(command: &str) -> Option<(Service, Name)> {
    let (service, path) = command.trim().rsplit_once(' ')?;
    let path = path.trim_matches('\'').trim_start_matches('/');
    let app = path.strip_suffix(".git").unwrap_or(path).parse().ok()?;
    Some((Service::named(&service.trim().replace(' ', "-"))?, app))
}

fn not_git() -> Failure {
    Failure::mistake("this key is for Git alone", "push with `git push ssh://USER@HOST/APP.git HEAD:main`")
}

fn nobody(app: &Name) -> Failure {
    Failure::mistake(format!("nobody has pushed to {app} yet"), "push first, then fetch")
}

fn trouble(error: &std::io::Error) -> Failure {
    Failure::environment(
        format!("the repository cannot be served: {error}"),
        "look at `tidegate doctor` there",
    )
}

#[cfg(test)]
mod tests {
    use tidegate_core::access::{Binding, Role, User};

    use super::*;

    #[test]
    fn a_users_key_opens_what_the_user_may_and_nothing_once_they_are_disabled() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = tidegate_store::Store::open(&folder.path().join("tidegate.db")).unwrap();
        let user = |name: &str, admin, disabled_unix_ms| User {
            name: name.parse().unwrap(),
            added_unix_ms: 0,
            added_by: String::new(),
            disabled_unix_ms,
            admin,
            openid: None,
        };
        let all = [
            user("ann", false, None),
            user("boss", true, None),
            user("gone", true, Some(1)),
            user("dev", false, None),
        ];
        store.transaction(|tx| all.iter().try_for_each(|user| tx.put_user(user))).unwrap();
        let shop: Name = "shop".parse().unwrap();
        let binding = |name: &str, role, place: &str| Binding {
            holder: name.parse().unwrap(),
            role,
            place: place.parse().unwrap(),
            by: "owner".to_owned(),
            made_at_unix_ms: 0,
        };
        let roles = [
            binding("boss", Role::Admin, "*"),
            binding("gone", Role::Admin, "*"),
            binding("dev", Role::Developer, "shop"),
        ];
        store
            .transaction(|tx| roles.iter().try_for_each(|role| tx.add_role_binding(role).map(drop)))
            .unwrap();
        let asks = |name: &str, app: &Name| {
            let args = GitSshArgs {
                data: folder.path().to_owned(),
                user: Some(name.parse().unwrap()),
                by: None,
                apps: Vec::new(),
            };
            admitted(&args, app).ok()
        };
        assert_eq!(asks("boss", &shop).as_deref(), Some("boss"));
        assert_eq!(asks("dev", &shop).as_deref(), Some("dev"));
        assert_eq!(asks("dev", &"blog".parse().unwrap()), None);
        assert_eq!(asks("ann", &shop), None);
        assert_eq!(asks("gone", &shop), None);
        assert_eq!(asks("nobody", &shop), None);
    }

    #[test]
    fn only_git_and_only_repositories_are_understood() {
        let shop = || "shop".parse::<Name>().unwrap();
        assert_eq!(understood("git-receive-pack '/shop.git'"), Some((Service::ReceivePack, shop())));
        assert_eq!(understood("git-upload-pack 'shop'"), Some((Service::UploadPack, shop())));
        assert_eq!(understood("git upload-pack '/shop.git'"), Some((Service::UploadPack, shop())));
        for bad in [
            "",
            "sh",
            "git-receive-pack",
            "git-receive-pack '../shop.git'",
            "git-receive-pack '/shop.git'; sh",
            "git-upload-archive '/shop.git'",
            "git-receive-pack --x '/shop.git'",
        ] {
            assert_eq!(understood(bad), None, "{bad}");
        }
    }
}

//! A checkout, and the remote it is pushed to.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tidegate_os::process::kill_group;

use super::relay::Relay;
use crate::support::{App, Repo, Tidegate};

/// A pipeline that is over in a moment, and deploys nothing.
const MANIFEST: &str = "app: shop\nservices: { web: { run: exec sleep 3600 } }\n\
                        pipeline: { stages: { test: { steps: [test -e tidegate.yaml] } } }\n";

/// See the module.
pub struct Remote<'a> {
    tidegate: &'a Tidegate,
    app: App,
    repo: Repo,
    url: String,
    /// Where the address leads.
    server: SocketAddr,
    /// How `ssh` is started.
    ssh: Option<String>,
}

/// A push that goes on.
pub struct Push(Child);

impl<'a> Remote<'a> {
    pub fn over_http(tidegate: &'a Tidegate, url: &str) -> Self {
        Self::new(tidegate, url.to_owned(), tidegate.api(), None)
    }

    pub fn over_ssh(tidegate: &'a Tidegate, url: String, sshd: SocketAddr, ssh: String) -> Self {
        Self::new(tidegate, url, sshd, Some(ssh))
    }

    fn new(tidegate: &'a Tidegate, url: String, server: SocketAddr, ssh: Option<String>) -> Self {
        let app = App::copy_of(Path::new("."), &[]);
        fs::write(app.manifest(), MANIFEST).unwrap();
        // Clones are made in it.
        fs::write(app.path().join(".gitignore"), "/whole\n/shallow\n/partial\n/one\n/other\n").unwrap();
        Remote { tidegate, repo: Repo::of(&app), app, url, server, ssh }
    }

    pub fn path(&self) -> &Path {
        self.app.path()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A git in the checkout; what `-C` names is within it.
    pub fn git(&self, args: &[&str]) -> Command {
        // Nothing is gained here by packing noise well.
        let mut command = self.repo.command(&["-c", "core.compression=0"]);
        command.args(args).envs(self.ssh.iter().map(|ssh| ("GIT_SSH_COMMAND", ssh)));
        command
    }

    pub fn git_well(&self, args: &[&str]) -> String {
        let output = self.git(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}\n{}", self.tidegate.story());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits a file.
    pub fn commit(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
        self.repo.commit(&format!("{file}: {text}"));
    }

    pub fn head(&self) -> String {
        self.git_well(&["rev-parse", "HEAD"])
    }

    /// What a ref of the remote is at; empty where it has none.
    pub fn tip(&self, name: &str) -> String {
        let listed = self.git_well(&["ls-remote", &self.url, name]);
        listed.split('\t').next().unwrap_or_default().to_owned()
    }

    /// What a push says that is refused.
    pub fn push(&self, what: &[&str]) -> String {
        let output = self.git(&[&["push", &self.url], what].concat()).output().unwrap();
        assert!(!output.status.success(), "it was taken: {what:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub fn push_well(&self, what: &[&str]) {
        self.git_well(&[&["push", "-q", &self.url], what].concat());
    }

    /// Begins a push of which no more than so many bytes get there.
    pub fn push_half(&self, most: u64, what: &str) -> (Relay, Push) {
        let relay = Relay::to(self.server, most);
        let url = self.url.replace(&self.server.to_string(), &relay.address.to_string());
        assert_ne!(url, self.url, "it leads to {}", self.server);
        (relay, Push::of(self.git(&["push", &url, what])))
    }

    /// Begins a push from a clone.
    pub fn push_from(&self, clone: &str, what: &str) -> Push {
        Push::of(self.git(&["-C", clone, "push", &self.url, what]))
    }

    /// Clones into a folder of the checkout.
    pub fn clone_well(&self, name: &str, options: &[&str]) {
        let url = self.url.as_str();
        self.git_well(
            &[
                &["clone", "-q", "-c", "user.name=Bob", "-c", "user.email=bob@example.org"],
                options,
                &[url, name],
            ]
            .concat(),
        );
    }

    /// How many objects, loose or packs, the repository has.
    pub fn objects(&self) -> usize {
        let all = entries(&self.store());
        all.iter().filter(|path| path.is_dir()).map(|folder| entries(folder).len()).sum()
    }

    /// Bytes of what is not taken yet.
    pub fn incoming(&self) -> u64 {
        let waiting = entries(&self.store())
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tmp_")));
        // A folder that has nothing in it yet is something, too.
        waiting.map(|path| 1 + size(&path)).sum()
    }

    fn store(&self) -> PathBuf {
        self.tidegate.data().join("git/shop.git/objects")
    }
}

impl Push {
    fn of(mut command: Command) -> Self {
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        Push(command.spawn().unwrap())
    }

    /// `kill -9` of the client and all it started.
    pub fn kill9(mut self) {
        kill_group(self.0.id(), 9).unwrap();
        self.0.wait().unwrap();
    }

    /// Whether it succeeded, and what it said.
    pub fn finish(self) -> (bool, String) {
        let output = self.0.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|items| items.flatten().map(|item| item.path()).collect()).unwrap_or_default()
}

fn size(path: &Path) -> u64 {
    let own = path.symlink_metadata().map_or(0, |meta| if meta.is_dir() { 0 } else { meta.len() });
    own + entries(path).iter().map(|path| size(path)).sum::<u64>()
}

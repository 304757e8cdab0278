//! A real sshd that lets one key in, as `tidegate git authorize` says, and the real `ssh`.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::LONG;
use super::remote::Remote;
use crate::support::{Tidegate, eventually, free_address};

/// Where Debian and others have it; it wants to be started by its whole path.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// Ended when it is dropped.
pub struct Sshd {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Sshd {
    /// `None`: there is none on this machine.
    pub fn start(tidegate: &Tidegate) -> Option<Self> {
        let program = PROGRAMS.iter().map(Path::new).find(|path| path.exists())?;
        let folder = tempfile::tempdir().unwrap();
        for key in ["host", "ann"] {
            keygen(&folder.path().join(key));
        }
        let mut authorize = tidegate.command(&["git", "authorize", "--by", "ann"]);
        let line = line_of(authorize.arg(folder.path().join("ann.pub")));
        fs::write(folder.path().join("authorized_keys"), line).unwrap();
        let address = free_address();
        let config = config(folder.path(), address.port());
        fs::write(folder.path().join("config"), config).unwrap();
        if tidegate_os::process::is_root() {
            // What starts it on a machine that boots makes this folder; it refuses to be without.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(folder.path().join("config"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut sshd = Sshd { child, folder, address };
        eventually("sshd accepts", LONG, || {
            let ended = sshd.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(sshd.folder.path().join("log")).unwrap());
            TcpStream::connect(address).ok()
        });
        Some(sshd)
    }

    /// The remote it leads to.
    pub fn remote<'a>(&self, tidegate: &'a Tidegate) -> Remote<'a> {
        let who = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let url = format!("ssh://{}@{}/shop.git", who.trim(), self.address);
        let place = |name: &str| self.folder.path().join(name).display().to_string();
        let ssh = format!(
            "ssh -F /dev/null -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new \
             -o UserKnownHostsFile={}",
            place("ann"),
            place("known"),
        );
        Remote::over_ssh(tidegate, url, self.address, ssh)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(to: &PathBuf) {
    let mut command = Command::new("ssh-keygen");
    let output =
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn line_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// For this machine alone, and for this one key.
fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\nLogLevel ERROR\n"
    )
}

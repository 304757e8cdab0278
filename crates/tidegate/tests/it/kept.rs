//! `tidegate up` keeps a gateway running whatever becomes of the program on disk and whatever address is asked for, and is
//! found while it runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(20);

/// A control plane of a copy of the program, stopped with its gateway when it is dropped.
struct Up {
    folder: tempfile::TempDir,
    child: Child,
}

impl Up {
    fn begin() -> Up {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tidegate");
        fs::copy(env!("CARGO_BIN_EXE_tidegate"), &program).unwrap();
        let mut up = up(&program, &folder.path().join("data"), "127.0.0.1:0");
        let mut child = up.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let up = Up { folder, child };
        assert!(said.contains("is up"), "{said}");
        up
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let mut down = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        let _ = down.arg("down").arg("--data").arg(self.data()).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn up(program: &Path, data: &Path, gateway: &str) -> Command {
    let mut up = Command::new(program);
    up.arg("up").args(["--gateway", gateway, "--api", "127.0.0.1:0", "--data"]).arg(data);
    up
}

fn gateway_of(data: &Path) -> Option<u32> {
    tidegate_os::lock::holder(&data.join("gateway/lock")).filter(|pid| *pid != 0)
}

#[test]
fn a_gateway_that_was_killed_comes_back_where_the_program_on_disk_is_gone() {
    let up = Up::begin();
    let first = gateway_of(&up.data()).unwrap();
    fs::remove_file(up.folder.path().join("tidegate")).unwrap();
    tidegate_os::process::kill(first, 9).unwrap();
    let begun = Instant::now();
    while gateway_of(&up.data()).is_none_or(|pid| pid == first) {
        assert!(begun.elapsed() < WITHIN, "no gateway came back");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_gateway_goes_on_where_the_address_it_is_to_move_to_is_taken() {
    let mut up_before = Up::begin();
    let first = gateway_of(&up_before.data()).unwrap();
    tidegate_os::process::kill(up_before.child.id(), 15).unwrap();
    up_before.child.wait().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused =
        up(Path::new(env!("CARGO_BIN_EXE_tidegate")), &up_before.data(), &address).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains(&format!("cannot move to {address}")), "{said}");
    assert_eq!(gateway_of(&up_before.data()), Some(first));
}

#[test]
fn a_control_plane_whose_socket_was_removed_is_not_said_to_be_gone() {
    let up = Up::begin();
    let socket = up.data().join("api.sock");
    let aside = up.data().join("api.aside");
    fs::rename(&socket, &aside).unwrap();
    let down = Command::new(env!("CARGO_BIN_EXE_tidegate")).arg("down").arg("--data").arg(up.data()).output();
    fs::rename(&aside, &socket).unwrap();
    let said = String::from_utf8(down.unwrap().stderr).unwrap();
    let pid = up.child.id();
    assert!(said.contains(&format!("process {pid}")) && said.contains(&format!("kill {pid}")), "{said}");
}

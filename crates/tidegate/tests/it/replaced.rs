//! `tidegate up` goes on with the program it was started from, whatever becomes of the file on disk.

use std::fs;
use std::io::{BufRead, BufReader};
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
        let mut up = Command::new(&program);
        up.arg("up").args(["--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data"]);
        up.arg(folder.path().join("data")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = up.spawn().unwrap();
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

//! Keeping a control group from the metadata service of a cloud, which tells whoever asks it the machine's own credentials.
//!
//! Three programs in the kernel, attached to the group: one each for `connect` over IPv4 and IPv6, which refuses at once, and one that
//! drops what leaves for these addresses by any other way (MPTCP does not ask the first two). Port 53 stays open: some clouds
//! answer names at the same address. They stay as long as the group is there.

mod program;

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::libc;

use program::Program;

/// Where clouds answer: most of them, containers of one, and another.
pub const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(169, 254, 170, 2), Ipv4Addr::new(100, 100, 100, 200)];
/// The same over IPv6.
pub const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Keeps everything in a control group of version 2, and in groups below it, from these addresses. Doing it again changes nothing.
///
/// # Errors
/// Where we may not, or the kernel has no such programs.
pub fn forbid_metadata(group: &Path) -> io::Result<()> {
    forbid(group, &METADATA_V4, &METADATA_V6)
}

fn forbid(group: &Path, v4: &[Ipv4Addr], v6: &[Ipv6Addr]) -> io::Result<()> {
    let group = File::open(group)?;
    let programs = [Program::of_connect_v4(v4), Program::of_connect_v6(v4, v6), Program::of_packets(v4, v6)];
    programs.iter().try_for_each(|program| attach(&group, &load(program)?, program.attached_as))
}

/// `bpf(2)`: loads a program.
const LOAD: libc::c_int = 5;
/// `bpf(2)`: attaches one.
const ATTACH: libc::c_int = 8;

#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attached_as: u32,
}

#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    attached_as: u32,
    flags: u32,
}

fn load(program: &Program) -> io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let request = Load {
        kind: program.kind,
        instructions: u32::try_from(program.code.len()).map_err(io::Error::other)?,
        code: program.code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        name: *b"tidegate_meta\0\0\0",
        attached_as: program.attached_as,
        ..Load::default()
    };
    // SAFETY: `Load` is laid out as the kernel's `bpf_attr` of this command; what it points to lives through the call, and is only read.
    let fd = unsafe { bpf(LOAD, &raw const request) }?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn attach(group: &File, program: &OwnedFd, attached_as: u32) -> io::Result<()> {
    let number = |fd: i32| u32::try_from(fd).map_err(io::Error::other);
    let (target, program) = (number(group.as_raw_fd())?, number(program.as_raw_fd())?);
    // Without a flag another one takes the place of what was attached, and groups below get no other.
    let request = Attach { target, program, attached_as, flags: 0 };
    // SAFETY: `Attach` is laid out as the beginning of the kernel's `bpf_attr` of this command, which is only read.
    unsafe { bpf(ATTACH, &raw const request) }.map(drop)
}

/// # Safety
/// `request` is a `bpf_attr` for `command`, or the beginning of one, and what it points to lives through the call.
unsafe fn bpf<T>(command: libc::c_int, request: *const T) -> io::Result<i32> {
    // SAFETY: as the caller says.
    let done = unsafe { libc::syscall(libc::SYS_bpf, command, request, size_of::<T>()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(done).map_err(io::Error::other) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::net::{TcpListener, UdpSocket};
    use std::path::PathBuf;
    use std::process::{Command, Output};

    use super::*;

    /// `python3 -c TRY GROUP [family, kind, protocol, host, port]...`: joins the group, and says what came of each.
    const TRY: &str = r#"
import json, socket, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
def told(family, kind, protocol, host, port):
    try:
        with socket.socket(family, kind, protocol) as one:
            one.settimeout(1)
            if kind == socket.SOCK_DGRAM:
                one.sendto(b"x", (host, port))
            else:
                one.connect((host, port))
    except PermissionError:
        return "forbidden"
    except OSError as error:
        return type(error).__name__
    return "reached"
print(" ".join(told(*one) for one in json.loads(sys.argv[2])))
"#;

    struct Group(PathBuf);

    impl Group {
        /// Where this machine has groups of version 2 that are ours.
        fn made(name: &str) -> Option<Group> {
            let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
            let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
            let group = Path::new(mount).join(format!("tidegate-test-{}-{name}", std::process::id()));
            fs::create_dir(&group).ok()?;
            Some(Group(group))
        }

        fn tries(&self, what: &[(i32, i32, i32, &str, u16)]) -> String {
            let what: Vec<String> = what
                .iter()
                .map(|(family, kind, protocol, host, port)| {
                    format!("[{family}, {kind}, {protocol}, \"{host}\", {port}]")
                })
                .collect();
            let mut command = Command::new("python3");
            command.args(["-c", TRY]).arg(&self.0).arg(format!("[{}]", what.join(",")));
            let Output { stdout, stderr, .. } = command.output().unwrap();
            std::io::stderr().write_all(&stderr).unwrap();
            String::from_utf8(stdout).unwrap().trim().to_owned()
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            let _ = fs::remove_dir(&self.0);
        }
    }

    const V4: i32 = libc::AF_INET;
    const V6: i32 = libc::AF_INET6;
    const TCP: i32 = libc::SOCK_STREAM;
    const UDP: i32 = libc::SOCK_DGRAM;

    #[test]
    fn what_is_forbidden_is_reached_by_no_way_and_everything_else_is() {
        let Some(group) = Group::made("loopback") else {
            println!("skipped: no control group can be made here");
            return;
        };
        let listens = |at: &str| TcpListener::bind((at, 0)).unwrap();
        let (kept, open, six) = (listens("127.0.0.2"), listens("127.0.0.1"), listens("::1"));
        let [kept, open, six] = [&kept, &open, &six].map(|one| one.local_addr().unwrap().port());
        let heard = UdpSocket::bind("127.0.0.1:0").unwrap();
        let ways = [
            (V4, TCP, 0, "127.0.0.2", kept),
            (V6, TCP, 0, "::ffff:127.0.0.2", kept),
            (V6, TCP, 0, "::1", six),
            (V4, UDP, 0, "127.0.0.2", 9),
            (V6, UDP, 0, "::1", 9),
            (V4, TCP, 0, "127.0.0.1", open),
            (V4, UDP, 0, "127.0.0.1", heard.local_addr().unwrap().port()),
            (V4, UDP, 0, "127.0.0.2", 53),
            (V6, UDP, 0, "::1", 53),
        ];
        let all = ["reached"; 9].join(" ");
        assert_eq!(group.tries(&ways), all, "before");
        let forbidden = || forbid(&group.0, &[Ipv4Addr::new(127, 0, 0, 2)], &[Ipv6Addr::LOCALHOST]);
        match forbidden() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                println!("skipped: {error}");
                return;
            }
            done => done.unwrap(),
        }
        let expected = [&["forbidden"; 5][..], &["reached"; 4]].concat().join(" ");
        assert_eq!(group.tries(&ways), expected);
        forbidden().unwrap();
        assert_eq!(group.tries(&ways), expected, "a second time");
        // Where the kernel has MPTCP; the others do not see its connections.
        let other_way = group.tries(&[(V4, TCP, 262, "127.0.0.2", kept)]);
        assert!(other_way != "reached" && !other_way.is_empty(), "{other_way}");
    }

    #[test]
    fn the_metadata_service_is_forbidden() {
        let Some(group) = Group::made("metadata") else {
            println!("skipped: no control group can be made here");
            return;
        };
        match forbid_metadata(&group.0) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                println!("skipped: {error}");
                return;
            }
            done => done.unwrap(),
        }
        let four = METADATA_V4.map(|address| address.to_string());
        let six = METADATA_V6.map(|address| address.to_string());
        let ways: Vec<_> = four.iter().map(|host| (V4, TCP, 0, host.as_str(), 80)).collect();
        let ways: Vec<_> =
            ways.into_iter().chain(six.iter().map(|host| (V6, TCP, 0, host.as_str(), 80))).collect();
        assert_eq!(group.tries(&ways), ["forbidden"; 5].join(" "));
    }

    #[test]
    fn a_folder_that_is_no_group_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(forbid_metadata(folder.path()).is_err());
        assert!(forbid_metadata(&folder.path().join("nothing")).is_err());
    }
}

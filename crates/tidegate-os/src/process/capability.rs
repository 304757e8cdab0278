//! Giving up what root may do beyond what is needed.

use std::io;

use nix::libc;

/// A right of root's, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `CAP_CHOWN`: give files away.
    ChangeOwner = 0,
    /// `CAP_DAC_OVERRIDE`: read and write whatever the modes say.
    OverrideModes = 1,
    /// `CAP_FOWNER`: change modes of files of others.
    ActAsOwner = 3,
    /// `CAP_KILL`: signal processes of others.
    Kill = 5,
    /// `CAP_SETGID`: become other groups.
    SetGroups = 6,
    /// `CAP_SETUID`: become other users.
    SetUser = 7,
    /// `CAP_SETPCAP`: empty the bounding set.
    DropCapabilities = 8,
    /// `CAP_NET_ADMIN`: set up a network.
    Network = 12,
    /// `CAP_SYS_ADMIN`: mounts and namespaces, and much else.
    Administer = 21,
    /// `CAP_SYS_RESOURCE`: use what a file system keeps back for root.
    UseReserve = 24,
}

/// `_LINUX_CAPABILITY_VERSION_3`: two words of 32 each.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Word {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up every capability of this thread but these, for itself and all it starts, for ever. One that it has not is not
/// gained. For a process of one thread.
///
/// # Errors
/// What the kernel says; nothing it could say is a matter of course.
pub fn keep_capabilities(kept: &[Capability]) -> io::Result<()> {
    let mask = kept.iter().fold(0u64, |mask, one| mask | 1 << (*one as u32));
    for capability in (0..64).filter(|number| mask >> number & 1 == 0) {
        // SAFETY: the call takes plain numbers and touches no memory of ours. What the kernel does not know it refuses.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability as libc::c_ulong, 0, 0, 0) };
    }
    let mut header = Header { version: VERSION, pid: 0 };
    let mut words = [Word::default(); 2];
    // SAFETY: both pointers are to values of the layout the call has for this version, alive through the call.
    if unsafe { libc::syscall(libc::SYS_capget, &raw mut header, &raw mut words) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for (index, word) in words.iter_mut().enumerate() {
        let mask = (mask >> (32 * index)) as u32;
        *word = Word { effective: word.effective & mask, permitted: word.permitted & mask, inheritable: 0 };
    }
    // SAFETY: as above; the kernel only reads.
    if unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const words) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
    }

    #[test]
    fn only_what_was_there_and_is_named_is_left_to_the_thread() {
        // Of this thread alone: the rest of the test's process keeps its own.
        let thread = std::thread::spawn(|| {
            let (before, drops) = (line("CapPrm"), line("CapEff") >> 8 & 1 == 1);
            keep_capabilities(&[Capability::Kill, Capability::SetUser]).unwrap();
            let wanted = 1 << 5 | 1 << 7;
            assert_eq!((line("CapPrm"), line("CapEff")), (before & wanted, before & wanted));
            if drops {
                assert_eq!(line("CapBnd") & !wanted, 0);
            }
        });
        thread.join().unwrap();
    }
}

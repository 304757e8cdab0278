//! The shim: one small process per unit that holds its output, its limits and its exit, and outlives the control plane.
//!
//! Started by the backend in a session of its own, with the socket to listen on as standard input and the lock that says
//! it lives as standard output, so that there is no moment between its start and its being reachable. One thread, one
//! poll loop, no async runtime. Killed at any moment it leaves this: the main process is killed by the kernel
//! (`PR_SET_PDEATHSIG`), the lock is free, and there is no `exit.json`; whoever finds that sweeps up what is left.

mod capture;
mod checks;
mod child;
mod clients;
mod disk;
mod ending;
mod life;
mod meter;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;

use tidegate_os::lock::Lock;
use tidegate_os::process::{Capability, Signals, become_reaper, keep_capabilities, quit_stdio};

use super::place::Place;
use life::Life;

/// What a shim that started as root keeps of root's rights. It cannot become its unit's user: it starts the commands of
/// probes as that user for as long as the unit runs, and its files are not that user's to touch.
const KEPT: [Capability; 10] = [
    Capability::ChangeOwner, // a build is the app's while it is made, and nobody's to change afterwards
    Capability::OverrideModes, // what the app made private is taken back as well
    Capability::ActAsOwner,  // and gets its modes
    Capability::Kill,        // the unit is another user
    Capability::SetGroups,   // to start commands as that user
    Capability::SetUser,     // the same
    Capability::DropCapabilities, // what it starts can never have any
    Capability::Network,     // the loopback of a step without a network is raised
    Capability::Administer,  // mounts of the unit's own view
    Capability::UseReserve,  // how it ended is recorded on a disk that is full to others
];

/// Runs the shim of the unit in `dir` until the unit is over and recorded. Returns the exit code for the process: 0, or 2
/// where it could not be a shim at all (the reason is on standard error, which is a file in `dir`).
pub fn shim_main(dir: &Path) -> i32 {
    match run(dir) {
        Ok(()) => 0,
        Err(error) => {
            let _ =
                io::Write::write_all(&mut io::stderr(), format!("{}: {error}\n", dir.display()).as_bytes());
            2
        }
    }
}

fn run(dir: &Path) -> io::Result<()> {
    // First of all, before any other thread or child could inherit another state.
    let signals = Signals::new()?;
    let (socket, lock) = quit_stdio()?;
    let mut lock = Lock::inherited(lock);
    // Whoever started us does so too, unless it was killed in between.
    lock.sign(std::process::id())?;
    become_reaper()?;
    let listener = UnixListener::from(socket);
    listener.set_nonblocking(true)?;
    let place = Place::at(dir);
    let spec = place.spec()?;
    if spec.isolation.user.is_some() {
        keep_capabilities(&KEPT)?;
    }
    Life::begin(place, spec, signals, listener)?.live();
    // Free only now that everything is recorded.
    drop(lock);
    Ok(())
}

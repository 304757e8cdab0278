//! Starting a shim so that it can be reached, and is known to live, from the first moment.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::process::Child;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SndBuf;
use tidegate_os::lock::{Lock, LockError};
use tidegate_os::process::Detached;
use tidegate_os::socket;

use super::message::{ToShim, send};
use super::place::Place;
use super::spec::ShimSpec;
use crate::Sealed;

/// A shim that was just started, and a connection to it.
pub(super) struct Launched {
    pub(super) child: Child,
    pub(super) link: UnixStream,
}

/// Starts the shim of a unit. Socket and lock are made here and handed over: a connection made before the shim has
/// begun waits for it, and the lock is never free in between.
///
/// What is secret is said over the connection before the shim runs: it is in no file, and there even where we are killed right after.
pub(super) fn launch(
    place: &Place,
    spec: &ShimSpec,
    sealed: &Sealed,
    command: &[OsString],
) -> io::Result<Launched> {
    place.create()?;
    let mut lock = Lock::acquire(&place.lock()).map_err(|error| match error {
        LockError::Io(error) => error,
        held @ LockError::Held { .. } => io::Error::new(io::ErrorKind::ResourceBusy, held.to_string()),
    })?;
    let listener = socket::bind(&place.socket())?;
    place.write_spec(spec)?;
    let complaint = OpenOptions::new().append(true).create(true).mode(0o600).open(place.complaint())?;
    // Before the shim runs: one that has nothing to do may be over before we would connect.
    let link = socket::connect(&place.socket())?;
    link.set_nonblocking(true)?;
    if spec.sealed {
        tell(&link, sealed)?;
    }
    let child = detached(place, command, listener.into(), lock.share()?, complaint.into())?.spawn()?;
    lock.sign(child.id())?;
    Ok(Launched { child, link })
}

/// All of it fits what the socket holds while nobody reads.
fn tell(link: &UnixStream, sealed: &Sealed) -> io::Result<()> {
    if sealed.bytes() > Sealed::MOST {
        let why = format!("its secrets have more than {} bytes", Sealed::MOST);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    // As much as the system allows: escaped, a message may be longer than what is in it.
    let _ = setsockopt(link, SndBuf, &(4 * Sealed::MOST));
    send(link, &ToShim::Sealed(sealed.clone()))
}

fn detached(
    place: &Place,
    command: &[OsString],
    socket: OwnedFd,
    lock: OwnedFd,
    complaint: OwnedFd,
) -> io::Result<Detached> {
    let (program, leading) = command
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no command to start a shim with"))?;
    let mut args = leading.to_vec();
    args.extend([OsString::from("--dir"), place.dir().into()]);
    Ok(Detached {
        program: program.clone(),
        args,
        // The unit's environment is in its spec; the shim needs nothing of ours, least of all our secrets.
        env: Some(
            std::env::var_os("LD_LIBRARY_PATH")
                .map(|path| ("LD_LIBRARY_PATH".into(), path))
                .into_iter()
                .collect(),
        ),
        dir: Some("/".into()),
        stdin: Some(socket),
        stdout: Some(lock),
        stderr: Some(complaint),
    })
}

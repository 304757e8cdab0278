//! Flags in the gateway's process: served from the file that the control plane writes, on a thread of their own, so that they
//! go on without the control plane and users' requests do not wait for them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tidegate_core::view::{DoctorFinding, Severity};
use tidegate_flag_server::{
    Certificates, Following, Hall, Limits, News, Offer, Origins, Servers, SetsFile, Settings, Stopper,
};
use tidegate_gateway::Guest;

use crate::flag_edge::FlagEdgeArgs;

/// The file in the gateway's directory.
pub const FILE: &str = "flags.json";
/// What is wrong with it, while something is: for `tidegate doctor`.
const TROUBLE: &str = "flags.trouble";
/// Of the descriptors that the process may have, each listener's connections take at most one in so many.
const SHARE: u64 = 8;

/// See the module.
#[derive(Debug)]
pub struct FlagGuest {
    args: FlagEdgeArgs,
    tls: bool,
    serving: Mutex<Option<Serving>>,
}

#[derive(Debug)]
struct Serving {
    hall: Arc<Hall>,
    stopper: Stopper,
    thread: JoinHandle<()>,
    _following: Following,
}

impl FlagGuest {
    /// A guest that serves flags there, under TLS or not; none where they are to be served nowhere.
    pub fn of(args: &FlagEdgeArgs, tls: bool) -> Option<Arc<dyn Guest>> {
        args.options().next()?;
        Some(Arc::new(FlagGuest { args: args.clone(), tls, serving: Mutex::default() }))
    }

    fn settings(&self, secret: [u8; 32], certificates: Certificates) -> io::Result<Settings> {
        let certificates = self.tls.then_some(certificates);
        let origins = Origins::only(&self.args.flags_origin).map_err(io::Error::other)?;
        let limits = Limits { connections: connections()?, ..Limits::default() };
        Ok(Settings { origins, limits, secret, certificates })
    }
}

/// Most connections of each listener.
fn connections() -> io::Result<usize> {
    let most = usize::try_from(tidegate_os::process::file_limit()? / SHARE).unwrap_or(usize::MAX);
    Ok(Limits::default().connections.min(most))
}

impl Guest for FlagGuest {
    fn places(&self) -> Vec<(String, SocketAddr)> {
        let offers = self.args.addresses().offers().into_iter();
        offers.map(|(offer, address)| (name(offer).to_owned(), address)).collect()
    }

    fn descriptors(&self) -> u64 {
        let each = connections().unwrap_or_default() as u64;
        each * self.places().len() as u64
    }

    fn begin(
        &self,
        dir: &Path,
        listeners: Vec<(String, TcpListener)>,
        secret: [u8; 32],
        certificates: Certificates,
    ) -> io::Result<()> {
        let trouble = Trouble(dir.join(TROUBLE));
        trouble.forget();
        let open = self.args.flags_open.as_ref().map(ToString::to_string);
        let file = SetsFile::new(dir.join(FILE), open);
        let (hall, following) = file.follow(move |news| trouble.tell(&news))?;
        // One thread, whatever is asked: the others are for users' requests.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let settings = self.settings(secret, certificates)?;
        let listeners = listeners.into_iter().filter_map(|(name, listener)| Some((offer(&name)?, listener)));
        let servers = runtime.block_on(async { Servers::on(listeners, &settings, hall.clone()) })?;
        tracing::info!(addresses = ?servers.addresses(), epoch = hall.epoch(), "flags are served");
        let (stopper, stop) = Stopper::new();
        let serve = move || runtime.block_on(servers.run(stop));
        let thread = std::thread::Builder::new().name("flags".to_owned()).spawn(serve)?;
        let serving = Serving { hall, stopper, thread, _following: following };
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        Ok(())
    }

    fn end(&self) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Serving { stopper, thread, .. }) = serving {
            stopper.stop();
            if thread.join().is_err() {
                tracing::error!("the thread that serves flags panicked");
            }
        }
    }

    fn metrics(&self) -> String {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.as_ref().map_or(String::new(), |serving| serving.hall.metrics())
    }
}

/// Where they are served, in words; `None` where they are not.
pub fn said(places: &BTreeMap<String, String>, tls: bool) -> Option<String> {
    let http = if tls { "https" } else { "http" };
    let said = |(called, address): (&String, &String)| {
        Some(match offer(called)? {
            Offer::Ofrep => format!("{http}://{address}"),
            Offer::Evaluation => format!("grpc {address}"),
            Offer::Sync => format!("sync {address}"),
            Offer::EvaluationAndSync => format!("grpc and sync {address}"),
        })
    };
    let said: Vec<_> = places.iter().filter_map(said).collect();
    (!said.is_empty()).then(|| said.join("  "))
}

/// A warning where others can read along.
pub fn warning(args: &FlagEdgeArgs, tls: bool) -> Option<String> {
    let open = |(option, address): (&str, SocketAddr)| {
        (!tls && !address.ip().is_loopback()).then(|| format!("{option} {address}"))
    };
    let open: Vec<_> = args.options().filter_map(open).collect();
    let told = "without TLS: whoever is on the way can read the keys and what they open; say `--flags-tls`, or put a proxy before it";
    (!open.is_empty()).then(|| format!("warning: flags are served at {} {told}\n", open.join(", ")))
}

/// What listeners are called between one gateway and the next.
fn name(offer: Offer) -> &'static str {
    match offer {
        Offer::Ofrep => "flags",
        Offer::Evaluation => "flags-grpc",
        Offer::Sync => "flags-sync",
        Offer::EvaluationAndSync => "flags-grpc-sync",
    }
}

fn offer(called: &str) -> Option<Offer> {
    let all = [Offer::Ofrep, Offer::Evaluation, Offer::Sync, Offer::EvaluationAndSync];
    all.into_iter().find(|offer| name(*offer) == called)
}

/// What is wrong with the file, kept where `tidegate doctor` finds it.
struct Trouble(PathBuf);

impl Trouble {
    fn tell(&self, news: &News) {
        match news {
            News::Served(flags) => {
                tracing::info!(flags, "other flags are served");
                self.forget();
            }
            News::Refused(error) => {
                tracing::error!(%error, "the flags cannot be read: those before are served");
                let _ = tidegate_os::file::write_whole(&self.0, error.to_string().as_bytes(), 0o600);
            }
        }
    }

    fn forget(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What `tidegate doctor` says of flags that the gateway of a directory cannot read.
pub fn findings(gateway: &Path) -> Option<DoctorFinding> {
    let trouble = fs::read_to_string(gateway.join(TROUBLE)).ok().filter(|text| !text.is_empty())?;
    Some(DoctorFinding {
        severity: Severity::Warning,
        check: "flags".to_owned(),
        message: format!("the gateway serves the flags it had before: {trouble}"),
        help: Some("`tidegate up` writes the file anew when it starts".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_known_by_their_names() {
        for known in [Offer::Ofrep, Offer::Evaluation, Offer::Sync, Offer::EvaluationAndSync] {
            assert_eq!(offer(name(known)), Some(known));
        }
        assert_eq!(offer("metrics"), None);
    }

    #[test]
    fn what_others_can_read_is_warned_of() {
        let at = |address: &str| FlagEdgeArgs { flags: Some(address.parse().unwrap()), ..Default::default() };
        assert_eq!(warning(&at("127.0.0.1:8016"), false), None);
        assert_eq!(warning(&at("[::1]:8016"), false), None);
        assert_eq!(warning(&at("0.0.0.0:8016"), true), None);
        let warned = warning(&at("0.0.0.0:8016"), false).unwrap();
        assert!(
            warned.starts_with("warning: flags are served at --flags 0.0.0.0:8016 without TLS"),
            "{warned}"
        );
    }

    #[test]
    fn trouble_is_found_until_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(findings(dir.path()), None);
        let trouble = Trouble(dir.path().join(TROUBLE));
        let error = SetsFile::new(dir.path().join(FILE), None);
        let (told, news) = std::sync::mpsc::channel();
        let (_hall, _following) = error.follow(move |news| told.send(news).unwrap()).unwrap();
        trouble.tell(&news.recv().unwrap());
        let found = findings(dir.path()).unwrap();
        assert!(found.message.contains("flags.json cannot be read"), "{found:?}");
        trouble.tell(&News::Served(1));
        assert_eq!(findings(dir.path()), None);
    }
}

//! What `tidegate upgrade` does in the control plane's process until it ends as the program it is: sees that the one on disk
//! runs, and has it take the gateway's place.

use std::sync::{Arc, Mutex};

use tidegate_control::{Refusal, RefusalKind, UpgradeView};
use tidegate_gateway::control::GatewayLink;

use super::gateway::{DRAIN, GatewayProcess};
use super::program::Program;

/// See the module.
#[derive(Debug)]
pub struct Upgrade {
    program: Program,
    gateway: GatewayProcess,
    link: Arc<GatewayLink>,
    /// Whether one has come as far as it can in this process. Held while one is tried.
    begun: Mutex<bool>,
}

impl Upgrade {
    /// Of a control plane that was started from `program`.
    pub fn new(program: Program, gateway: GatewayProcess, link: Arc<GatewayLink>) -> Self {
        Upgrade { program, gateway, link, begun: Mutex::new(false) }
    }

    /// Everything that can fail. Where it does, all is as it was.
    pub fn begin(&self) -> Result<UpgradeView, Refusal> {
        let Ok(mut begun) = self.begun.try_lock() else { return Err(under_way()) };
        if *begun {
            return Err(under_way());
        }
        let version = self.program.version().map_err(|failure| failure.refusal("upgrade::program"))?;
        let before = Some(self.link.observe()).filter(|seen| seen.alive).and_then(|seen| seen.pid);
        tracing::info!(version, "the program on disk takes over");
        let gateway = self.gateway.hand_over(self.program.path(), &self.link, DRAIN);
        let gateway = gateway.map_err(|failure| failure.refusal("upgrade::gateway"))?;
        *begun = true;
        Ok(UpgradeView { program: self.program.path().to_owned(), version, gateway_before: before, gateway })
    }
}

fn under_way() -> Refusal {
    Refusal::new(RefusalKind::Conflict, "upgrade::under-way", "another upgrade is under way")
        .help("see with `tidegate status` when the control plane answers again")
}

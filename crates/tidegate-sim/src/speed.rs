//! How long one pass takes while everything is at rest.

use std::fmt;
use std::time::{Duration, Instant};

use tidegate_core::model::{PortSpec, StrategyKind};
use tidegate_core::time::Millis;

use crate::ask::DeployPlan;
use crate::log::Log;
use crate::sim::Sim;
use crate::story::{Act, Faults, service, strategy};

/// Services of one app.
const PER_APP: u32 = 10;
const PASSES: u32 = 20;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Services.
    pub services: usize,
    /// Instances.
    pub instances: usize,
    /// The fastest pass.
    pub least: Duration,
    /// The middle one.
    pub median: Duration,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} services, {} instances at rest: one pass takes {:.1} ms (fastest {:.1} ms)",
            self.services,
            self.instances,
            self.median.as_secs_f64() * 1e3,
            self.least.as_secs_f64() * 1e3
        )
    }
}

/// Deploys so many services with 2 or 3 instances each and times passes once they are at rest.
#[allow(clippy::disallowed_methods, reason = "this is what is measured; nothing is decided by it")]
pub fn measure(services: u32) -> Speed {
    let mut sim = Sim::new(1, Faults::None, Log::default()).expect("a store in memory can always be opened");
    for app in 0..services.div_ceil(PER_APP) {
        let names = app * PER_APP..services.min((app + 1) * PER_APP);
        let spec = |n: u32| {
            service(PortSpec::Auto, 2 + n % 2, strategy(StrategyKind::BlueGreen, 1), "ready-after:200ms")
        };
        let services = names.map(|n| (format!("web-{n}"), spec(n))).collect();
        let (build, migrate) = (None, None);
        let plan = DeployPlan {
            app: format!("app-{app}"),
            snapshot: "one".into(),
            build,
            migrate,
            services,
            jobs: Default::default(),
            trains: Default::default(),
        };
        sim.act(&Act::Deploy(Box::new(plan))).expect("a store in memory takes a deploy");
    }
    // The pass that takes the deploys in comes before the first look at whether anything moves.
    let rested = sim
        .run_until(Millis::seconds(2), |_| false)
        .and_then(|_| sim.run_until(Millis::seconds(120), Sim::is_at_rest));
    assert_eq!(rested, Ok(true), "the services come to rest");
    let mut taken: Vec<Duration> = (0..PASSES)
        .map(|_| {
            let begun = Instant::now();
            sim.bare_pass();
            begun.elapsed()
        })
        .collect();
    taken.sort();
    Speed {
        services: sim.view.services.len(),
        instances: sim.view.services.values().map(|service| service.instances.len()).sum(),
        least: taken[0],
        median: taken[taken.len() / 2],
    }
}

//! How a service leaves with its environment: from now on no revision of it is wanted, so its instances drain and its routes go.

use crate::model::{Cause, Phase, Rollout, ServiceState};
use crate::time::Moment;

/// The service from now on, and its rollout as it ends. `None`: it wants nothing already.
pub fn leave(
    state: &ServiceState,
    rollout: Option<&Rollout>,
    why: &str,
    (now, unix_ms): (Moment, u64),
) -> Option<(ServiceState, Option<Rollout>)> {
    if state.stable.is_none() && state.rollout.is_none() {
        return None;
    }
    let gone = ServiceState {
        stable: None,
        previous: None,
        rollout: None,
        scale: None,
        autoscaled: None,
        ..state.clone()
    };
    Some((gone, rollout.map(|rollout| ended(rollout, why, (now, unix_ms)))))
}

fn ended(rollout: &Rollout, why: &str, (now, unix_ms): (Moment, u64)) -> Rollout {
    Rollout {
        phase: Phase::Aborted,
        request: None,
        ended_at: Some(now),
        ended_at_unix_ms: Some(unix_ms),
        cause: Some(Cause {
            code: "environment-removed".to_owned(),
            message: format!("its environment is taken down: {why}"),
            instance: None,
        }),
        ..rollout.clone()
    }
}

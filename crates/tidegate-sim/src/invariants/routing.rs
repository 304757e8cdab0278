//! Shares and endpoints.

use tidegate_core::model::RouteTable;

use super::{Held, ensure};
use crate::view::View;

/// Weights sum to 100, or there are no arms; only the spare arms that come last in the table have none.
pub fn invariant_weights_sum_to_100(view: &View, table: &RouteTable) -> Held {
    let of_services = view.services.iter().map(|(key, service)| {
        let weights: Vec<u32> = service.state.routing.arms.iter().map(|arm| arm.weight).collect();
        (key.to_string(), weights)
    });
    let of_table = table.upstreams.iter().map(|(key, upstream)| {
        let spare = upstream.arms.iter().rev().take_while(|arm| arm.weight == 0).count();
        let serving = upstream.arms.iter().take(upstream.arms.len() - spare);
        (key.clone(), serving.map(|arm| arm.weight).collect::<Vec<u32>>())
    });
    for (key, weights) in of_services.chain(of_table) {
        let sum: u32 = weights.iter().sum();
        let right = weights.is_empty() || (sum == 100 && weights.iter().all(|weight| *weight > 0));
        ensure("invariant_weights_sum_to_100", right, || format!("{key}: {weights:?}"))?;
    }
    Ok(())
}

/// After a pass only ready instances that are meant to run are in rotation.
pub fn invariant_rotation_is_ready(view: &View) -> Held {
    for (key, service) in &view.services {
        for id in service.state.routing.arms.iter().flat_map(|arm| &arm.instances) {
            let ready = service.instance(id).is_some_and(|instance| instance.is_ready());
            ensure("invariant_rotation_is_ready", ready, || {
                format!("{key}: {id} is in rotation: {:?}", service.instance(id))
            })?;
        }
    }
    Ok(())
}

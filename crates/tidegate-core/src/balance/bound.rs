//! Bounded load: how many requests one endpoint may have before those that prefer it go elsewhere.

/// Below this nobody is sent away from the endpoint it prefers: a browser opens several connections at once, and with
/// little traffic the mean says nothing.
const LEAST: u64 = 16;

/// Most requests in flight on an endpoint of `weight` where its arm, of `total_weight`, has `inflight`: a quarter over
/// its fair part of them.
pub fn bound(inflight: u64, weight: u64, total_weight: u64) -> u64 {
    let fair = (inflight + 1).saturating_mul(weight).saturating_mul(5);
    fair.div_ceil(total_weight.max(1).saturating_mul(4)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_follows_the_mean_and_the_weight() {
        assert_eq!(bound(0, 100, 300), LEAST);
        assert_eq!(bound(299, 100, 300), 125);
        assert_eq!(bound(299, 200, 300), 250);
    }

    #[test]
    fn some_endpoint_is_always_below_its_bound() {
        for inflight in 0..2_000 {
            let sum: u64 = [100, 50, 7, 1].map(|weight| bound(inflight, weight, 158)).iter().sum();
            assert!(sum > inflight, "{inflight}");
        }
    }
}

//! Numbers from bytes that are the same in every process and on every machine: two gateways agree on them.

/// The finalizer of SplitMix64: neighbouring inputs, unrelated outputs, and no two inputs with one output.
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number for a key. Good for spreading, not for secrets: whoever may choose keys can choose their numbers.
pub fn hash(key: &[u8]) -> u64 {
    let mut state = mix(key.len() as u64);
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_fall_apart_and_lengths_count() {
        let numbers: std::collections::BTreeSet<u64> =
            (0..1_000).map(|n| hash(format!("user-{n}").as_bytes()) >> 48).collect();
        assert!(numbers.len() > 980, "{} of 1,000 in 65,536 cells", numbers.len());
        assert_ne!(hash(b"a"), hash(b"a\0"));
        assert_ne!(hash(b""), hash(b"\0"));
    }

    #[test]
    fn a_number_is_the_same_for_ever() {
        // Another version of the gateway next to this one must send a client to the same endpoint.
        assert_eq!(hash(b"user-1"), 16_005_154_187_258_756_048);
    }
}

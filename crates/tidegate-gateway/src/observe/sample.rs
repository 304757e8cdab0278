//! Which requests the access log has. Decided by the request's id alone, so everybody who asks gets the same answer.

/// Which share of requests is logged. Answers from 500 on are logged in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Requests whose id, spread over all 64-bit numbers, falls below this.
    Below(u64),
    /// Every request.
    All,
}

/// Whether the log wants a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// In no case: there is no log.
    Never,
    /// If it fails.
    Failed,
    /// In any case.
    Always,
}

impl Wish {
    /// Now that its status is known; 0: it had no answer.
    pub(crate) fn holds(self, status: u16) -> bool {
        match self {
            Wish::Never => false,
            Wish::Failed => status >= 500,
            Wish::Always => true,
        }
    }
}

impl Sample {
    pub(crate) fn wish(self, id: &[u8]) -> Wish {
        match self {
            Sample::All => Wish::Always,
            Sample::Below(bound) if spread(id) < bound => Wish::Always,
            Sample::Below(_) => Wish::Failed,
        }
    }
}

/// A number that depends on every byte and on nothing else: FNV-1a, then the finalizer of SplitMix64, since ids that count
/// up differ in their last bytes only.
fn spread(id: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = id.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_ids_that_count_up_is_that_share() {
        let percent = Sample::Below(u64::MAX / 100);
        let ids = (0..100_000).map(|next| format!("{:016x}{next:08x}", 0x1234_5678_9abc_def0_u64));
        let wanted = ids.filter(|id| percent.wish(id.as_bytes()) == Wish::Always).count();
        assert!((900..1100).contains(&wanted), "{wanted} of 100,000 at 1 %");
    }

    #[test]
    fn failures_are_wanted_where_there_is_a_log() {
        let none = Sample::Below(0);
        assert_eq!([499, 500, 599].map(|status| none.wish(b"id").holds(status)), [false, true, true]);
        assert!(Sample::All.wish(b"id").holds(200));
    }
}

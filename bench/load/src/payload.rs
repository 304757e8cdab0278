//! Bodies: pieces of one pool of random letters and digits, so that a body costs no memory of its own and comes back
//! unchanged from servers that echo it inside JSON.

/// Bytes in a large body.
pub const LARGE: usize = 1 << 20;
/// Bytes in a small body.
pub const SMALL: usize = 512;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The pool.
#[derive(Debug)]
pub struct Payload {
    pool: Vec<u8>,
}

impl Payload {
    /// Fills the pool; the same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut pool = Vec::with_capacity(2 * LARGE);
        while pool.len() < 2 * LARGE {
            let bits = random.bits();
            pool.extend((0..10).map(|i| LETTERS[(bits >> (i * 6)) as usize & 63]));
        }
        Payload { pool }
    }

    /// `length` bytes, at most [`LARGE`], that differ from those of other requests.
    pub fn body(&self, sequence: u64, length: usize) -> &[u8] {
        let start = (sequence as usize).wrapping_mul(97) % LARGE;
        &self.pool[start..start + length.min(LARGE)]
    }
}

/// A small random number generator (SplitMix64): load needs variety, not secrecy.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// True in `percent` of 100 calls.
    pub fn chance(&mut self, percent: f64) -> bool {
        ((self.bits() >> 11) as f64 / (1u64 << 53) as f64) * 100.0 < percent
    }
}

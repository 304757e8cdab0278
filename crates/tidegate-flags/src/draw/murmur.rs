//! MurmurHash3, 32 bits, seed 0, fed piece by piece so that nothing has to be put together first.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// A hash under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Murmur {
    state: u32,
    /// What is left of the last piece: the lowest `length % 4` bytes.
    tail: u32,
    length: u32,
}

/// The hash of one piece.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    let mut hash = Murmur::default();
    hash.feed(bytes);
    hash.finish()
}

impl Murmur {
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.length.is_multiple_of(4)
            && let Some((first, rest)) = bytes.split_first()
        {
            self.feed_byte(*first);
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<4>();
        for block in blocks {
            self.mix(u32::from_le_bytes(*block));
            self.length = self.length.wrapping_add(4);
        }
        for byte in rest {
            self.feed_byte(*byte);
        }
    }

    fn feed_byte(&mut self, byte: u8) {
        self.tail |= u32::from(byte) << (8 * (self.length % 4));
        self.length = self.length.wrapping_add(1);
        if self.length.is_multiple_of(4) {
            let block = std::mem::take(&mut self.tail);
            self.mix(block);
        }
    }

    fn mix(&mut self, block: u32) {
        self.state =
            (self.state ^ scrambled(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }

    pub(crate) fn finish(self) -> u32 {
        let mut h = self.state ^ scrambled(self.tail) ^ self.length;
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^ (h >> 16)
    }
}

fn scrambled(block: u32) -> u32 {
    block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_reference() {
        let cases = [
            ("", 0),
            ("hello", 0x248b_fa47),
            ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
            ("ejOoVL", 0),
            ("bY9fO-", 1),
            ("SI7p-", 0x7fff_ffff),
            ("6LvT0", 0x8000_0000),
            ("ceQdGm", 0xffff_ffff),
        ];
        for (text, expected) in cases {
            assert_eq!(hash(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut() {
        let whole = b"a key of some length, and more";
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let mut cut = Murmur::default();
                for piece in [&whole[..first], &whole[first..second], &whole[second..]] {
                    cut.feed(piece);
                }
                assert_eq!(cut.finish(), hash(whole), "cut at {first} and {second}");
            }
        }
    }
}

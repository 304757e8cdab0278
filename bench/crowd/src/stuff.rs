//! Bytes for large bodies that differ everywhere, made again from their number alone.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

const PART: usize = 64 << 10;

/// So many bytes, part by part.
#[derive(Clone, Copy, Debug)]
pub struct Stuff {
    left: u64,
    state: u64,
}

impl Stuff {
    /// The same bytes for the same length.
    pub fn of(length: u64) -> Self {
        Stuff { left: length, state: length }
    }

    /// Writes them to a file.
    pub fn write_to(self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        self.into_iter().try_for_each(|part| file.write_all(&part))
    }

    /// Their SHA-256, as `sha256sum` has it.
    pub fn sum(self) -> String {
        let mut digest = Sha256::new();
        self.into_iter().for_each(|part| digest.update(part));
        hex(&digest.finalize())
    }
}

impl Iterator for Stuff {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.left == 0 {
            return None;
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(PART);
        self.left -= length as u64;
        let mut part = Vec::with_capacity(PART);
        while part.len() < length {
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            part.extend_from_slice(&(self.state >> 16).to_le_bytes());
        }
        part.truncate(length);
        Some(part)
    }
}

/// Bytes in digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_its_length_and_is_the_same_each_time() {
        let length = PART as u64 * 2 + 5;
        assert_eq!(Stuff::of(length).map(|part| part.len() as u64).sum::<u64>(), length);
        assert_eq!(Stuff::of(length).sum(), Stuff::of(length).sum());
        assert_ne!(Stuff::of(length).sum(), Stuff::of(length + 1).sum());
    }
}

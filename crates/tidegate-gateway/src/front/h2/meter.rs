//! Counts frames that cost us work and carry nothing: SETTINGS, PING, PRIORITY, RST_STREAM, WINDOW_UPDATE, empty DATA,
//! CONTINUATION and unknown ones. A client has some to spend, gets more with time and with every byte it is sent, and is cut
//! off when it has none left. Pure: reads frame heads as the bytes go by.

use std::time::{Duration, Instant};

/// What a client may spend at once. A browser that leaves a page takes some hundred requests back.
const MOST: u32 = 4_000;
/// What it gets back a second …
const PER_SECOND: u32 = 400;
/// … and for so many bytes of answers, besides: who takes much has windows to update and round trips to measure.
const BYTES_EACH: u64 = 512;
/// Of a request that is taken back: it cost more than a frame.
const RESET_PRICE: u32 = 4;

const PREFACE: usize = 24;
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;

/// See the module.
#[derive(Debug)]
pub(super) struct Meter {
    left: u32,
    refilled: Instant,
    sent: u64,
    /// Bytes to let by before the next head: of the preface, or of a frame's content.
    skip: usize,
    head: [u8; HEAD],
    have: usize,
}

/// The client spent more than it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood;

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Meter { left: MOST, refilled: now, sent: 0, skip: PREFACE, head: [0; HEAD], have: 0 }
    }

    /// Bytes went to the client.
    pub(super) fn on_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        let earned = self.sent / BYTES_EACH;
        self.sent %= BYTES_EACH;
        self.earn(earned);
    }

    /// Bytes came from the client. The clock is asked only when nothing is left.
    pub(super) fn on_read(&mut self, mut bytes: &[u8], now: impl Fn() -> Instant) -> Result<(), Flood> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let take = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            bytes = &bytes[take..];
            if self.have == HEAD {
                self.on_head(&now)?;
            }
        }
        Ok(())
    }

    fn on_head(&mut self, now: &impl Fn() -> Instant) -> Result<(), Flood> {
        self.have = 0;
        let length = u32::from_be_bytes([0, self.head[0], self.head[1], self.head[2]]) as usize;
        self.skip = length;
        let price = match self.head[3] {
            DATA if length > 0 || self.ends_stream() => return Ok(()),
            HEADERS => return Ok(()),
            RST_STREAM => RESET_PRICE,
            _ => 1,
        };
        self.spend(price, now)
    }

    fn ends_stream(&self) -> bool {
        self.head[4] & 1 != 0
    }

    fn spend(&mut self, price: u32, now: &impl Fn() -> Instant) -> Result<(), Flood> {
        if self.left < price {
            self.refill(now());
        }
        self.left = self.left.checked_sub(price).ok_or(Flood)?;
        Ok(())
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled).min(Duration::from_secs(3_600));
        let earned = passed.as_millis() as u64 * u64::from(PER_SECOND) / 1_000;
        if earned > 0 {
            self.refilled = now;
            self.earn(earned);
        }
    }

    fn earn(&mut self, earned: u64) {
        self.left = u64::from(self.left).saturating_add(earned).min(u64::from(MOST)) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let mut bytes = (length as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(vec![0; length]);
        bytes
    }

    fn begun() -> (Meter, Instant) {
        let now = Instant::now();
        let mut meter = Meter::new(now);
        meter.on_read(&[b'x'; PREFACE], || now).unwrap();
        (meter, now)
    }

    /// How many of the frame go by.
    fn allowed(meter: &mut Meter, frame: &[u8], now: Instant) -> u32 {
        (0..MOST * 3).take_while(|_| meter.on_read(frame, || now).is_ok()).count() as u32
    }

    #[test]
    fn frames_that_carry_nothing_are_limited() {
        for (kind, length) in [(0, 0), (2, 5), (4, 6), (6, 8), (8, 4), (9, 1), (77, 3)] {
            let (mut meter, now) = begun();
            assert_eq!(allowed(&mut meter, &frame(kind, 0, length), now), MOST, "kind {kind}");
        }
        let (mut meter, now) = begun();
        assert_eq!(allowed(&mut meter, &frame(RST_STREAM, 0, 4), now), MOST / RESET_PRICE);
    }

    #[test]
    fn requests_and_bodies_are_not() {
        for (kind, flags, length) in [(0, 0, 1), (0, 1, 0), (1, 5, 20)] {
            let (mut meter, now) = begun();
            assert_eq!(allowed(&mut meter, &frame(kind, flags, length), now), MOST * 3, "kind {kind}");
        }
    }

    #[test]
    fn time_and_answers_earn_more() {
        let (mut meter, now) = begun();
        let ping = frame(6, 0, 0); // without content: the meter is read on after it said stop
        assert_eq!(allowed(&mut meter, &ping, now), MOST);
        assert_eq!(allowed(&mut meter, &ping, now + Duration::from_secs(1)), PER_SECOND);
        meter.on_sent(BYTES_EACH as usize * 7 + 1);
        assert_eq!(allowed(&mut meter, &ping, now + Duration::from_secs(1)), 7);
        assert_eq!(allowed(&mut meter, &ping, now + Duration::from_secs(100)), MOST);
    }

    #[test]
    fn it_does_not_matter_where_reads_split() {
        let now = Instant::now();
        let mut bytes = vec![b'x'; PREFACE];
        for _ in 0..3 {
            bytes.extend(frame(6, 0, 8));
            bytes.extend(frame(0, 0, 300));
        }
        for piece in 1..bytes.len() {
            let mut meter = Meter::new(now);
            bytes.chunks(piece).for_each(|piece| meter.on_read(piece, || now).unwrap());
            assert_eq!((meter.left, meter.have, meter.skip), (MOST - 3, 0, 0), "pieces of {piece}");
        }
    }
}

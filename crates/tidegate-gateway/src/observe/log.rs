//! A worker's end of the access log: lines gather in a buffer of its own and go to the writer by the piece.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::SystemTime;

use super::Record;
use super::line::Lines;
use super::writer::{LogCounts, Piece};

/// From how many bytes on a piece goes out.
const PIECE: usize = 32 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Log {
    lines: Lines,
    piece: Piece,
    send: SyncSender<Piece>,
    counts: Arc<LogCounts>,
}

impl Log {
    pub(super) fn new(lines: Lines, send: SyncSender<Piece>, counts: Arc<LogCounts>) -> Self {
        Log { lines, piece: Piece::default(), send, counts }
    }

    pub(super) fn write(&mut self, record: &Record<'_>, now: SystemTime) {
        self.lines.write(record, now, &mut self.piece.bytes);
        self.piece.lines += 1;
        if self.piece.bytes.len() >= PIECE {
            self.flush();
        }
    }

    /// Hands over what there is; where the writer has fallen behind the lines are lost.
    pub(super) fn flush(&mut self) {
        if self.piece.lines == 0 {
            return;
        }
        let next = Piece { bytes: Vec::with_capacity(PIECE + PIECE / 8), lines: 0 };
        let piece = std::mem::replace(&mut self.piece, next);
        if let Err(TrySendError::Full(piece) | TrySendError::Disconnected(piece)) = self.send.try_send(piece)
        {
            self.counts.lose(piece.lines);
            // Its buffer is good for the next lines.
            self.piece.bytes = piece.bytes;
            self.piece.bytes.clear();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::line::tests::record;
    use std::sync::mpsc::sync_channel;

    fn log(queue: usize) -> (Log, std::sync::mpsc::Receiver<Piece>, Arc<LogCounts>) {
        let (send, receive) = sync_channel(queue);
        let counts = Arc::new(LogCounts::default());
        (Log::new(Lines::new(false), send, counts.clone()), receive, counts)
    }

    #[test]
    fn pieces_go_out_when_they_are_large_enough_and_at_the_end() {
        let (mut log, receive, counts) = log(1_000);
        for _ in 0..500 {
            log.write(&record(), SystemTime::now());
        }
        drop(log);
        let pieces: Vec<Piece> = receive.iter().collect();
        assert!(pieces.len() > 1);
        assert_eq!(pieces.iter().map(|piece| piece.lines).sum::<u64>(), 500);
        let newlines = |piece: &Piece| piece.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert!(pieces.iter().all(|piece| newlines(piece) == piece.lines));
        assert_eq!(counts.lost(), 0);
    }

    #[test]
    fn a_writer_that_fell_behind_costs_lines_and_nothing_else() {
        let (mut log, receive, counts) = log(1);
        for _ in 0..3 {
            log.write(&record(), SystemTime::now());
            log.flush();
        }
        assert_eq!((counts.lost(), receive.try_iter().count()), (2, 1));
        log.write(&record(), SystemTime::now());
        log.flush();
        assert_eq!(receive.try_recv().unwrap().lines, 1);
    }
}

//! The head of an answer over a plain socket.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::app::INSTANCE;

const LONGEST: usize = 16 << 10;

/// As far as the clients here care.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) instance: String,
    /// What was read beyond it.
    pub(super) rest: Vec<u8>,
}

/// Reads one.
pub(super) async fn read<R: AsyncRead + Unpin>(source: &mut R) -> io::Result<Head> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return parse(&String::from_utf8_lossy(&bytes), rest);
        }
        if bytes.len() > LONGEST || source.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no head of an answer"));
        }
    }
}

fn parse(text: &str, rest: Vec<u8>) -> io::Result<Head> {
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status"))?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let instance = fields.find(|(name, _)| name.eq_ignore_ascii_case(INSTANCE));
    let instance = instance.map_or("", |(_, value)| value.trim()).to_owned();
    Ok(Head { status, instance, rest })
}

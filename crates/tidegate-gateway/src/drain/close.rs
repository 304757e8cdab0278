//! The WebSocket Close frame of a gateway that makes room for another: 1012, Service Restart. Clients that know it
//! connect again.

const CODE: [u8; 2] = 1012_u16.to_be_bytes();
const REASON: &[u8; 15] = b"service restart";
const PAYLOAD: usize = CODE.len() + REASON.len();
const FIN_CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;

/// As a server sends it.
pub(crate) fn close_to_client() -> [u8; 2 + PAYLOAD] {
    let mut frame = [0; 2 + PAYLOAD];
    (frame[0], frame[1]) = (FIN_CLOSE, PAYLOAD as u8);
    frame[2..4].copy_from_slice(&CODE);
    frame[4..].copy_from_slice(REASON);
    frame
}

/// As a client sends it: masked. The key need not be secret, only not of the sender's choosing.
pub(crate) fn close_to_instance(key: [u8; 4]) -> [u8; 6 + PAYLOAD] {
    let plain = close_to_client();
    let mut frame = [0; 6 + PAYLOAD];
    (frame[0], frame[1]) = (plain[0], plain[1] | MASKED);
    frame[2..6].copy_from_slice(&key);
    for (index, byte) in plain[2..].iter().enumerate() {
        frame[6 + index] = byte ^ key[index % 4];
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_1012_both_ways() {
        let client = close_to_client();
        assert_eq!((client[0], client[1], &client[2..4]), (0x88, 17, &[0x03, 0xf4][..]));
        let instance = close_to_instance([1, 2, 3, 4]);
        assert_eq!((instance[0], instance[1]), (0x88, 0x80 | 17));
        let bare: Vec<u8> =
            instance[6..].iter().zip([1, 2, 3, 4].iter().cycle()).map(|(b, k)| b ^ k).collect();
        assert_eq!(bare, &client[2..]);
    }
}

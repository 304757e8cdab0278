//! Every frame in every split.

use proptest::prelude::*;

use super::*;
use crate::drain::{close_to_client, close_to_instance};

fn frame(opcode: u8, last: bool, masked: bool, payload: usize) -> Vec<u8> {
    let mut bytes = vec![opcode | if last { 0x80 } else { 0 }];
    let mask = if masked { 0x80 } else { 0 };
    match payload {
        0..=125 => bytes.push(mask | payload as u8),
        126..=0xffff => {
            bytes.push(mask | 126);
            bytes.extend((payload as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((payload as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend([1, 2, 3, 4]);
    }
    bytes.resize(bytes.len() + payload, 0x88);
    bytes
}

/// A message in some fragments, with pings in between.
#[derive(Clone, Debug)]
struct Spoken {
    fragments: Vec<usize>,
    pings: bool,
}

fn spoken() -> impl Strategy<Value = Spoken> {
    let length = prop_oneof![0_usize..4, 120_usize..130, 65_530_usize..65_540];
    (prop::collection::vec(length, 1..4), any::<bool>())
        .prop_map(|(fragments, pings)| Spoken { fragments, pings })
}

fn bytes_of(message: &Spoken, masked: bool) -> Vec<u8> {
    let count = message.fragments.len();
    let piece = |(index, payload): (usize, &usize)| {
        let opcode = if index == 0 { TEXT } else { CONTINUATION };
        let mut bytes = frame(opcode, index + 1 == count, masked, *payload);
        if message.pings && index + 1 < count {
            bytes.extend(frame(0x9, true, masked, 5));
        }
        bytes
    };
    message.fragments.iter().enumerate().flat_map(piece).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn boundaries_are_where_messages_end_however_they_are_split(
        messages in prop::collection::vec(spoken(), 1..5),
        masked in any::<bool>(),
        piece in 1_usize..9_000,
    ) {
        let mut ends = vec![0];
        let mut stream = Vec::new();
        for message in &messages {
            stream.extend(bytes_of(message, masked));
            ends.push(stream.len());
        }
        let mut frames = Frames::new(masked);
        let mut found = vec![];
        let mut base = 0;
        for chunk in stream.chunks(piece) {
            let mut at = 0;
            while at < chunk.len() {
                match frames.advance_to_boundary(&chunk[at..]) {
                    Some(used) => {
                        at += used;
                        if found.last() != Some(&(base + at)) {
                            found.push(base + at);
                        }
                        if at < chunk.len() {
                            frames.advance(&chunk[at..at + 1]);
                            at += 1;
                        }
                    }
                    None => at = chunk.len(),
                }
            }
            base += chunk.len();
        }
        if frames.is_between_messages() && found.last() != Some(&stream.len()) {
            found.push(stream.len());
        }
        prop_assert_eq!(found, ends);
        prop_assert!(!frames.is_lost() && !frames.is_closed());
    }

    #[test]
    fn anything_at_all_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut frames = Frames::of_client();
        frames.advance(&bytes);
        let _ = frames.advance_to_boundary(&bytes);
    }
}

#[test]
fn a_fragmented_message_is_no_place_between_messages() {
    let mut frames = Frames::of_instance();
    frames.advance(&frame(TEXT, false, false, 3));
    assert!(frames.is_between_frames() && !frames.is_between_messages());
    frames.advance(&frame(0x9, true, false, 3));
    assert!(!frames.is_between_messages());
    frames.advance(&frame(CONTINUATION, true, false, 0));
    assert!(frames.is_between_messages());
}

#[test]
fn our_own_closes_are_seen_as_closes() {
    let (mut instance, mut client) = (Frames::of_instance(), Frames::of_client());
    instance.advance(&close_to_client());
    client.advance(&close_to_instance([9, 8, 7, 6]));
    assert!(instance.is_closed() && client.is_closed());
    let mut bare = Frames::of_instance();
    bare.advance(&[0x88, 0]);
    assert!(bare.is_closed() && !bare.is_between_frames());
}

#[test]
fn what_is_no_websocket_is_left_alone() {
    for (bytes, why) in [
        (&b"hello"[..], "a Close in fragments"),
        (&[0x81, 0x05], "not masked"),
        (&[0x80, 0x80, 0, 0, 0, 0], "a continuation of nothing"),
        (&[0x83, 0x80, 0, 0, 0, 0], "an opcode nobody defined"),
        (&[0x89, 0xfe, 0, 200, 0, 0, 0, 0], "a long ping"),
        (&[0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "longer than any"),
    ] {
        let mut frames = Frames::of_client();
        frames.advance(bytes);
        assert!(frames.is_lost(), "{why}");
        assert_eq!(frames.advance_to_boundary(b"more"), None);
    }
}

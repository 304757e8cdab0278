//! The programs, instruction by instruction: each of 8 bytes, as the kernel's `struct bpf_insn`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A program, where it goes, and what it is attached as.
pub(super) struct Program {
    /// The kernel's `bpf_prog_type`.
    pub(super) kind: u32,
    /// The kernel's `bpf_attach_type`.
    pub(super) attached_as: u32,
    /// Its instructions.
    pub(super) code: Vec<u64>,
}

/// Programs that see packets, and those that see the address of a `connect`.
const SKB: u32 = 8;
const SOCK_ADDR: u32 = 18;
const EGRESS: u32 = 1;
const CONNECT_V4: u32 = 10;
const CONNECT_V6: u32 = 11;

/// Offsets in the kernel's `bpf_sock_addr`.
const USER_IP4: i16 = 4;
const USER_IP6: i16 = 8;
const USER_PORT: i16 = 24;
/// Offsets of the destination in a head of IP, and the length of one.
const V4_TO: i16 = 16;
const V4_HEAD: i32 = 20;
const V6_TO: i16 = 24;
const V6_HEAD: i32 = 40;
/// The helper that copies bytes of a packet.
const SKB_LOAD_BYTES: i32 = 26;
/// Where on the stack a head is copied to, and a port.
const HEAD: i16 = -48;
const PORT: i16 = -8;
/// Names are asked for here.
const DNS: u16 = 53;

/// Registers: the answer, arguments of calls, some that calls keep, the stack.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
const R6: u8 = 6;
const STACK: u8 = 10;

/// Where a jump goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Allow,
    Deny,
    V6,
    Hit4,
    Hit6,
    /// The end of a comparison.
    Next(usize),
}

impl Program {
    /// Refuses `connect` to addresses of IPv4.
    pub(super) fn of_connect_v4(v4: &[Ipv4Addr]) -> Program {
        let mut code = Code::default();
        code.unless_names(R1);
        code.load(WORD, R2, R1, USER_IP4);
        v4.iter().for_each(|address| code.jump_if(R2, word(address.octets()), To::Deny));
        code.end(SOCK_ADDR, CONNECT_V4)
    }

    /// Refuses `connect` to addresses of IPv6, those among them that mean one of IPv4.
    pub(super) fn of_connect_v6(v4: &[Ipv4Addr], v6: &[Ipv6Addr]) -> Program {
        let mut code = Code::default();
        code.unless_names(R1);
        let mapped = v4.iter().map(Ipv4Addr::to_ipv6_mapped);
        for address in v6.iter().copied().chain(mapped) {
            code.compare_v6(R1, USER_IP6, address, To::Deny);
        }
        code.end(SOCK_ADDR, CONNECT_V6)
    }

    /// Drops packets to these addresses.
    pub(super) fn of_packets(v4: &[Ipv4Addr], v6: &[Ipv6Addr]) -> Program {
        let mut code = Code::default();
        code.copy(R6, R1);
        code.set(R2, 0);
        code.bytes(HEAD, V4_HEAD, To::Allow);
        code.load(BYTE, R2, STACK, HEAD);
        code.shift_right(R2, 4);
        code.jump_if(R2, 6, To::V6);
        code.load(WORD, R2, STACK, HEAD + V4_TO);
        v4.iter().for_each(|address| code.jump_if(R2, word(address.octets()), To::Hit4));
        code.jump(To::Allow);
        code.here(To::Hit4);
        code.load(BYTE, R2, STACK, HEAD);
        code.and(R2, 15);
        code.shift_left(R2, 2);
        code.add(R2, 2);
        code.unless_packet_asks_names();
        code.here(To::V6);
        code.set(R2, 0);
        code.bytes(HEAD, V6_HEAD, To::Allow);
        v6.iter().for_each(|address| code.compare_v6(STACK, HEAD + V6_TO, *address, To::Hit6));
        code.jump(To::Allow);
        code.here(To::Hit6);
        code.set(R2, V6_HEAD + 2);
        code.unless_packet_asks_names();
        code.end(SKB, EGRESS)
    }
}

/// Four bytes as the kernel compares them.
fn word(octets: [u8; 4]) -> i32 {
    i32::from_ne_bytes(octets)
}

const BYTE: u8 = 0x71;
const HALF: u8 = 0x69;
const WORD: u8 = 0x61;

/// Instructions, and where jumps are still open.
#[derive(Default)]
struct Code {
    made: Vec<(u8, u8, i16, i32)>,
    open: Vec<(usize, To)>,
    known: Vec<(To, usize)>,
    comparisons: usize,
}

impl Code {
    fn put(&mut self, op: u8, to: u8, from: u8, offset: i16, value: i32) {
        self.made.push((op, (from << 4) | to, offset, value));
    }

    fn load(&mut self, size: u8, to: u8, from: u8, offset: i16) {
        self.put(size, to, from, offset, 0);
    }

    fn set(&mut self, to: u8, value: i32) {
        self.put(0xb7, to, 0, 0, value);
    }

    fn copy(&mut self, to: u8, from: u8) {
        self.put(0xbf, to, from, 0, 0);
    }

    fn add(&mut self, to: u8, value: i32) {
        self.put(0x07, to, 0, 0, value);
    }

    fn and(&mut self, to: u8, value: i32) {
        self.put(0x57, to, 0, 0, value);
    }

    fn shift_left(&mut self, to: u8, by: i32) {
        self.put(0x67, to, 0, 0, by);
    }

    fn shift_right(&mut self, to: u8, by: i32) {
        self.put(0x77, to, 0, 0, by);
    }

    fn jump(&mut self, to: To) {
        self.open.push((self.made.len(), to));
        self.put(0x05, 0, 0, 0, 0);
    }

    /// Over the lower 32 bits.
    fn jump_if(&mut self, register: u8, value: i32, to: To) {
        self.open.push((self.made.len(), to));
        self.put(0x16, register, 0, 0, value);
    }

    fn jump_unless(&mut self, register: u8, value: i32, to: To) {
        self.open.push((self.made.len(), to));
        self.put(0x56, register, 0, 0, value);
    }

    fn here(&mut self, name: To) {
        self.known.push((name, self.made.len()));
    }

    /// Allows a `connect` to the port of names.
    fn unless_names(&mut self, context: u8) {
        self.load(WORD, R2, context, USER_PORT);
        self.jump_if(R2, i32::from(DNS.to_be()), To::Allow);
    }

    /// Four words against an address.
    fn compare_v6(&mut self, from: u8, offset: i16, address: Ipv6Addr, hit: To) {
        self.comparisons += 1;
        let next = To::Next(self.comparisons);
        let words = address.octets();
        let (words, _) = words.as_chunks::<4>();
        for (place, octets) in (offset..).step_by(4).zip(words) {
            self.load(WORD, R2, from, place);
            self.jump_unless(R2, word(*octets), next);
        }
        self.jump(hit);
        self.here(next);
    }

    /// Copies bytes of the packet from the offset in R2 to the stack.
    fn bytes(&mut self, place: i16, length: i32, otherwise: To) {
        self.copy(R1, R6);
        self.copy(R3, STACK);
        self.add(R3, i32::from(place));
        self.set(R4, length);
        self.put(0x85, 0, 0, 0, SKB_LOAD_BYTES);
        self.jump_unless(R0, 0, otherwise);
    }

    /// Drops the packet whose port is at the offset in R2, but for one to the port of names.
    fn unless_packet_asks_names(&mut self) {
        self.bytes(PORT, 2, To::Deny);
        self.load(HALF, R2, STACK, PORT);
        self.jump_if(R2, i32::from(DNS.to_be()), To::Allow);
        self.jump(To::Deny);
    }

    /// Allows what is left, and says where all jumps go.
    fn end(mut self, kind: u32, attached_as: u32) -> Program {
        for (name, answer) in [(To::Allow, 1), (To::Deny, 0)] {
            self.here(name);
            self.set(R0, answer);
            self.put(0x95, 0, 0, 0, 0);
        }
        for (at, to) in &self.open {
            let (_, target) = self.known.iter().find(|(name, _)| name == to).expect("every place is put");
            self.made[*at].2 = i16::try_from(target - at - 1).expect("programs are short and go forward");
        }
        let code = self.made.iter().map(|(op, registers, offset, value)| {
            let [o0, o1] = offset.to_ne_bytes();
            let [v0, v1, v2, v3] = value.to_ne_bytes();
            u64::from_ne_bytes([*op, registers_of(*registers), o0, o1, v0, v1, v2, v3])
        });
        Program { kind, attached_as, code: code.collect() }
    }
}

/// Two halves of a byte, which lie as the machine's bytes do.
fn registers_of(pair: u8) -> u8 {
    if cfg!(target_endian = "big") { pair.rotate_left(4) } else { pair }
}

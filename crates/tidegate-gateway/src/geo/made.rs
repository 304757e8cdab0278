//! Makes small databases in MaxMind's format, for tests. Networks must not overlap.

use std::net::IpAddr;

/// What a database is to know of a network.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// In CIDR form.
    pub network: &'a str,
    /// Its country's code.
    pub country: &'a str,
    /// Its continent's code.
    pub continent: &'a str,
    /// Subdivisions, largest first.
    pub regions: &'a [&'a str],
    /// Latitude and longitude.
    pub location: Option<(f64, f64)>,
}

/// A network of which no more than this is known.
pub fn country<'a>(network: &'a str, country: &'a str, continent: &'a str) -> Entry<'a> {
    Entry { network, country, continent, regions: &[], location: None }
}

enum Value<'a> {
    Text(&'a str),
    Double(f64),
    /// Extended type and bytes.
    Number(u8, u64),
    Map(Vec<(&'a str, Value<'a>)>),
    Array(Vec<Value<'a>>),
}

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database of this type, with IPv4 networks in `::/96`.
pub fn made(kind: &str, entries: &[Entry<'_>]) -> Vec<u8> {
    let mut nodes = vec![[Child::Nothing; 2]];
    let mut data = Vec::new();
    for entry in entries {
        insert(&mut nodes, entry.network, data.len());
        write(&mut data, &record(entry));
    }
    let mut bytes = Vec::new();
    for child in nodes.iter().flatten() {
        let pointer = match child {
            Child::Nothing => nodes.len(),
            Child::Node(index) => *index,
            Child::Data(offset) => nodes.len() + 16 + offset,
        };
        bytes.extend_from_slice(&(pointer as u32).to_be_bytes()[1..]);
    }
    bytes.extend_from_slice(&[0; 16]);
    bytes.append(&mut data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    write(&mut bytes, &metadata(kind, nodes.len() as u64));
    bytes
}

fn insert(nodes: &mut Vec<[Child; 2]>, network: &str, offset: usize) {
    let (address, length) = network.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    let (bits, length) = match address.parse().unwrap() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), length + 96),
        IpAddr::V6(address) => (address.to_bits(), length),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = (bits >> (127 - depth) & 1) as usize;
        if depth + 1 == length {
            nodes[node][side] = Child::Data(offset);
        } else if let Child::Node(next) = nodes[node][side] {
            node = next;
        } else {
            nodes.push([Child::Nothing; 2]);
            nodes[node][side] = Child::Node(nodes.len() - 1);
            node = nodes.len() - 1;
        }
    }
}

fn record<'a>(entry: &Entry<'a>) -> Value<'a> {
    let coded = |code: &'a str| Value::Map(vec![("iso_code", Value::Text(code))]);
    let mut fields = vec![
        ("country", coded(entry.country)),
        ("continent", Value::Map(vec![("code", Value::Text(entry.continent))])),
        ("subdivisions", Value::Array(entry.regions.iter().map(|region| coded(region)).collect())),
    ];
    if let Some((latitude, longitude)) = entry.location {
        let location = vec![("latitude", Value::Double(latitude)), ("longitude", Value::Double(longitude))];
        fields.push(("location", Value::Map(location)));
    }
    Value::Map(fields)
}

fn metadata(kind: &str, nodes: u64) -> Value<'_> {
    const U16: u8 = 5;
    const U32: u8 = 6;
    const U64: u8 = 9;
    Value::Map(vec![
        ("binary_format_major_version", Value::Number(U16, 2)),
        ("binary_format_minor_version", Value::Number(U16, 0)),
        ("build_epoch", Value::Number(U64, 1_700_000_000)),
        ("database_type", Value::Text(kind)),
        ("description", Value::Map(vec![("en", Value::Text("made for a test"))])),
        ("ip_version", Value::Number(U16, 6)),
        ("languages", Value::Array(vec![Value::Text("en")])),
        ("node_count", Value::Number(U32, nodes)),
        ("record_size", Value::Number(U16, 24)),
    ])
}

fn write(bytes: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Text(text) => {
            begin(bytes, 2, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::Double(number) => {
            begin(bytes, 3, 8);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Number(kind, number) => {
            let all = number.to_be_bytes();
            let used = &all[number.leading_zeros() as usize / 8..];
            begin(bytes, *kind, used.len());
            bytes.extend_from_slice(used);
        }
        Value::Map(fields) => {
            begin(bytes, 7, fields.len());
            for (name, value) in fields {
                write(bytes, &Value::Text(name));
                write(bytes, value);
            }
        }
        Value::Array(items) => {
            begin(bytes, 11, items.len());
            items.iter().for_each(|item| write(bytes, item));
        }
    }
}

/// Type and size; types over 7 have a byte of their own.
fn begin(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    let (short, long) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
    match kind {
        8.. => bytes.extend_from_slice(&[short, kind - 7]),
        _ => bytes.push(kind << 5 | short),
    }
    bytes.extend(long);
}

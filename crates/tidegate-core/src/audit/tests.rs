//! Whatever is done to a chain is found; and the encoding is what it was on the first day.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::access::{Action, Caller, Origin, Who};
use crate::event::Event;
use crate::model::Name;

const HERE: &str = "4f1b00750123456789abcdef01234567";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn deed(n: u64) -> Deed {
    let caller = Caller::owner(1_000);
    Deed::new(Action::Operate, "scale")
        .by(&caller)
        .at(Some(&name("shop")), Some(&name("production")))
        .with("service", "web")
        .with("instances", n)
        .because(Some("the sale\nbegins"))
        .changed(Some("auto"), Some("3"))
}

/// A whole chain.
fn chain(length: u64) -> Vec<Link> {
    let mut prev = begin(HERE);
    let links = (1..=length).map(|seq| {
        let link = Entry { seq, at_ms: 1_767_323_045_000 + seq, prev, deed: deed(seq) }.link().unwrap();
        prev = link.hash;
        link
    });
    links.collect()
}

fn anchor_of(link: &Link) -> Anchor {
    Anchor { installation: HERE.to_owned(), seq: link.seq, hash: link.hash, at_ms: 0 }
}

fn how(links: Vec<Link>, anchors: &[Anchor]) -> (u64, How) {
    let broken = verify(HERE, links, anchors).unwrap_err();
    (broken.seq, broken.how)
}

#[test]
fn the_encoding_is_what_it_was_on_the_first_day() {
    let link = &chain(1)[0];
    let body = concat!(
        r#"{"action":"operate","after":"3","app":"shop","at_ms":1767323045001,"before":"auto","command":"scale","#,
        r#""environment":"production","from":{"socket":{"uid":1000}},"outcome":"done","#,
        r#""prev":"f035860c266d36a68983d2bf6785e4de2c06ca09beadc0b28840ccf29c16d5f3","seq":1,"#,
        r#""who":"owner","why":"the sale\nbegins","with":{"instances":"1","service":"web"}}"#
    );
    assert_eq!(link.body, body);
    assert_eq!(link.hash.to_string(), FIRST);
}

/// SHA-256 of `tidegate audit entry 1`, a line end and the text above; what is in `prev` is that of `tidegate audit begin 1`, a line end
/// and the installation's id.
const FIRST: &str = "8993aa04fdbc8c394a29ee5a4f9006f26cb98726cbea8846c4cf9d6c24201d7b";

#[test]
fn a_whole_chain_is_whole_and_knows_its_end() {
    for length in [0, 1, 7] {
        let links = chain(length);
        let anchors: Vec<Anchor> = links.iter().map(anchor_of).collect();
        let verified = verify(HERE, links.clone(), &anchors).unwrap();
        assert_eq!((verified.last, verified.unchecked), (length, vec![]));
        let hash = links.last().map_or(begin(HERE), |last| last.hash);
        assert_eq!(verified.hash, hash);
    }
    let nothing = Anchor::of_nothing(HERE, 5);
    assert!(verify(HERE, chain(3), &[nothing]).is_ok(), "an anchor may be behind");
}

#[test]
fn a_part_is_whole_and_says_what_it_does_not_know() {
    let links = chain(6);
    let mut part = Verifier::of_part().knowing(anchor_of(&links[1])).knowing(anchor_of(&links[4]));
    links[2..].iter().for_each(|link| part.push(link.clone()).unwrap());
    let verified = part.finish().unwrap();
    assert_eq!((verified.first, verified.last, verified.unchecked), (3, 6, vec![2]));
    let mut rest = Verifier::after(2, links[1].hash);
    links[2..].iter().for_each(|link| rest.push(link.clone()).unwrap());
    assert_eq!(rest.finish().unwrap().last, 6);
    let mut wrong = Verifier::after(2, links[0].hash);
    assert_eq!(wrong.push(links[2].clone()).unwrap_err().how, How::Unlinked);
}

#[test]
fn each_way_to_break_a_chain_has_its_name() {
    let known = [anchor_of(chain(8).last().unwrap())];
    let mut altered = chain(8);
    altered[3].body = altered[3].body.replace("auto", "never");
    assert_eq!(how(altered, &known), (4, How::Altered));
    let mut missing = chain(8);
    missing.drain(2..4);
    assert_eq!(how(missing, &known), (3, How::Missing { through: 4 }));
    let mut swapped = chain(8);
    swapped.swap(2, 3);
    assert_eq!(how(swapped, &known), (3, How::Swapped { with: 4 }));
    let mut places = chain(8);
    (places[2].seq, places[3].seq) = (4, 3);
    places.swap(2, 3);
    assert_eq!(how(places, &known), (3, How::Swapped { with: 4 }), "as rows of a table");
    let mut twice = chain(8);
    twice.insert(4, twice[3].clone());
    assert_eq!(how(twice, &known), (4, How::Inserted));
    let mut cut = chain(8);
    cut.truncate(5);
    assert_eq!(how(cut, &known), (6, How::Cut { known: 8 }));
    let mut end = chain(8);
    end.remove(6);
    assert_eq!(how(end, &[]), (7, How::Missing { through: 7 }), "the last one tells");
    assert_eq!(how(Vec::new(), &known), (1, How::Cut { known: 8 }));
}

#[test]
fn who_makes_hashes_that_fit_is_found_by_the_next_entry_or_by_an_anchor() {
    let remade = |length: u64| -> Vec<Link> {
        let mut links = chain(length);
        let entry = links[2].entry().unwrap();
        links[2] = Entry { at_ms: 7, ..entry }.link().unwrap();
        links
    };
    assert_eq!(how(remade(8), &[]), (4, How::Unlinked));
    assert!(verify(HERE, remade(3), &[]).is_ok(), "nobody knew the end");
    assert_eq!(how(remade(3), &[anchor_of(&chain(3)[2])]), (3, How::Rewritten));
    let mut other = anchor_of(&chain(2)[1]);
    other.installation = "another".to_owned();
    assert_eq!(how(chain(2), &[other]), (2, How::Foreign));
    assert_eq!(verify("another", chain(2), &[]).unwrap_err().how, How::Unlinked);
}

#[test]
fn an_export_is_read_as_it_was_written_and_by_whoever_writes_json_anew() {
    for link in chain(3) {
        let line = Line::Entry(link.clone()).write();
        assert_eq!(Line::read(&line), Ok(Line::Entry(link.clone())));
        let anew: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(Line::read(&format!(" {anew:#}")), Ok(Line::Entry(link)));
    }
    let head = Line::Head(anchor_of(&chain(2)[1]));
    assert_eq!(Line::read(&head.write()), Ok(head));
    for bad in ["", "{}", "[]", "{\"entry\":{},\"hash\":\"x\"}", "{\"head\":{}}"] {
        assert_eq!(Line::read(bad), Err(NoLine), "{bad}");
    }
}

#[test]
fn anchors_are_read_from_what_is_printed() {
    let anchor = anchor_of(&chain(3)[2]);
    let read: Anchor = format!(" {anchor}\n").parse().unwrap();
    assert_eq!((read.seq, read.hash), (3, anchor.hash));
    for bad in ["", "3", "3:", ":ab", "x:00", "3:ABCD"] {
        assert!(bad.parse::<Anchor>().is_err(), "{bad}");
    }
}

#[test]
fn texts_are_bounded_and_empty_ones_left_out() {
    let long = "x".repeat(10_000);
    let deed = Deed::new(Action::Run, "run")
        .with("a", &long)
        .with("b", "")
        .because(Some(&long))
        .changed(Some(&long), None);
    assert!(serde_json::to_string(&deed).unwrap().len() < 2_000);
    assert!(!deed.with.contains_key("b"));
    assert_eq!(deed.because(Some("")).why.unwrap().chars().count(), 501, "no reason does not take one away");
}

#[test]
fn entries_are_found_by_who_what_where_and_how() {
    let entry = chain(1)[0].entry().unwrap();
    let takes = |filter: Filter| filter.takes(&entry);
    let any = Filter::default;
    assert!(takes(any()));
    assert!(takes(Filter { who: Some("owner".to_owned()), action: Some("scale".to_owned()), ..any() }));
    assert!(takes(Filter { action: Some("operate".to_owned()), app: Some(name("shop")), ..any() }));
    assert!(!takes(Filter { who: Some("ann".to_owned()), ..any() }));
    assert!(!takes(Filter { environment: Some(name("staging")), ..any() }));
    assert!(!takes(Filter { since_ms: entry.at_ms + 1, ..any() }));
    assert!(!takes(Filter { refused: true, ..any() }));
}

#[test]
fn what_tidegate_does_by_itself_is_its_own_deed() {
    let event = Event::about("shop", "production", "flag.killed", "new-cart was turned off by its guard");
    let deed = own_deed(&event).unwrap();
    assert_eq!((deed.doer().as_str(), deed.from, deed.action), ("tidegate", Origin::Within, Action::Release));
    assert_eq!(deed.with["said"], "new-cart was turned off by its guard");
    assert!(own_deed(&Event::about("shop", "production", "instance.ready", "")).is_none());
}

/// What somebody with a pen in the database can do to one entry.
#[derive(Clone, Debug)]
enum Tamper {
    Field(usize, usize),
    Hash(usize, u8),
    Remove(usize),
    Swap(usize, usize),
    Bodies(usize, usize),
    Twice(usize, usize),
    Cut(usize),
    Stranger(usize),
}

fn tampers() -> impl Strategy<Value = Tamper> {
    let n = || any::<prop::sample::Index>().prop_map(|index| index.index(1_000_000));
    prop_oneof![
        (n(), n()).prop_map(|(at, field)| Tamper::Field(at, field)),
        (n(), any::<u8>()).prop_map(|(at, byte)| Tamper::Hash(at, byte)),
        n().prop_map(Tamper::Remove),
        (n(), n()).prop_map(|(one, other)| Tamper::Swap(one, other)),
        (n(), n()).prop_map(|(one, other)| Tamper::Bodies(one, other)),
        (n(), n()).prop_map(|(which, to)| Tamper::Twice(which, to)),
        n().prop_map(Tamper::Cut),
        n().prop_map(Tamper::Stranger),
    ]
}

/// Changes the n-th value of a JSON object, in some way.
fn change_a_field(body: &str, n: usize) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap();
    let fields = value.as_object_mut().unwrap();
    let key = fields.keys().nth(n % fields.len()).unwrap().clone();
    let changed = match &fields[&key] {
        Value::Number(number) => Value::from(number.as_u64().unwrap() + 1),
        Value::String(text) => Value::from(format!("{text}x")),
        _ => Value::Null,
    };
    fields.insert(key, changed);
    canonical(&value)
}

fn tampered(mut links: Vec<Link>, how: &Tamper) -> Vec<Link> {
    let length = links.len();
    match *how {
        Tamper::Field(at, field) => links[at % length].body = change_a_field(&links[at % length].body, field),
        Tamper::Hash(at, byte) => {
            let mut bytes = *links[at % length].hash.bytes();
            bytes[usize::from(byte) % 32] ^= 1;
            links[at % length].hash = Hash::from_bytes(bytes);
        }
        Tamper::Remove(at) => drop(links.remove(at % length)),
        Tamper::Swap(one, other) => links.swap(one % length, other % length),
        Tamper::Bodies(one, other) => {
            links.swap(one % length, other % length);
            (0u64..).zip(&mut links).for_each(|(n, link)| link.seq = n + 1);
        }
        Tamper::Twice(which, to) => links.insert(to % (length + 1), links[which % length].clone()),
        Tamper::Cut(at) => links.truncate(at % length),
        Tamper::Stranger(at) => {
            let (at, prev) = (at % length, links[at % length].entry().unwrap().prev);
            let caller = Caller { who: Who::Stranger, from: Origin::Ssh };
            let deed = Deed::new(Action::Deploy, "deploy").by(&caller);
            links[at] = Entry { seq: at as u64 + 1, at_ms: 5, prev, deed }.link().unwrap();
        }
    }
    links
}

proptest! {
    /// Whatever is changed, removed, moved, doubled, put in or cut off, it is found by who knows the end.
    #[test]
    fn every_change_is_found(length in 2u64..12, tamper in tampers()) {
        let links = chain(length);
        let known = anchor_of(links.last().unwrap());
        let after = tampered(links.clone(), &tamper);
        if after == links {
            prop_assert!(verify(HERE, after, &[known]).is_ok());
        } else {
            prop_assert!(verify(HERE, after, &[known]).is_err(), "{tamper:?}");
        }
    }

    /// Reading on from a verified entry says the same as reading all of it.
    #[test]
    fn a_part_of_a_whole_chain_is_whole(length in 2u64..12, from in any::<prop::sample::Index>()) {
        let links = chain(length);
        let from = from.index(links.len() - 1);
        let mut rest = Verifier::after(links[from].seq, links[from].hash);
        for link in &links[from + 1..] {
            rest.push(link.clone()).unwrap();
        }
        prop_assert_eq!(rest.finish().unwrap().hash, links.last().unwrap().hash);
    }
}

fn exported(links: &[Link]) -> Vec<String> {
    let head = links.last().map_or_else(|| Anchor::of_nothing(HERE, 0), anchor_of);
    links.iter().map(|link| Line::Entry(link.clone()).write()).chain([Line::Head(head).write()]).collect()
}

fn read(lines: &[String], anchors: &[Anchor]) -> Result<(u64, u64), (u64, How)> {
    let mut reader = ExportReader::new(anchors.to_vec());
    let pushed = lines.iter().try_for_each(|line| reader.push(line));
    let read = pushed.and_then(|()| reader.finish());
    read.map(|(known, _)| (known.first, known.last)).map_err(|broken| (broken.seq, broken.how))
}

#[test]
fn a_file_is_verified_without_anything_else() {
    let lines = exported(&chain(6));
    assert_eq!(read(&lines, &[]), Ok((1, 6)));
    assert_eq!(read(&exported(&chain(6)[3..]), &[anchor_of(&chain(6)[4])]), Ok((4, 6)));
    assert_eq!(read(&exported(&[]), &[]), Ok((0, 0)));
    assert_eq!(read(&lines[..5], &[]), Err((6, How::Unfinished)));
    let mut cut = lines.clone();
    cut.remove(5);
    assert_eq!(read(&cut, &[]), Err((6, How::Cut { known: 6 })));
    let mut altered = lines.clone();
    altered[2] = altered[2].replace("auto", "never");
    assert_eq!(read(&altered, &[]), Err((3, How::Altered)));
    altered[2] = "{}".to_owned();
    assert_eq!(read(&altered, &[]), Err((3, How::Altered)));
    let mut added = lines.clone();
    added.push(lines[5].clone());
    assert_eq!(read(&added, &[]), Err((7, How::Unfinished)));
    let mut foreign = lines.clone();
    foreign[6] = foreign[6].replace(HERE, "another");
    assert_eq!(read(&foreign, &[]), Err((1, How::Unlinked)));
    assert_eq!(read(&exported(&chain(5)), &[anchor_of(&chain(6)[5])]), Err((6, How::Cut { known: 6 })));
    let other = Anchor { installation: "another".to_owned(), ..anchor_of(&chain(6)[0]) };
    assert_eq!(read(&lines, &[other]), Err((6, How::Foreign)));
}

//! Output: kept over restarts, capped, and never in the app's way.

use std::fs;
use std::time::{Duration, Instant};

use tidegate_backend::{Backend, LogCursor, Logs};

use crate::yard::{Yard, eventually, id, worker};

#[test]
fn lines_keep_their_stream_and_last_words_need_no_line_end() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "echo one; echo two >&2; printf three; exit 1"));
    yard.exit("web-1");
    let lines = yard.logs().tail(&[id("web-1")], 10).unwrap();
    let of = |stream: &str| {
        lines.iter().filter(|l| l.stream == stream).map(|l| l.line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((of("out"), of("err")), (vec!["one", "three"], vec!["two"]));
}

#[test]
fn output_goes_on_over_restarts_and_stays_after_removal() {
    let mut yard = Yard::new();
    let mut spec = worker(&yard, "web-1", "echo first");
    yard.start(&spec);
    yard.exit("web-1");
    let (lines, cursor) = yard.logs().after(&[id("web-1")], &LogCursor::default(), 10).unwrap();
    assert_eq!(lines[0].line, "first");
    spec.generation = 2;
    spec.command = "echo second".to_owned();
    yard.start(&spec);
    yard.until("web-1", "second", |seen| seen.generation == 2);
    yard.exit("web-1");
    yard.backend().remove(&id("web-1")).unwrap();
    assert_eq!(yard.output("web-1"), ["first", "second"]);
    assert_eq!(yard.logs().after(&[id("web-1")], &cursor, 10).unwrap().0[0].line, "second");
    let evidence = yard.backend().evidence(&id("web-1"));
    assert_eq!(evidence.last_output, ["first", "second"]);
    assert_eq!(evidence.exit.unwrap().code, Some(0));
}

#[test]
fn a_flood_is_capped_and_does_not_stop_the_app() {
    let mut yard = Yard::new();
    yard.start(&worker(
        &yard,
        "web-1",
        "yes 0123456789012345678901234567890123456789 | head -c 300000000; echo end",
    ));
    let begun = Instant::now();
    yard.exit("web-1");
    println!("300 MB of output took {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(15));
    let logs = yard.data.join("logs/web-1");
    let kept: u64 = fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(kept < 10 << 20, "{kept}");
    yard.says("web-1", "left out: more than 1MiB of output a second");
}

#[test]
fn a_flood_does_not_eat_a_core() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "exec yes"));
    yard.running("web-1");
    let shim = yard.shim("web-1");
    let begun = Instant::now();
    let before = cpu_ticks(shim);
    eventually("two seconds of flood", || (begun.elapsed() > Duration::from_secs(2)).then_some(()));
    let share = (cpu_ticks(shim) - before) as f64 / 100.0 / begun.elapsed().as_secs_f64();
    println!("the shim of an app in full flood takes {:.0} % of a core", share * 100.0);
    assert!(share < 0.5, "{share}");
}

/// User and system time of a process, in hundredths of a second.
pub fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn a_line_without_end_is_cut() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "head -c 200000 /dev/zero | tr '\\0' x; echo; echo next"));
    yard.exit("web-1");
    let lengths: Vec<usize> = yard.output("web-1").iter().map(String::len).collect();
    assert_eq!(lengths, [64 << 10, 4]);
}

#[test]
fn a_disk_that_is_full_drops_lines_and_not_the_app() {
    let mut yard = Yard::new();
    // A file where the directory should be refuses every write, as a full disk does.
    fs::create_dir_all(yard.data.join("logs")).unwrap();
    fs::write(yard.data.join("logs/web-1"), "").unwrap();
    yard.start(&worker(
        &yard,
        "web-1",
        "n=0; while [ $n -lt 10000 ]; do n=$((n+1)); echo tick $n; sleep 0.01; done",
    ));
    let pid = yard.running("web-1");
    eventually("some dropped output", || (cpu_ticks(pid) > 0).then_some(()));
    fs::remove_file(yard.data.join("logs/web-1")).unwrap();
    yard.says("web-1", "lines lost");
    yard.says("web-1", "tick");
    assert!(crate::yard::alive(pid));
}

//! Figures that a run is to show: printed, and added to the file that `bench/` makes its tables of.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// Shows one line of a table, its cells apart by tabs.
pub fn show(cells: &[String]) {
    let line = cells.join("\t");
    println!("{line}");
    if let Some(path) = std::env::var_os("TIDEGATE_E2E_FIGURES") {
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// Shows what was measured and what was asked for, and fails the test where it is more. Builds without optimisation,
/// on machines with other work, are given `lenience` times as much.
pub fn hold(what: &str, measured: f64, most: f64, unit: &str, lenience: f64) {
    let allowed = if super::full() { most } else { most * lenience };
    show(&[what.to_owned(), format!("{measured:.1} {unit}"), format!("<= {most:.0} {unit}")]);
    assert!(measured <= allowed, "{what}: {measured:.1} {unit} is more than {allowed:.1}");
}

/// Milliseconds with their parts.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

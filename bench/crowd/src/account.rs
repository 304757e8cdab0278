//! What came of the story, as a table, and whether it is what was promised.

use std::collections::BTreeMap;

use tidegate_load::report::Report;

use crate::clients::Arrived;
use crate::ledger::{End, Kind};
use crate::size::Size;
use crate::spread::{by_second, drawn, fullest};

/// Something that was done.
#[derive(Clone, Debug)]
pub struct Step {
    /// What.
    pub name: String,
    /// From when, in seconds since 1970.
    pub begun: f64,
    /// Until when.
    pub ended: f64,
}

/// See the module.
#[derive(Debug)]
pub struct Account {
    /// What was to be open.
    pub size: Size,
    /// What was done.
    pub steps: Vec<Step>,
    /// Everything that ended before it was over.
    pub ends: Vec<End>,
    /// What was open in the end, as [`Kind::ALL`].
    pub still_open: [u64; 3],
    /// Messages that came through, as [`Kind::ALL`].
    pub messages: [u64; 3],
    /// Whether upload and download were under way to the end of the last rollout.
    pub lasted: bool,
    /// The upload and the download.
    pub arrived: [Arrived; 2],
    /// Why not everybody was back in the end, and what left gone.
    pub unsettled: Option<String>,
    /// Gateways that ran in the end.
    pub gateways: usize,
    /// The requests beside.
    pub report: Report,
}

impl Account {
    /// Prints the table.
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub fn print(&self) {
        print!("{}", self.text());
    }

    /// Whether everything was as promised.
    pub fn is_good(&self) -> bool {
        self.complaints().is_empty()
    }

    fn text(&self) -> String {
        let mut text = self.steps.iter().map(|step| self.step_line(step)).collect::<String>();
        for ((kind, open), messages) in Kind::ALL.into_iter().zip(self.still_open).zip(self.messages) {
            text += &format!("\n{}: {open} open in the end, {messages} messages\n", kind.name());
            text += &self.ends_of(kind);
        }
        for (name, arrived) in ["upload", "download"].into_iter().zip(&self.arrived) {
            let mebibytes = arrived.bytes >> 20;
            let how = arrived.wrong.as_deref().unwrap_or("whole");
            text += &format!("\n{name}: {mebibytes} MiB in {:.1} s: {how}", arrived.seconds);
        }
        text += &format!("\n\nrequests beside\n{}", self.report);
        match &self.complaints()[..] {
            [] => text += "\neverything as promised\n",
            some => some.iter().for_each(|complaint| text += &format!("\nNOT AS PROMISED: {complaint}")),
        }
        text + "\n"
    }

    fn step_line(&self, step: &Step) -> String {
        let begun = step.begun - self.begun();
        format!("{begun:>5.0} s  {:<40} {:>6.1} s\n", step.name, step.ended - step.begun)
    }

    fn begun(&self) -> f64 {
        self.steps.first().map_or(0.0, |step| step.begun)
    }

    fn ends_of(&self, kind: Kind) -> String {
        let ends: Vec<&End> = self.ends.iter().filter(|end| end.kind == kind).collect();
        let mut text = String::new();
        let mut ways: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for end in &ends {
            *ways.entry((&end.app, &end.how)).or_default() += 1;
        }
        for ((app, how), many) in ways {
            text += &format!("  {many:>6} of {app} ended: {how}\n");
        }
        for (instance, times) in times_by_instance(&ends) {
            let (most, may) = fullest(&times, self.drain());
            let span =
                times.iter().copied().fold(0.0, f64::max) - times.iter().copied().fold(f64::MAX, f64::min);
            let many = times.len();
            text += &format!(
                "  {instance:<12} {many:>5} ended over {span:>5.1} s, {most:>4} in its fullest second"
            );
            text += &format!(" (at most {may:.0})\n");
        }
        let times: Vec<f64> = ends.iter().map(|end| end.at).collect();
        text + &drawn(&by_second(&times, self.begun()))
    }

    fn drain(&self) -> f64 {
        self.size.drain as f64
    }

    /// What is not as promised.
    fn complaints(&self) -> Vec<String> {
        let mut found: Vec<String> =
            Kind::ALL.into_iter().flat_map(|kind| self.complaints_of(kind)).collect();
        let transfers = ["upload", "download"].into_iter().zip(&self.arrived);
        found.extend(
            transfers.filter_map(|(name, arrived)| Some(format!("the {name}: {}", arrived.wrong.as_ref()?))),
        );
        found.extend(self.unsettled.clone());
        if !self.lasted {
            found.push("a transfer was over before the last rollout: it proves less than it is to".into());
        }
        if !self.report.is_clean() {
            found.push("requests were lost".into());
        }
        let revisions = self.report.revisions.len();
        if revisions != self.size.rollouts + 1 {
            found.push(format!("{revisions} revisions answered"));
        }
        if self.gateways != 1 {
            found.push(format!("{} gateways run in the end", self.gateways));
        }
        found
    }

    fn complaints_of(&self, kind: Kind) -> Vec<String> {
        let ends: Vec<&End> = self.ends.iter().filter(|end| end.kind == kind).collect();
        let rude = ends.iter().filter(|end| end.how != kind.polite());
        let mut found: Vec<String> =
            rude.take(10).map(|end| format!("{} of {}: {}", kind.name(), end.instance, end.how)).collect();
        // Once each: by the upgrade, since nobody deploys the app.
        let still = ends.iter().filter(|end| end.app == "still").count();
        let expected = match kind {
            Kind::Socket => self.size.still.0,
            Kind::Stream => self.size.still.1,
            Kind::Call => 0,
        };
        if still != expected {
            found.push(format!("{still} {} of the app that stays ended, not {expected}", kind.name()));
        }
        if kind != Kind::Call {
            found.extend(self.crowded(kind, &ends));
        }
        found
    }

    /// Instances whose connections did not go one after another.
    fn crowded(&self, kind: Kind, ends: &[&End]) -> Vec<String> {
        let judge = |(instance, times): (String, Vec<f64>)| {
            let (most, may) = fullest(&times, self.drain());
            let complaint =
                || format!("{most} {} of {instance} went within a second, not {may:.0}", kind.name());
            (most as f64 > may).then(complaint)
        };
        times_by_instance(ends).into_iter().filter_map(judge).collect()
    }
}

fn times_by_instance(ends: &[&End]) -> BTreeMap<String, Vec<f64>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for end in ends {
        found.entry(format!("{} {}", end.app, end.instance)).or_default().push(end.at);
    }
    found
}

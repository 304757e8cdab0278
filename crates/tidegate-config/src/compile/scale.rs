//! How many instances a service has, and what their number follows.

use std::cmp::Ordering;

use tidegate_core::model::{Autoscale, PortSpec, QueueSource, QueueTarget, Scale, ScheduledBounds};
use tidegate_core::time::Millis;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{DaySet, Field, RawQueue, RawScale, RawScaleRange, RawScheduled, RawService, not_used_yet};
use crate::span::{Span, Spanned};

/// From one look at a queue to the next.
const QUEUE_EVERY: Millis = Millis::seconds(10);

/// The bounds, and what the number follows between them.
pub(super) fn compile(
    raw: &RawService,
    port: PortSpec,
    findings: &mut Findings<'_>,
) -> (Scale, Option<Autoscale>) {
    match raw.scale.value() {
        None => (Scale { min: 1, max: 1 }, None),
        Some(RawScale::Number(number)) => (Scale { min: *number, max: *number }, None),
        Some(RawScale::Range(range)) => compile_range(range, port, findings),
    }
}

fn compile_range(
    range: &RawScaleRange,
    port: PortSpec,
    findings: &mut Findings<'_>,
) -> (Scale, Option<Autoscale>) {
    let targets = targets(range);
    let follows = !targets.is_empty() || !range.idle.is_absent() || !range.schedule.is_absent();
    let min = range.min.value().map_or(1, |min| min.0);
    let least = if follows { min.max(1) } else { min };
    let max = range.max.value().map_or(least, |max| max.0);
    if let Some(written) = range.max.get() {
        match max.cmp(&min) {
            Ordering::Less => {
                findings.push(scale_order(min, written.span, range.min.get().map(|min| min.span)));
            }
            Ordering::Greater if !follows => findings.push(nothing_to_follow(min, written.key)),
            Ordering::Equal | Ordering::Greater => {}
        }
    }
    let scale = Scale { min, max };
    if !follows {
        unused_without_targets(range, findings);
        return (scale, None);
    }
    check_port(range, port, findings);
    check_sleep(range, min, findings);
    if min == max && range.schedule.is_absent() {
        let first = targets.first().copied().or_else(|| key_of(&range.idle));
        findings.push(always_the_same(max, first.or_else(|| key_of(&range.max))));
    }
    let wakes = port != PortSpec::None || !range.queue.is_absent();
    let autoscale = Autoscale {
        queue: queue_of(range, findings),
        schedule: schedule_of(range, scale, findings),
        ..autoscale_of(range, min == 0 && wakes)
    };
    (scale, Some(autoscale))
}

fn autoscale_of(range: &RawScaleRange, sleeps: bool) -> Autoscale {
    let lasting = |value: Option<Millis>, default| value.unwrap_or(default);
    let idle = range.idle.value().map(|idle| idle.0);
    Autoscale {
        rps: range.rps.value().map(|rps| rps.0),
        concurrency: range.concurrency.value().map(|concurrency| concurrency.0),
        cpu: range.cpu.value().map(|cpu| cpu.0),
        p95: range.p95.value().map(|p95| p95.0),
        queue: None,
        schedule: Vec::new(),
        up_after: lasting(range.up_after.value().map(|span| span.0), Autoscale::UP_AFTER),
        down_after: lasting(range.down_after.value().map(|span| span.0), Autoscale::DOWN_AFTER),
        idle: sleeps.then(|| lasting(idle, Autoscale::IDLE)),
        hold: lasting(range.hold.value().map(|span| span.0), Autoscale::HOLD),
    }
}

fn queue_of(range: &RawScaleRange, findings: &mut Findings<'_>) -> Option<QueueTarget> {
    let raw: &Spanned<RawQueue> = range.queue.get()?;
    let queue = &raw.value;
    if queue.command.is_absent() == queue.http.is_absent() {
        let help = "write exactly one of `command: …` and `http: http://…`";
        findings
            .push(scale_target("it is not said in one way how long this queue is", raw.key, "").help(help));
    }
    if queue.target.is_absent() {
        let help = "write how much of it one instance is to have: `target: 100`";
        findings.push(scale_target("this queue has no `target`", raw.key, "`target` is missing").help(help));
    }
    let command = queue.command.value().map(|command| QueueSource::Command(command.0.clone()));
    let source = command.or_else(|| queue.http.value().map(|url| QueueSource::Http(url.0.clone())))?;
    let every = queue.every.value().map_or(QUEUE_EVERY, |every| every.0);
    Some(QueueTarget { source, target: queue.target.value()?.0, every })
}

fn schedule_of(range: &RawScaleRange, scale: Scale, findings: &mut Findings<'_>) -> Vec<ScheduledBounds> {
    let entries = range.schedule.value().map(|list| list.0.as_slice()).unwrap_or_default();
    entries.iter().filter_map(|entry| scheduled(entry, scale, findings)).collect()
}

fn scheduled(
    entry: &Spanned<RawScheduled>,
    scale: Scale,
    findings: &mut Findings<'_>,
) -> Option<ScheduledBounds> {
    let raw = &entry.value;
    for (key, absent) in [("from", raw.from.is_absent()), ("to", raw.to.is_absent())] {
        if absent {
            let message = format!("this entry of `schedule` has no `{key}`");
            let help = "write when it begins and ends: `from: \"08:00\", to: \"18:00\"`";
            findings.push(Diagnostic::error(codes::SCALE_SCHEDULE, message).at(entry.key, "").help(help));
        }
    }
    let min = raw.min.value().map_or(scale.min, |min| min.0);
    let max = raw.max.value().map_or(scale.max.max(min), |max| max.0);
    if max < min {
        let message = format!("`max` of this entry is smaller than its `min`, which is {min}");
        findings.push(Diagnostic::error(codes::SCALE_ORDER, message).at(entry.key, ""));
    }
    Some(ScheduledBounds {
        days: raw.days.value().map_or(DaySet::DAILY, |days| days.0).0,
        from: raw.from.value()?.0.0,
        to: raw.to.value()?.0.0,
        timezone: raw.timezone.value().map_or_else(|| "UTC".to_owned(), |zone| zone.0.0.clone()),
        min,
        max,
    })
}

fn scale_target(message: impl Into<String>, at: Span, label: &str) -> Diagnostic {
    Diagnostic::error(codes::SCALE_TARGET, message).at(at, label)
}

fn always_the_same(number: u32, at: Option<Span>) -> Diagnostic {
    let message = format!("there are always {number} instances, whatever the load is");
    let diagnostic = Diagnostic::warning(codes::SCALE_TARGET, message)
        .help("write `max`, the most instances there may be, larger than `min`");
    match at {
        Some(at) => diagnostic.at(at, "has no effect"),
        None => diagnostic,
    }
}

/// The keys of what the number is to follow.
fn targets(range: &RawScaleRange) -> Vec<Span> {
    let keys = [
        key_of(&range.rps),
        key_of(&range.concurrency),
        key_of(&range.cpu),
        key_of(&range.p95),
        key_of(&range.queue),
    ];
    keys.into_iter().flatten().collect()
}

fn key_of<T>(field: &Field<T>) -> Option<Span> {
    field.get().map(|value| value.key)
}

fn nothing_to_follow(min: u32, at: Span) -> Diagnostic {
    let help = format!(
        "say what the number is to follow, like `rps: 50` or `cpu: 70%`; as it is {min} run, or what `tidegate scale` says"
    );
    Diagnostic::warning(codes::SCALE_TARGET, "nothing says what the number of instances is to follow")
        .at(at, "has no effect")
        .help(help)
}

/// What means something only beside a target.
fn unused_without_targets(range: &RawScaleRange, findings: &mut Findings<'_>) {
    let keys = [
        ("`up_after`", key_of(&range.up_after)),
        ("`down_after`", key_of(&range.down_after)),
        ("`hold`", key_of(&range.hold)),
    ];
    for (key, at) in keys.into_iter().filter_map(|(key, at)| Some((key, at?))) {
        findings.push(not_used_yet(key, at).help("it belongs to a target like `rps: 50`, or to `idle`"));
    }
}

/// A service without a port has no requests that could be counted.
fn check_port(range: &RawScaleRange, port: PortSpec, findings: &mut Findings<'_>) {
    if port != PortSpec::None {
        return;
    }
    let keys = [
        ("rps", key_of(&range.rps)),
        ("concurrency", key_of(&range.concurrency)),
        ("p95", key_of(&range.p95)),
    ];
    for (key, at) in keys.into_iter().filter_map(|(key, at)| Some((key, at?))) {
        let message = format!("a service without a port has no requests that `{key}` could count");
        let help = "use `cpu` or `queue`, or give the service a `port`";
        findings.push(scale_target(message, at, "no port").help(help));
    }
    // Nobody would wake it but a queue.
    if let Some(idle) = range.idle.get().filter(|_| range.queue.is_absent()) {
        let message = "nothing would start this service again: it has neither a port nor a queue";
        let help = "remove `idle`, or say by `queue` what there is to do";
        findings.push(scale_target(message, idle.key, "for good").help(help));
    }
}

fn check_sleep(range: &RawScaleRange, min: u32, findings: &mut Findings<'_>) {
    if min == 0 {
        return;
    }
    let keys = [("idle", key_of(&range.idle)), ("hold", key_of(&range.hold))];
    for (key, at) in keys.into_iter().filter_map(|(key, at)| Some((key, at?))) {
        let message = format!("`{key}` is for services of which nothing may run, and `min` is {min}");
        let help = format!("write `min: 0`, or remove `{key}`");
        let diagnostic = scale_target(message, at, "needs `min: 0`").help(help);
        findings.push(match range.min.get() {
            Some(written) => diagnostic.at(written.span, "`min`"),
            None => diagnostic,
        });
    }
}

fn scale_order(min: u32, max_at: Span, min_at: Option<Span>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(codes::SCALE_ORDER, format!("`max` is smaller than `min`, which is {min}"))
            .at(max_at, "smaller")
            .help("`min` is 1 where it is not written");
    match min_at {
        Some(span) => diagnostic.at(span, "`min`"),
        None => diagnostic,
    }
}

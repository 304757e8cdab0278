//! `tidegate rollout` as text.

use tidegate_core::view::{
    ArmView, CheckView, ComparisonView, EvidenceView, JudgementView, OutcomeView, RolloutView, SampleView,
    TrainView,
};

/// So many samples of differing answers are shown.
const SAMPLES: usize = 5;

/// Bad answers shown; `--json` has all that are kept.
const BAD_ANSWERS: usize = 3;

/// A few lines: what moves where, how far it is, what it waits for.
pub fn rollout(view: &RolloutView) -> String {
    let RolloutView { id, app, environment, service, kind, to, phase, .. } = view;
    let from = view.from.map_or("nothing".to_owned(), |from| from.to_string());
    let mut lines =
        vec![format!("rollout {id} of {app}/{environment}/{service}: {phase} ({kind} from {from} to {to})")];
    let why = view.strategy_why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    lines.push(format!("  strategy   {}{why}", view.strategy));
    lines.extend(view.train.iter().map(train));
    lines.extend(step(view));
    // Once it is over the shares are the service's, not the rollout's: `tidegate status` has them.
    let over = ["succeeded", "aborted", "failed", "superseded"].contains(&phase.as_str());
    let share = |weight: u32| if !over { format!(", {weight}% of requests") } else { String::new() };
    lines.push(format!("  candidate  {to}: {}{}", ready(view.candidate), share(view.weight)));
    if view.from.is_some() {
        let rest = 100_u32.saturating_sub(view.weight);
        lines.push(format!("  stable     {from}: {}{}", ready(view.stable), share(rest)));
    }
    lines.extend(view.arms.iter().map(arm));
    lines.extend(view.judgement.iter().flat_map(judgement));
    lines.extend(view.checks.iter().map(check));
    lines.extend(view.outcomes.iter().map(|of| outcome(of, &from, &to.to_string())));
    lines.extend(view.bad_requests.iter().take(BAD_ANSWERS).map(|bad| format!("  bad        {bad}")));
    lines.push(format!("  time       {:.1} s", view.seconds));
    lines.extend(view.waiting.iter().map(|reason| format!("  waits      {reason}")));
    if let Some(reason) = &view.reason {
        let code = view.code.as_ref().map_or(String::new(), |code| format!(" [{code}]"));
        lines.push(format!("  taken back {reason}{code}"));
        lines.push(format!("next: `tidegate explain {id}`"));
    }
    lines.join("\n") + "\n"
}

/// `train      checkout: web (progressing, going), api (progressing, waiting); what is asked of one is asked of all`
fn train(train: &TrainView) -> String {
    let member = |of: &tidegate_core::view::TrainMember| format!("{} ({}, {})", of.service, of.phase, of.leg);
    let members: Vec<String> = train.members.iter().map(member).collect();
    format!("  train      {}: {}; what is asked of one is asked of all", train.name, members.join(", "))
}

/// `step       2 of 4: 25% for 2m, 1m 12s left`
fn step(view: &RolloutView) -> Option<String> {
    let step = view.step?;
    let text = view.steps.get((step as usize).checked_sub(1)?)?;
    let clock = match view.step_seconds_left {
        Some(left) if left >= 1.0 => format!(", {} left", lasting(left)),
        Some(_) => ", about to be over".to_owned(),
        None if view.step_in_force => String::new(),
        None => ", not in force yet".to_owned(),
    };
    Some(format!("  step       {step} of {}: {text}{clock}", view.steps.len()))
}

/// `  r7         1204 requests, 3 bad (0.25%), p50 4.1 ms, p95 9.8 ms, p99 20.2 ms`
fn arm(arm: &ArmView) -> String {
    let ArmView { requests, bad, .. } = arm;
    let share = if *requests == 0 { 0.0 } else { *bad as f64 * 100.0 / *requests as f64 };
    let latency = |name: &str, ms: Option<f64>| ms.map_or(String::new(), |ms| format!(", {name} {ms:.1} ms"));
    format!(
        "  {:<10} {requests} requests, {bad} bad ({share:.2}%){}{}{}",
        arm.revision.to_string(),
        latency("p50", arm.p50_ms),
        latency("p95", arm.p95_ms),
        latency("p99", arm.p99_ms)
    )
}

fn judgement(view: &JudgementView) -> Vec<String> {
    let mut lines = vec![
        format!("  judge      {}: {}", view.verdict, view.message),
        format!(
            "  evidence   of errors {}, of slowness {}, for promotion {}",
            evidence(&view.errors),
            evidence(&view.latency),
            evidence(&view.promotion)
        ),
    ];
    lines.extend(
        view.carried.iter().map(|about| format!("  carried    half of it, of what {about} ended with")),
    );
    lines.extend(view.comparison.iter().flat_map(comparison));
    lines
}

/// `  outcome    bought: r1 41 of 1000 (4.10%), r2 63 of 1004 (6.27%), +2.17 points, between +0.31 and +4.03`
fn outcome(view: &OutcomeView, from: &str, to: &str) -> String {
    let side = |who: &str, (all, counted): (u64, u64)| {
        let share = counted as f64 * 100.0 / all.max(1) as f64;
        format!("{who} {counted} of {all} ({share:.2}%)")
    };
    let points = |difference: f64| format!("{:+.2}", difference * 100.0);
    let between = view.between.map_or(", too little to say".to_owned(), |(low, high)| {
        format!(", between {} and {}", points(low), points(high))
    });
    format!(
        "  outcome    {}: {}, {}, {} points{between}",
        view.name,
        side(from, view.stable),
        side(to, view.candidate),
        points(view.difference)
    )
}

fn evidence(of: &EvidenceView) -> String {
    format!("{:.1} of {:.1}", of.log_e.max(0.0), of.threshold)
}

/// `  compared   1204 answers, 31 differ (2.57%), of stable's own 2 (0.17%)`, and some of them.
fn comparison(view: &ComparisonView) -> Vec<String> {
    let share = |count: u64| count as f64 * 100.0 / view.compared.max(1) as f64;
    let mut lines = vec![
        format!(
            "  compared   {} answers, {} differ ({:.2}%), of stable's own {} ({:.2}%)",
            view.compared,
            view.differing,
            share(view.differing),
            view.stable_differing,
            share(view.stable_differing)
        ),
        format!(
            "  evidence   of differing {}, for promotion {}",
            evidence(&view.against),
            evidence(&view.promotion)
        ),
    ];
    lines.extend(view.samples.iter().rev().take(SAMPLES).map(sample));
    lines
}

/// `  differs    GET /price: 200 to 500 (status, body)`
fn sample(sample: &SampleView) -> String {
    let SampleView { method, path, stable_status, candidate_status, differs, .. } = sample;
    let answered = match candidate_status {
        0 => "no answer".to_owned(),
        status => status.to_string(),
    };
    format!("  differs    {method} {path}: {stable_status} to {answered} ({})", differs.join(", "))
}

/// `  check      errors is passing: 0.002 (at most 0.01), 3 s ago`
fn check(view: &CheckView) -> String {
    let CheckView { name, state, message, .. } = view;
    if state == "idle" && message.is_empty() {
        let when = if view.guard { "from the candidate's first request on" } else { "at its step" };
        return format!("  check      {name} is asked {when}: {}, wanted is {}", view.asks, view.wanted);
    }
    let ago = view.seconds_ago.map_or(String::new(), |seconds| format!(", {} ago", lasting(seconds)));
    let is = if state.ends_with("ing") { "is " } else { "" };
    format!("  check      {name} {is}{state}: {message}{ago}")
}

fn lasting(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn ready((ready, wanted): (u32, u32)) -> String {
    format!("{ready}/{wanted} ready")
}

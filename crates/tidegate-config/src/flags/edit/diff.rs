//! Edits of a text as a unified diff. Which lines differ is known from the edits: nothing is searched for.

use super::{Edit, applied};

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// Lines that take the place of others.
struct Change<'t> {
    /// The first of them, from 0.
    first: usize,
    before: Vec<&'t str>,
    after: Vec<String>,
}

/// The diff; empty where nothing is changed. `edits` are in order.
pub(super) fn unified(path: &str, text: &str, edits: &[Edit]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let changes: Vec<Change<'_>> = groups(&lines, edits)
        .into_iter()
        .map(|group| changed(&lines, &group))
        .filter(Change::is_one)
        .collect();
    if changes.is_empty() {
        return String::new();
    }
    // Names with a space end where a tab stands.
    let end = if path.contains(' ') { "\t" } else { "" };
    let mut diff = format!("--- a/{path}{end}\n+++ b/{path}{end}\n");
    let (mut rest, mut grown) = (changes.as_slice(), 0_isize);
    while !rest.is_empty() {
        let near = |two: &[Change<'_>]| two[1].first <= two[0].end() + 2 * CONTEXT;
        let many = 1 + rest.windows(2).take_while(|two| near(two)).count();
        let (now, later) = rest.split_at(many);
        diff.push_str(&hunk(&lines, now, &mut grown));
        rest = later;
    }
    diff
}

/// Edits that touch the same lines, with the lines they touch.
struct Group<'e> {
    first: usize,
    end: usize,
    edits: &'e [Edit],
}

fn groups<'e>(lines: &[&str], edits: &'e [Edit]) -> Vec<Group<'e>> {
    let starts = starts(lines);
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let mut groups: Vec<Group<'e>> = Vec::new();
    for (place, edit) in edits.iter().enumerate() {
        // What ends with a line does not touch the next.
        let last = if edit.end > edit.start { edit.end - 1 } else { edit.end };
        let (first, end) = (line_of(edit.start), (line_of(last) + 1).min(lines.len()));
        match groups.last_mut().filter(|group| first < group.end) {
            Some(group) => {
                group.end = group.end.max(end);
                let begin = place - group.edits.len();
                group.edits = &edits[begin..=place];
            }
            None => groups.push(Group { first, end, edits: &edits[place..=place] }),
        }
    }
    groups
}

fn starts(lines: &[&str]) -> Vec<usize> {
    let ends = lines.iter().scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some(start)
    });
    ends.collect()
}

/// The lines of a group before and after, without those that are the same at both ends.
fn changed<'t>(lines: &[&'t str], group: &Group<'_>) -> Change<'t> {
    let offset: usize = lines[..group.first].iter().map(|line| line.len()).sum();
    let mut before: Vec<&str> = lines[group.first..group.end].to_vec();
    let text = applied(&before.concat(), offset, group.edits);
    let mut after: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut first = group.first;
    while before.first().is_some_and(|line| after.first().is_some_and(|other| other == line)) {
        before.remove(0);
        after.remove(0);
        first += 1;
    }
    while before.last().is_some_and(|line| after.last().is_some_and(|other| other == line)) {
        before.pop();
        after.pop();
    }
    Change { first, before, after }
}

impl Change<'_> {
    fn is_one(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }

    fn end(&self) -> usize {
        self.first + self.before.len()
    }
}

/// Changes near each other with what is around them. `grown`: by how many lines those before have moved the rest.
fn hunk(lines: &[&str], changes: &[Change<'_>], grown: &mut isize) -> String {
    let first = changes.first().map_or(0, |change| change.first.saturating_sub(CONTEXT));
    let end = changes.last().map_or(first, |change| (change.end() + CONTEXT).min(lines.len()));
    let (mut body, mut at, mut more) = (String::new(), first, 0_isize);
    for change in changes {
        lines[at..change.first].iter().for_each(|line| push(&mut body, ' ', line));
        change.before.iter().for_each(|line| push(&mut body, '-', line));
        change.after.iter().for_each(|line| push(&mut body, '+', line));
        more += change.after.len().cast_signed() - change.before.len().cast_signed();
        at = change.end();
    }
    lines[at..end].iter().for_each(|line| push(&mut body, ' ', line));
    let (old, new) = (end - first, (end - first).saturating_add_signed(more));
    let line = |count: usize, first: usize| if count == 0 { first } else { first + 1 };
    let head = format!(
        "@@ -{},{old} +{},{new} @@\n",
        line(old, first),
        line(new, first.saturating_add_signed(*grown))
    );
    *grown += more;
    head + &body
}

fn push(body: &mut String, mark: char, line: &str) {
    body.push(mark);
    body.push_str(line);
    if !line.ends_with('\n') {
        body.push_str("\n\\ No newline at end of file\n");
    }
}

//! Feature files, as far as the public test bed of flagd uses them: scenarios, outlines with their examples, tables of steps.

/// One thing to be tried, with every placeholder filled in.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario's name.
    pub name: String,
    /// Of the scenario and of its examples.
    pub tags: Vec<String>,
    pub steps: Vec<Step>,
}

/// One line of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Without its first word.
    pub text: String,
    /// The rows below it, without their heading.
    pub rows: Vec<Vec<String>>,
}

/// A scenario as it is read.
#[derive(Debug, Default)]
struct Scenario {
    name: String,
    tags: Vec<String>,
    steps: Vec<Step>,
    examples: Vec<Examples>,
}

#[derive(Debug, Default)]
struct Examples {
    tags: Vec<String>,
    table: Vec<Vec<String>>,
}

/// The cases of a feature's text.
pub fn cases(text: &str) -> Vec<Case> {
    let (mut scenarios, mut tags) = (Vec::<Scenario>::new(), Vec::new());
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        if line.starts_with('@') {
            tags.extend(line.split_whitespace().map(str::to_owned));
            continue;
        }
        let (word, rest) = line.split_once([':', ' ']).unwrap_or((line, ""));
        match word {
            "Feature" | "Background" => tags.clear(),
            "Scenario" => {
                let name = rest.trim_start_matches("Outline:").trim().to_owned();
                scenarios.push(Scenario { name, tags: std::mem::take(&mut tags), ..Scenario::default() });
            }
            _ => {
                // Steps of the background come before every scenario, and only say that there is something to ask.
                let Some(scenario) = scenarios.last_mut() else { continue };
                scenario.take(word, rest, line, &mut tags);
            }
        }
    }
    scenarios.iter().flat_map(Scenario::cases).collect()
}

impl Scenario {
    fn take(&mut self, word: &str, rest: &str, line: &str, tags: &mut Vec<String>) {
        match word {
            "Examples" => {
                self.examples.push(Examples { tags: std::mem::take(tags), table: Vec::new() });
            }
            "Given" | "When" | "Then" | "And" | "But" => {
                self.steps.push(Step { text: rest.to_owned(), rows: Vec::new() });
            }
            "|" => match (self.examples.last_mut(), self.steps.last_mut()) {
                (Some(examples), _) => examples.table.push(cells(line)),
                (None, Some(step)) => step.rows.push(cells(line)),
                (None, None) => panic!("a table of nothing: {line}"),
            },
            _ => panic!("what is this: {line}"),
        }
    }

    fn cases(&self) -> Vec<Case> {
        if self.examples.is_empty() {
            return vec![self.case(&[], &[], &[])];
        }
        let of = |examples: &Examples| {
            let (names, rows) = examples.table.split_first().unwrap();
            rows.iter().map(|row| self.case(&examples.tags, names, row)).collect::<Vec<_>>()
        };
        self.examples.iter().flat_map(of).collect()
    }

    fn case(&self, tags: &[String], names: &[String], values: &[String]) -> Case {
        let filled = |text: &str| {
            let pairs = names.iter().zip(values);
            pairs.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
        };
        let step = |step: &Step| Step {
            text: filled(&step.text),
            rows: step.rows.iter().skip(1).cloned().collect(),
        };
        let tags = self.tags.iter().chain(tags).cloned().collect();
        Case { name: self.name.clone(), tags, steps: self.steps.iter().map(step).collect() }
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

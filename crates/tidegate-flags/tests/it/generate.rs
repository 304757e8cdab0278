//! Flag sets and contexts made up from a seed: rules as people write them, and wild ones to see what fails how.

use serde_json::{Map, Value, json};

/// A stream of choices; the same for the same seed.
pub struct Dice(u64);

const ATTRIBUTES: [&str; 11] = [
    "targetingKey",
    "email",
    "tier",
    "age",
    "score",
    "version",
    "beta",
    "tags",
    "sizes",
    "user.name",
    "user.plan.level",
];
/// Those that are never lists: flagd-core takes a list from the context for a share of `fractional`, ours does not.
const TEXTS: [&str; 6] = ["targetingKey", "email", "tier", "version", "age", "user.name"];
const VARIANTS: [&str; 6] = ["on", "off", "true", "false", "1", "blue"];
const EMAILS: [&str; 5] = ["ann@example.com", "bob@example.org", "ANN@example.com", "", "x"];
const VERSIONS: [&str; 10] = [
    "1.0.0",
    "v2.1.0",
    "2.1",
    "3",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0+build.5",
    "2.0.0.0",
    "none",
    "V1.0.0-rc",
];
const WORDS: [&str; 8] = ["gold", "silver", "a", "", "5", "05", " 7 ", "example"];

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// True once in so many throws.
    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn times<T>(&mut self, least: usize, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }
}

/// A set of so many flags, `f0` and on.
pub fn set(dice: &mut Dice, flags: usize) -> Value {
    let flags: Map<String, Value> = (0..flags).map(|n| (format!("f{n}"), flag(dice))).collect();
    json!({
        "flags": flags,
        "$evaluators": {"is_gold": condition(dice, 1), "who": json!({"var": "targetingKey"})},
        "metadata": {"set": "generated"},
    })
}

fn flag(dice: &mut Dice) -> Value {
    let variants: Map<String, Value> =
        VARIANTS.iter().map(|name| ((*name).to_owned(), json!(name))).collect();
    let mut flag = json!({"state": "ENABLED", "variants": variants});
    if !dice.one_in(6) {
        flag["defaultVariant"] = json!(dice.of(&VARIANTS));
    }
    if dice.one_in(25) {
        flag["state"] = json!("DISABLED");
    }
    match dice.below(12) {
        0 => {}
        1 => flag["targeting"] = json!({}),
        2 | 3 => flag["targeting"] = wild(dice, 3),
        _ => flag["targeting"] = choice(dice, 3),
    }
    flag
}

/// What names a variant, usually.
fn choice(dice: &mut Dice, depth: usize) -> Value {
    if depth == 0 {
        return name(dice);
    }
    match dice.below(10) {
        0..=4 => {
            let mut parts = Vec::new();
            for _ in 0..=dice.below(2) {
                parts.push(condition(dice, depth - 1));
                parts.push(choice(dice, depth - 1));
            }
            if !dice.one_in(3) {
                parts.push(choice(dice, depth - 1));
            }
            json!({ "if": parts })
        }
        5..=7 => fractional(dice, depth - 1),
        8 => condition(dice, depth - 1),
        _ => name(dice),
    }
}

fn name(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!("missing-variant"),
        2 => json!(1),
        3 => json!({"var": "tier"}),
        _ => json!(dice.of(&VARIANTS)),
    }
}

fn fractional(dice: &mut Dice, depth: usize) -> Value {
    let mut args = match dice.below(6) {
        0 | 1 => vec![],
        2 => vec![json!({"var": "targetingKey"})],
        3 => vec![json!({"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]})],
        4 => vec![json!({"$ref": "who"})],
        _ => vec![text(dice, depth)],
    };
    args.extend(dice.times(1, 4, |dice| share(dice, depth)));
    json!({ "fractional": args })
}

fn share(dice: &mut Dice, depth: usize) -> Value {
    let variant = match dice.below(8) {
        0 => json!(dice.one_in(2)),
        1 => Value::Null,
        2 if depth > 0 => choice(dice, 0),
        _ => json!(dice.of(&VARIANTS)),
    };
    match dice.below(12) {
        0 => json!([variant]),
        1 => json!([variant, -5]),
        2 => json!([variant, {"if": [condition(dice, 0), 100, 0]}]),
        3 => json!([variant, dice.of(&[json!(1.5), json!("5"), json!(2_147_483_647), json!(null)])]),
        4 => json!([variant, 0]),
        _ => json!([variant, dice.below(100)]),
    }
}

fn condition(dice: &mut Dice, depth: usize) -> Value {
    if depth > 0 && dice.one_in(3) {
        let parts = dice.times(1, 3, |dice| condition(dice, depth - 1));
        return match dice.below(4) {
            0 => json!({ "and": parts }),
            1 => json!({ "or": parts }),
            2 => json!({"!": parts[0]}),
            _ => json!({"!!": [parts[0]]}),
        };
    }
    match dice.below(12) {
        0 => json!({"==": [{"var": "tier"}, dice.of(&WORDS)]}),
        1 => json!({dice.of(&["<", "<=", ">", ">=", "==", "!="]): [number(dice, depth), number(dice, 0)]}),
        2 => json!({"in": [{"var": "email"}, dice.times(0, 12, |dice| dice.of(&EMAILS))]}),
        3 => json!({"in": [dice.of(&WORDS), {"var": dice.of(&["email", "tags", "tier"])}]}),
        4 => {
            json!({dice.of(&["starts_with", "ends_with"]): [{"var": "email"}, dice.of(&["ann", "org", "", "@example.com"])]})
        }
        5 => {
            json!({"sem_ver": [{"var": "version"}, dice.of(&["=", "!=", "<", "<=", ">", ">=", "~", "^", "=="]), dice.of(&VERSIONS)]})
        }
        6 => json!({dice.of(&["some", "none"]): [{"var": "tags"}, {"==": [{"var": ""}, dice.of(&WORDS)]}]}),
        7 => json!({"<": [dice.below(60), {"var": "age"}, dice.below(100)]}),
        8 => {
            json!({dice.of(&["===", "!=="]): [{"var": "beta"}, dice.of(&[json!(true), json!("true"), json!(1), Value::Null])]})
        }
        9 => json!({"$ref": "is_gold"})
            .as_object()
            .filter(|_| depth > 1)
            .map_or(json!({"var": "beta"}), |r| json!(r)),
        10 => json!({">": [{"var": "$flagd.timestamp"}, dice.of(&[0_u64, 4_000_000_000])]}),
        _ => json!({"!": {"var": dice.of(&ATTRIBUTES)}}),
    }
}

fn text(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 0 { 5 } else { 3 }) {
        0 => json!(dice.of(&WORDS)),
        1 => json!({"var": dice.of(&TEXTS)}),
        2 => json!({"var": [dice.of(&TEXTS), "fallback"]}),
        3 => json!({ "cat": dice.times(0, 3, |dice| text(dice, depth - 1)) }),
        _ => {
            json!({"substr": [{"var": "email"}, dice.of(&[0, 2, -3, 9]), dice.of(&[json!(2), json!(-1), json!(0), json!(99)])]})
        }
    }
}

fn number(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 0 { 4 } else { 2 }) {
        0 => dice.of(&[json!(0), json!(18), json!(-1), json!(40.5), json!("30"), json!(1_000_000)]),
        1 => json!({"var": dice.of(&["age", "score"])}),
        2 => {
            json!({dice.of(&["+", "-", "*", "/", "%", "min", "max"]): dice.times(1, 3, |dice| number(dice, depth - 1))})
        }
        _ => json!({"reduce": [{"var": "sizes"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 0]}),
    }
}

/// Any operator of anything.
fn wild(dice: &mut Dice, depth: usize) -> Value {
    if depth == 0 || dice.one_in(5) {
        return leaf(dice);
    }
    let operator = dice.of(&[
        "==",
        "!=",
        "===",
        "!==",
        "<",
        "<=",
        ">",
        ">=",
        "and",
        "or",
        "!",
        "!!",
        "if",
        "in",
        "cat",
        "merge",
        "+",
        "-",
        "*",
        "/",
        "%",
        "min",
        "max",
        "missing",
        "missing_some",
        "map",
        "filter",
        "all",
        "some",
        "none",
        "starts_with",
        "sem_ver",
        "var",
        "nonsense",
        "substr",
    ]);
    let args = match operator {
        // Of nothing at all flagd-core says that `all` of it holds, or not, depending on what is around it.
        "all" => vec![json!({"merge": [wild(dice, depth - 1), {"var": "sizes"}]}), item_rule(dice)],
        "map" | "filter" | "some" | "none" => {
            vec![json!({"var": dice.of(&["tags", "sizes"])}), item_rule(dice)]
        }
        "missing_some" => vec![json!(dice.below(3)), json!(dice.times(0, 3, |dice| dice.of(&ATTRIBUTES)))],
        "missing" => dice.times(1, 3, |dice| json!(dice.of(&ATTRIBUTES))),
        "var" => vec![json!(dice.of(&ATTRIBUTES)), leaf(dice)],
        // What stands on the right is plain: in anything else, flagd-core forgets what was on the left.
        "==" | "!=" | "<" | ">" | "<=" | ">=" => vec![wild(dice, depth - 1), leaf(dice)],
        "in" => vec![wild(dice, depth - 1), leaf(dice)],
        "===" | "!==" => dice.times(2, 2, |dice| wild(dice, depth - 1)),
        "substr" => vec![text(dice, 1), json!(dice.below(4))],
        // In the middle of a text, flagd-core forgets the brackets around `and` and `or`.
        "cat" => dice.times(1, 3, leaf),
        "!" | "!!" => vec![wild(dice, depth - 1)],
        // What is known beforehand is not gone into where it does not matter.
        "and" | "or" | "if" => {
            let mut parts = vec![json!({"var": dice.of(&ATTRIBUTES)})];
            parts.extend(dice.times(0, 2, |dice| wild(dice, depth - 1)));
            parts
        }
        _ => dice.times(1, 3, |dice| wild(dice, depth - 1)),
    };
    json!({ operator: args })
}

fn item_rule(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"var": ""}),
        1 => json!({">": [{"var": ""}, 3]}),
        2 => json!({"==": [{"var": ""}, dice.of(&WORDS)]}),
        _ => json!({"cat": [{"var": ""}, "!"]}),
    }
}

fn leaf(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => json!(dice.below(4)),
        3 => json!(0.5),
        4 => json!(dice.of(&WORDS)),
        5 => json!(dice.times(0, 3, |dice| dice.of(&WORDS))),
        6 => json!(dice.of(&VARIANTS)),
        _ => json!({"var": dice.of(&ATTRIBUTES)}),
    }
}

/// Somebody. Now and then an attribute is missing, or is not what it should be.
pub fn context(dice: &mut Dice) -> Value {
    let mut context = json!({
        "targetingKey": format!("user-{}", dice.below(1000)),
        "email": dice.of(&EMAILS),
        "tier": dice.of(&WORDS),
        "age": dice.below(90),
        "score": dice.of(&[json!(0.25), json!(1e21), json!(-3.5), json!(1e-7), json!(100)]),
        "version": dice.of(&VERSIONS),
        "beta": dice.one_in(2),
        "tags": dice.times(0, 3, |dice| dice.of(&WORDS)),
        "sizes": dice.times(0, 4, |dice| dice.below(9)),
        "user": {"name": dice.of(&WORDS), "plan": {"level": dice.below(5)}},
    });
    let members = context.as_object_mut().unwrap();
    for name in ATTRIBUTES.iter().filter(|name| !name.contains('.')) {
        match dice.below(12) {
            0 => drop(members.remove(*name)),
            1 => drop(members.insert((*name).to_owned(), odd(dice, name))),
            _ => {}
        }
    }
    context
}

fn odd(dice: &mut Dice, name: &str) -> Value {
    match name {
        "tags" | "sizes" => dice.of(&[json!(null), json!([]), json!(["a"])]),
        _ if TEXTS.contains(&name) => dice.of(&[
            json!(null),
            json!(""),
            json!(0),
            json!(1.5),
            json!(true),
            json!({}),
            json!({"a": 1}),
            json!("12"),
        ]),
        _ => dice.of(&[json!([]), json!(["a"]), json!({}), json!(null), json!("7")]),
    }
}

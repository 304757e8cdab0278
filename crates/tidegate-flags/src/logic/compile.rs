//! From the JSON of a rule to nodes. What does not depend on the context is computed here, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::node::{Args, Calculation, Comparison, Iteration, Node, Style, TextSet};
use super::path::Path;
use super::scope::{Env, Scope};
use super::value::{Kind, Val};
use crate::Map;
use crate::context::Context;
use crate::draw::Draw;
use crate::options::Fractional;
use crate::resolution::Fault;

/// Operators within each other.
const DEEPEST: usize = 128;
/// Parts of one rule; a list of plain values is one.
const MOST_NODES: usize = 200_000;
/// Lists of text from this length on are hashed.
const HASHED_FROM: usize = 8;

/// What `$ref` can name: compiled, or why not.
pub(crate) type Evaluators = BTreeMap<String, Result<Arc<Node>, Fault>>;

/// Compiles one rule after the other, of one flag set.
pub(crate) struct Compiler<'e> {
    fractional: Fractional,
    evaluators: &'e Evaluators,
    depth: usize,
    nodes: usize,
    style: Style,
}

impl<'e> Compiler<'e> {
    pub(crate) fn new(fractional: Fractional, evaluators: &'e Evaluators) -> Self {
        Self { fractional, evaluators, depth: 0, nodes: 0, style: Style::Compiled }
    }

    /// The nodes of a rule, or why it is none.
    pub(crate) fn compile(&mut self, rule: &Value) -> Result<Node, Fault> {
        self.depth = 0;
        self.nodes = 0;
        self.style = Style::Compiled;
        self.node(rule)
    }

    fn node(&mut self, rule: &Value) -> Result<Node, Fault> {
        self.nodes += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::parse("operators are nested too deep"));
        }
        if self.nodes > MOST_NODES {
            return Err(Fault::parse("the rule is too large"));
        }
        let node = match rule {
            Value::Array(items) if items.iter().all(is_plain) => Node::Literal(rule.clone()),
            Value::Array(items) => fold(Node::List(self.all(items)?), self.style)?,
            Value::Object(members) => fold(self.object(members)?, self.style)?,
            _ => Node::Literal(rule.clone()),
        };
        self.depth -= 1;
        Ok(node)
    }

    fn all(&mut self, rules: &[Value]) -> Result<Vec<Node>, Fault> {
        rules.iter().map(|rule| self.node(rule)).collect()
    }

    fn object(&mut self, members: &Map) -> Result<Node, Fault> {
        let mut members = members.iter();
        match (members.next(), members.next()) {
            (None, _) => Ok(Node::Literal(Value::Object(Map::new()))),
            (Some((operator, arg)), None) => self.operator(operator, arg),
            (Some(_), Some(_)) => Err(Fault::parse("an object with several keys is no operator")),
        }
    }

    fn operator(&mut self, operator: &str, arg: &Value) -> Result<Node, Fault> {
        if let Some(how) = comparison(operator) {
            return Ok(Node::Compare(how, self.list(operator, arg)?, self.style));
        }
        if let Some(how) = iteration(operator) {
            let [list, body] = self.exactly(operator, arg)?;
            return Ok(Node::Each(how, Box::new(list), Box::new(body)));
        }
        if let Some(how) = calculation(operator) {
            return self.calculate(how, arg);
        }
        match operator {
            "$ref" => self.reference(arg),
            "var" => self.var(arg),
            "missing" => Ok(Node::Missing(self.args(arg)?)),
            "missing_some" => Ok(Node::MissingSome(self.args(arg)?)),
            "if" | "?:" => self.choice(operator, arg),
            "and" => Ok(Node::And(self.list(operator, arg)?)),
            "or" => Ok(Node::Or(self.list(operator, arg)?)),
            "!" => Ok(Node::Not(Box::new(self.first(arg)?))),
            "!!" => Ok(Node::Truth(Box::new(self.first(arg)?))),
            "in" => self.is_in(arg),
            "cat" => self.cat(arg),
            "substr" => Ok(Node::Substr(self.args(arg)?)),
            "merge" => Ok(Node::Merge(self.args(arg)?)),
            "reduce" => self.reduce(arg),
            "starts_with" => Ok(Node::StartsWith(self.args(arg)?)),
            "ends_with" => Ok(Node::EndsWith(self.args(arg)?)),
            "sem_ver" => Ok(Node::SemVer(self.args(arg)?)),
            "fractional" => {
                let shares = self.list(operator, arg)?;
                Ok(Node::Fractional(Box::new(Draw::new(self.fractional, shares))))
            }
            _ => Err(Fault::parse(format!("`{operator}` is no operator"))),
        }
    }

    fn reference(&self, name: &Value) -> Result<Node, Fault> {
        let found = name.as_str().and_then(|name| self.evaluators.get(name));
        match found {
            Some(Ok(node)) => Ok(Node::Shared(Arc::clone(node))),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(Fault::parse(format!("no evaluator is named {name}"))),
        }
    }

    fn var(&mut self, arg: &Value) -> Result<Node, Fault> {
        let (path, default) = match arg {
            Value::Array(items) => match items.as_slice() {
                [] => (&Value::Null, None),
                [path] => (path, None),
                [path, default] => (path, Some(default)),
                _ => return Ok(Node::VarAt(self.args(arg)?)),
            },
            path => (path, None),
        };
        let path = match path {
            Value::Null => String::new(),
            Value::String(path) => path.clone(),
            Value::Number(_) => Val::from(path).to_text().into_owned(),
            _ => return Ok(Node::VarAt(self.args(arg)?)),
        };
        let default = default.map(|default| self.node(default)).transpose()?;
        Ok(Node::Var(Path::parse(&path), default.map(Box::new), self.style))
    }

    fn choice(&mut self, operator: &str, arg: &Value) -> Result<Node, Fault> {
        let around = self.style;
        if arg.as_array().is_some_and(|parts| parts.len() < 3) {
            self.style = Style::Interpreted;
        }
        let parts = self.list(operator, arg)?;
        self.style = around;
        Ok(Node::If(parts))
    }

    fn calculate(&mut self, how: Calculation, arg: &Value) -> Result<Node, Fault> {
        let args = self.args(arg)?;
        let lazy =
            self.style == Style::Interpreted || matches!(how, Calculation::Greatest | Calculation::Least);
        if let (Args::Each(nodes), false) = (&args, lazy) {
            if how == Calculation::Remainder && nodes.len() < 2 {
                return Err(Fault::parse("a remainder needs two arguments"));
            }
            for (index, literal) in nodes.iter().map(Node::as_literal).enumerate() {
                let number = literal.map(|literal| Val::from(literal).to_number());
                let spelled = matches!(literal, Some(Value::Number(_) | Value::String(_)));
                let zero = how == Calculation::Divide && index > 0 && spelled && number == Some(Some(0.0));
                if zero || number.is_some_and(|number| number.is_none_or(f64::is_nan)) {
                    return Err(Fault::parse("a calculation with what is no number"));
                }
            }
        }
        Ok(Node::Calculate(how, args))
    }

    fn is_in(&mut self, arg: &Value) -> Result<Node, Fault> {
        let [needle, haystack] = self.exactly("in", arg)?;
        let needle = Box::new(needle);
        match text_set(&haystack) {
            Some(set) => Ok(Node::InSet(needle, set)),
            None => Ok(Node::In(needle, Box::new(haystack))),
        }
    }

    fn cat(&mut self, arg: &Value) -> Result<Node, Fault> {
        match self.args(arg)? {
            Args::Each(parts) if matches!(parts.as_slice(), [Node::Literal(Value::Null)]) => {
                Err(Fault::parse("nothing to put together"))
            }
            // What is known beforehand is interpreted.
            Args::Each(parts) if parts.iter().all(|part| part.as_literal().is_some()) => {
                Ok(Node::Cat(parts, Style::Interpreted))
            }
            Args::Each(parts) => Ok(Node::Cat(parts, self.style)),
            Args::Of(node) => Ok(Node::CatOf(node)),
        }
    }

    fn reduce(&mut self, arg: &Value) -> Result<Node, Fault> {
        let mut parts = self.list("reduce", arg)?.into_iter();
        match (parts.next(), parts.next()) {
            (Some(list), Some(body)) => Ok(Node::Reduce(Box::new([list, body]), parts.next().map(Box::new))),
            _ => Err(Fault::parse("`reduce` needs a list and what to do with it")),
        }
    }

    fn args(&mut self, arg: &Value) -> Result<Args, Fault> {
        Ok(match arg {
            Value::Array(items) => Args::Each(self.all(items)?),
            Value::Object(members) if !members.is_empty() => Args::Of(Box::new(self.node(arg)?)),
            _ => Args::Each(vec![self.node(arg)?]),
        })
    }

    fn list(&mut self, operator: &str, arg: &Value) -> Result<Vec<Node>, Fault> {
        match arg {
            Value::Array(items) => self.all(items),
            _ => Err(Fault::parse(format!("`{operator}` needs a list of arguments"))),
        }
    }

    fn first(&mut self, arg: &Value) -> Result<Node, Fault> {
        match arg {
            Value::Array(items) => {
                items.first().map_or(Ok(Node::Literal(Value::Null)), |first| self.node(first))
            }
            _ if self.style == Style::Interpreted => Ok(Node::First(Box::new(self.node(arg)?))),
            _ => self.node(arg),
        }
    }

    /// The first two arguments; more are ignored.
    fn exactly(&mut self, operator: &str, arg: &Value) -> Result<[Node; 2], Fault> {
        let mut nodes = self.list(operator, arg)?.into_iter();
        match (nodes.next(), nodes.next()) {
            (Some(first), Some(second)) => Ok([first, second]),
            _ => Err(Fault::parse(format!("`{operator}` needs two arguments"))),
        }
    }
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "===" => Comparison::Same,
        "!==" => Comparison::NotSame,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn iteration(operator: &str) -> Option<Iteration> {
    Some(match operator {
        "map" => Iteration::Map,
        "filter" => Iteration::Filter,
        "all" => Iteration::All,
        "some" => Iteration::Some,
        "none" => Iteration::None,
        _ => return None,
    })
}

fn calculation(operator: &str) -> Option<Calculation> {
    Some(match operator {
        "+" => Calculation::Add,
        "-" => Calculation::Subtract,
        "*" => Calculation::Multiply,
        "/" => Calculation::Divide,
        "%" => Calculation::Remainder,
        "max" => Calculation::Greatest,
        "min" => Calculation::Least,
        _ => return None,
    })
}

fn text_set(haystack: &Node) -> Option<TextSet> {
    let items = haystack.as_literal()?.as_array().filter(|items| items.len() >= HASHED_FROM)?;
    items.iter().map(|item| item.as_str().map(Box::from)).collect()
}

/// A literal instead of what gives the same for every context. What fails for every context is no rule, unless it is
/// interpreted: that fails when it is reached.
fn fold(node: Node, style: Style) -> Result<Node, Fault> {
    if !is_constant(&node) {
        return Ok(node);
    }
    let nobody = Context::empty();
    let value = node.evaluate(&Env::new(&nobody, "", 0), &Scope::TOP);
    let value = match value {
        Ok(value) if matches!(value.kind(), Kind::Number(n) if !n.is_finite()) => None,
        Ok(value) => Some(value.to_json()),
        Err(_) if style == Style::Interpreted => None,
        Err(fault) => return Err(Fault::parse(fault.into_details())),
    };
    Ok(value.map_or(node, Node::Literal))
}

fn is_constant(node: &Node) -> bool {
    let literal = |node: &Node| node.as_literal().is_some();
    match node {
        Node::List(nodes)
        | Node::If(nodes)
        | Node::And(nodes)
        | Node::Or(nodes)
        | Node::Compare(_, nodes, _)
        | Node::Cat(nodes, _) => nodes.iter().all(literal),
        Node::Not(node)
        | Node::First(node)
        | Node::Truth(node)
        | Node::CatOf(node)
        | Node::InSet(node, _) => literal(node),
        Node::In(needle, haystack) => literal(needle) && literal(haystack),
        Node::Calculate(_, args) | Node::Substr(args) | Node::Merge(args) => args.are_literal(),
        _ => false,
    }
}

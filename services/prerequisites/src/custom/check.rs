//! The types of an expression.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators as op};
use cel::{IdedExpr, Program};
use jiff::Timestamp;

use super::facts::{FactType, fact};
use super::{MOST_NODES, Problem};

/// What kind of value an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Double,
    String,
    Timestamp,
    Duration,
    /// A list of texts.
    Strings,
    /// A list of whole numbers.
    Ints,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::String => "string",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Strings => "list(string)",
            Self::Ints => "list(int)",
        }
    }

    const fn of(fact: FactType) -> Self {
        match fact {
            FactType::Bool => Self::Bool,
            FactType::Int => Self::Int,
            FactType::String => Self::String,
            FactType::Strings => Self::Strings,
            FactType::Timestamp => Self::Timestamp,
        }
    }

    /// Whether one may be less than another.
    const fn is_ordered(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::String | Self::Timestamp | Self::Duration)
    }
}

/// What was found of an expression.
pub(super) struct Checked {
    /// Names of the facts that it asks about.
    pub(super) facts: BTreeSet<&'static str>,
    pub(super) nodes: usize,
    /// It asks for the moment of judging.
    pub(super) asks_for_now: bool,
}

/// Checks that an expression is true or false of every device, and of bounded cost.
pub(super) fn check(program: &Program) -> Result<Checked, Problem> {
    let mut walk =
        Walk { source: program.source_info(), facts: BTreeSet::new(), nodes: 0, asks_for_now: false };
    let root = program.expression();
    match walk.type_of(root)? {
        Type::Bool => {
            let Walk { facts, nodes, asks_for_now, .. } = walk;
            Ok(Checked { facts, nodes, asks_for_now })
        }
        other => Err(walk.problem(root, format!("expected bool, found {}", other.name()))),
    }
}

struct Walk<'a> {
    source: &'a SourceInfo,
    facts: BTreeSet<&'static str>,
    nodes: usize,
    asks_for_now: bool,
}

/// Functions that an expression may call, as an error lists them.
const FUNCTIONS: &str = "size, contains, startsWith, endsWith, timestamp and duration";

impl Walk<'_> {
    fn type_of(&mut self, node: &IdedExpr) -> Result<Type, Problem> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(self.problem(node, format!("must have at most {MOST_NODES} nodes: found more")));
        }
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) if name == "now" => {
                self.asks_for_now = true;
                Ok(Type::Timestamp)
            }
            Expr::Ident(name) => Err(self.problem(
                node,
                format!("expected `now` or a fact such as `device.join_type`, found `{name}`"),
            )),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => {
                let mut of = None;
                for element in &list.elements {
                    let found = self.type_of(element)?;
                    if *of.get_or_insert(found) != found {
                        let expected = of.map_or("", Type::name);
                        return Err(self.problem(element, format!("expected {expected}, found {}", found.name())));
                    }
                }
                match of {
                    Some(Type::String) => Ok(Type::Strings),
                    Some(Type::Int) => Ok(Type::Ints),
                    Some(other) => Err(self.problem(node, format!("expected a list of string or int, found {}", other.name()))),
                    None => Err(self.problem(node, "expected a list of string or int, found an empty one".to_owned())),
                }
            }
            Expr::Comprehension(comprehension) => Err(self.problem(
                first_known(self.source, node, &comprehension.iter_range),
                "expected no comprehension (all, exists, exists_one, filter, map), whose cost has no bound; found one".to_owned(),
            )),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.problem(node, "expected a comparison of facts, found a map or message".to_owned()))
            }
            Expr::Unspecified => Err(self.problem(node, "expected an expression, found none".to_owned())),
        }
    }

    fn literal(&self, node: &IdedExpr, literal: &LiteralValue) -> Result<Type, Problem> {
        match literal {
            LiteralValue::Boolean(_) => Ok(Type::Bool),
            LiteralValue::Int(_) => Ok(Type::Int),
            LiteralValue::Double(_) => Ok(Type::Double),
            LiteralValue::String(_) => Ok(Type::String),
            LiteralValue::UInt(_) => Err(self
                .problem(node, "expected a number such as 5, found an unsigned one such as 5u".to_owned())),
            LiteralValue::Null => Err(self.problem(
                node,
                "expected `has(device.…)` to ask whether somebody said a fact, found null".to_owned(),
            )),
            LiteralValue::Bytes(_) => Err(self.problem(node, "expected a text, found bytes".to_owned())),
        }
    }

    /// `device.join_type`, or `has(device.join_type)`.
    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Result<Type, Problem> {
        self.nodes += 1;
        let is_device = matches!(&select.operand.expr, Expr::Ident(name) if name == "device");
        if !is_device {
            let what = format!(
                "expected a fact such as `device.join_type`, found the field `{}` of something else",
                select.field
            );
            return Err(self.problem(node, what));
        }
        let Some(fact) = fact(&select.field) else {
            return Err(
                self.problem(node, format!("expected a fact of a device, found `device.{}`", select.field))
            );
        };
        self.facts.insert(fact.name);
        Ok(if select.test { Type::Bool } else { Type::of(fact.of_type) })
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Result<Type, Problem> {
        // A constant that stands for a moment or a span is read once, here.
        if let ("timestamp" | "duration", None, [argument]) =
            (call.func_name.as_str(), &call.target, call.args.as_slice())
        {
            return self.constant(&call.func_name, argument);
        }
        let mut types = Vec::with_capacity(call.args.len() + 1);
        for argument in call.target.as_deref().into_iter().chain(&call.args) {
            types.push(self.type_of(argument)?);
        }
        let name = call.func_name.as_str();
        use Type::{Bool, Double, Duration, Int, Ints, String, Strings, Timestamp};
        let found = match (name, types.as_slice()) {
            (op::LOGICAL_AND | op::LOGICAL_OR, [Bool, Bool]) | (op::LOGICAL_NOT, [Bool]) => Some(Bool),
            (op::CONDITIONAL, [Bool, one, other]) if one == other => Some(*one),
            (op::EQUALS | op::NOT_EQUALS, [one, other]) if one == other => Some(Bool),
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [one, other])
                if one == other && one.is_ordered() =>
            {
                Some(Bool)
            }
            (op::IN, [String, Strings] | [Int, Ints]) => Some(Bool),
            (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE, [one @ (Int | Double), other])
                if one == other =>
            {
                Some(*one)
            }
            (op::MODULO, [Int, Int]) => Some(Int),
            (op::NEGATE, [one @ (Int | Double)]) => Some(*one),
            (op::ADD, [String, String]) => Some(String),
            (op::ADD, [Timestamp, Duration] | [Duration, Timestamp])
            | (op::SUBSTRACT, [Timestamp, Duration]) => Some(Timestamp),
            (op::SUBSTRACT, [Timestamp, Timestamp]) | (op::ADD | op::SUBSTRACT, [Duration, Duration]) => {
                Some(Duration)
            }
            ("size", [String | Strings | Ints]) => Some(Int),
            ("contains" | "startsWith" | "endsWith", [String, String]) if call.target.is_some() => Some(Bool),
            _ => None,
        };
        found.ok_or_else(|| {
            let types: Vec<&str> = types.iter().map(|of| of.name()).collect();
            let what = match operator(name) {
                Some(operator) => {
                    format!("expected operands that `{operator}` takes, found {}", types.join(" and "))
                }
                None if matches!(name, "size" | "contains" | "startsWith" | "endsWith") => {
                    format!("expected arguments that `{name}` takes, found {}", types.join(" and "))
                }
                None => format!("expected one of {FUNCTIONS}, found `{name}`"),
            };
            self.problem(node, what)
        })
    }

    /// `timestamp('2026-11-20T00:00:00Z')` or `duration('720h')`.
    fn constant(&mut self, function: &str, argument: &IdedExpr) -> Result<Type, Problem> {
        self.nodes += 1;
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
            return Err(self.problem(
                argument,
                format!("expected a text in quotes for `{function}`, found something else"),
            ));
        };
        let text = text.inner();
        if function == "timestamp" {
            return match text.parse::<Timestamp>() {
                Ok(_) => Ok(Type::Timestamp),
                Err(_) => {
                    let what = format!("expected a moment such as `2026-11-20T00:00:00Z`, found `{text}`");
                    Err(self.problem(argument, what))
                }
            };
        }
        match is_duration(text) {
            true => Ok(Type::Duration),
            false => {
                let what = format!("expected a span such as `720h`, `90m` or `1h30m`, found `{text}`");
                Err(self.problem(argument, what))
            }
        }
    }

    fn problem(&self, node: &IdedExpr, what: String) -> Problem {
        let position = self.source.offset_for(node.id).map(|(start, _)| position(&self.source.source, start));
        Problem { position, what }
    }
}

/// As CEL itself reads it.
fn is_duration(text: &str) -> bool {
    let quoted = format!("duration({text:?})");
    text.is_ascii()
        && Program::compile(&quoted).is_ok_and(|program| program.execute(&cel::Context::default()).is_ok())
}

/// The node of the two whose place in the text is known.
fn first_known<'a>(source: &SourceInfo, one: &'a IdedExpr, other: &'a IdedExpr) -> &'a IdedExpr {
    if source.offset_for(one.id).is_some() { one } else { other }
}

/// Line and column, from 1, of an offset in characters.
fn position(source: &str, offset: u32) -> (usize, usize) {
    let before: Vec<char> = source.chars().take(offset as usize).collect();
    let line = before.iter().filter(|of| **of == '\n').count() + 1;
    let column = before.iter().rev().take_while(|of| **of != '\n').count() + 1;
    (line, column)
}

/// An operator as people write it.
fn operator(name: &str) -> Option<&'static str> {
    Some(match name {
        op::LOGICAL_AND => "&&",
        op::LOGICAL_OR => "||",
        op::LOGICAL_NOT => "!",
        op::CONDITIONAL => "?:",
        op::EQUALS => "==",
        op::NOT_EQUALS => "!=",
        op::LESS => "<",
        op::LESS_EQUALS => "<=",
        op::GREATER => ">",
        op::GREATER_EQUALS => ">=",
        op::IN => "in",
        op::ADD => "+",
        op::SUBSTRACT | op::NEGATE => "-",
        op::MULTIPLY => "*",
        op::DIVIDE => "/",
        op::MODULO => "%",
        op::INDEX => "[]",
        _ => return None,
    })
}

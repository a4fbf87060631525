//! One value: what its name, and what stands in its parentheses, make of it.

use std::ops::Range;

use checked_yaml::did_you_mean;

use super::Meaning;
use super::function::lacks_arguments;
use super::known::{CALLS, CARD, FUNCTIONS, PERSON, PLAIN, TIMES, card, person, plain};
use super::scan::split_arguments;
use crate::scenario::check::slip::Slip;
use crate::template::{Expr, Generator, Value};

impl Meaning<'_> {
    pub(super) fn expr(&self, inner: &str, at: usize) -> Result<Expr, Slip> {
        let start = at + (inner.len() - inner.trim_start().len());
        let inner = inner.trim();
        let whole = start..start + inner.len();
        if inner.is_empty() {
            return Err(
                Slip::new(at.saturating_sub(2)..at + 1, "`${}` names no value")
                    .help("write for example `${uuid}`; a literal `${` is written `$${`"),
            );
        }
        match inner.split_once('(') {
            None => self.named(inner, whole),
            Some((name, arguments)) => match arguments.strip_suffix(')') {
                Some(arguments) => {
                    let from = start + name.len() + 1;
                    self.made_of(name.trim_end(), arguments, from, whole)
                }
                None => Err(
                    Slip::new(whole, format!("`{inner}` lacks a closing parenthesis"))
                        .label("`)` is missing"),
                ),
            },
        }
    }

    fn named(&self, name: &str, at: Range<usize>) -> Result<Expr, Slip> {
        if let Some((group, field)) = name.split_once('.') {
            return self.dotted(group, field, at);
        }
        if let Some(generator) = plain(name) {
            return Ok(Expr::Generated(generator));
        }
        if let Some(slot) = self.names.slot(name) {
            if self.scope.holds(slot) {
                return Ok(Expr::Variable(slot));
            }
            return Err(Slip::new(at, format!("`{name}` is not set yet here"))
                .label("used before it is set")
                .also(self.names.set_at(name), "set here")
                .help("set or extract it in an earlier step of the same journey, or give it a first value under `variables`"));
        }
        match name {
            "now" => self.now("", 0, at),
            "timestamp" => self.now("unix", 0, at),
            _ => Err(lacks_arguments(name, at.clone()).unwrap_or_else(|| self.unknown(name, at))),
        }
    }

    /// A name with parentheses; what stands in them begins at `from`.
    fn made_of(&self, name: &str, text: &str, from: usize, at: Range<usize>) -> Result<Expr, Slip> {
        match name {
            "now" => self.now(text, from, at),
            name if FUNCTIONS.contains(&name) => self.function(name, text, from, at),
            _ => self.call(name, &split_arguments(text), at),
        }
    }

    fn dotted(&self, group: &str, field: &str, at: Range<usize>) -> Result<Expr, Slip> {
        let field_at = at.end - field.len()..at.end;
        match group {
            "person" => match person(field) {
                Some(field) => Ok(Expr::Generated(Generator::Person(field))),
                None => Err(no_field("person", field, &PERSON, field_at)),
            },
            "env" => self.environment(field, field_at),
            "card" => match card(field) {
                Some(field) => Ok(Expr::Generated(Generator::Card(field))),
                None => Err(no_field("card", field, &CARD, field_at)),
            },
            _ => self.feeder(group, field, at, field_at),
        }
    }

    /// A variable of the environment. Its value is never shown.
    fn environment(&self, name: &str, at: Range<usize>) -> Result<Expr, Slip> {
        match std::env::var(name) {
            Ok(value) => {
                self.names.learn_secret(&value);
                Ok(Expr::Constant(Value::Text(value.into())))
            }
            Err(std::env::VarError::NotPresent) => {
                Err(Slip::new(at, format!("the environment has no `{name}`"))
                    .label("not set")
                    .help(format!(
                        "set it where loadgen is started: `{name}=… loadgen run …`"
                    )))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(Slip::new(
                at,
                format!("the environment's `{name}` is no UTF-8 text"),
            )),
        }
    }

    fn feeder(
        &self,
        name: &str,
        column: &str,
        at: Range<usize>,
        column_at: Range<usize>,
    ) -> Result<Expr, Slip> {
        let Some(index) = self
            .names
            .feeders
            .iter()
            .position(|feeder| feeder.name == name)
        else {
            let known = self
                .names
                .feeders
                .iter()
                .map(|feeder| feeder.name.as_str())
                .chain(["person", "card", "env"]);
            return Err(Slip::new(
                at.start..at.start + name.len(),
                format!("there is no feeder `{name}`"),
            )
            .label("unknown name before the dot")
            .concerns(name)
            .help_maybe(did_you_mean(name, known))
            .help("before a dot stands a feeder's name, `person`, `card` or `env`"));
        };
        let columns = &self.names.feeders[index].columns;
        match columns.iter().position(|known| known == column) {
            Some(place) => Ok(Expr::Feeder(index as u16, place as u16)),
            // A feeder without columns could not be read; that has been reported already.
            None if columns.is_empty() => Ok(Expr::Constant(Value::Unset)),
            None => {
                let known: Vec<&str> = columns.iter().map(String::as_str).collect();
                Err(no_field(
                    &format!("feeder `{name}`"),
                    column,
                    &known,
                    column_at,
                ))
            }
        }
    }

    fn call(&self, name: &str, arguments: &[String], at: Range<usize>) -> Result<Expr, Slip> {
        let generator = match (name, arguments) {
            ("int", [from, to]) => return int(from, to, at).map(Expr::Generated),
            ("int", _) => {
                return Err(
                    Slip::new(at, "`int` takes two numbers").help("for example `${int(1, 5)}`")
                );
            }
            ("pick", []) => {
                return Err(Slip::new(at, "`pick` takes at least one text")
                    .help("for example `${pick(red, blue)}`"));
            }
            ("pick", texts) => {
                Generator::Pick(texts.iter().map(|text| text.as_str().into()).collect())
            }
            ("popular", [which]) => return self.popular(which, at).map(Expr::Generated),
            ("popular", _) => {
                return Err(Slip::new(at, "`popular` takes one name")
                    .help("the name of an entry under `popularity`"));
            }
            (_, []) if plain(name).is_some() => return self.named(name, at),
            _ if plain(name).is_some() => {
                return Err(Slip::new(at, format!("`{name}` takes no arguments"))
                    .help(format!("write `${{{name}}}`")));
            }
            _ => return Err(no_function(name, at.start..at.start + name.len())),
        };
        Ok(Expr::Generated(generator))
    }

    fn popular(&self, which: &str, at: Range<usize>) -> Result<Generator, Slip> {
        let known = self
            .names
            .popularity
            .iter()
            .map(|entry| entry.name.as_str());
        match known.clone().position(|name| name == which) {
            Some(index) => Ok(Generator::Popular(index as u16)),
            None => {
                let listed: Vec<&str> = known.collect();
                let help = if listed.is_empty() {
                    format!("add it: `popularity: {{ {which}: {{ items: 10000 }} }}`")
                } else {
                    format!("entries under `popularity`: {}", listed.join(", "))
                };
                Err(Slip::new(at, format!("there is no popularity `{which}`"))
                    .label("unknown popularity")
                    .concerns(which)
                    .help_maybe(did_you_mean(which, listed.iter().copied()))
                    .help(help))
            }
        }
    }

    fn unknown(&self, name: &str, at: Range<usize>) -> Slip {
        let variables = self
            .names
            .variables()
            .filter(|(slot, _)| self.scope.holds(*slot))
            .map(|(_, name)| name);
        let made = PLAIN.into_iter().chain(TIMES);
        let called = CALLS.into_iter().chain(FUNCTIONS);
        let known: Vec<&str> = variables
            .clone()
            .chain(made.clone())
            .chain(called.clone())
            .collect();
        let set: Vec<&str> = variables.collect();
        let set = if set.is_empty() {
            "none".to_owned()
        } else {
            set.join(", ")
        };
        Slip::new(at, format!("nothing sets `{name}`"))
            .label("unknown value")
            .concerns(name)
            .help_maybe(did_you_mean(name, known))
            .help(format!("variables set before this point: {set}"))
            .help(format!(
                "made by loadgen: person.…, card.…, {}(…), {}",
                called.collect::<Vec<_>>().join("(…), "),
                made.collect::<Vec<_>>().join(", ")
            ))
    }
}

fn int(from: &str, to: &str, at: Range<usize>) -> Result<Generator, Slip> {
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok(Generator::Int(from, to)),
        (Ok(_), Ok(_)) => Err(Slip::new(at, "`int` runs backwards")
            .label(format!("{from} is above {to}"))
            .help("the smaller number comes first")),
        _ => Err(Slip::new(at, "`int` takes two whole numbers").help("for example `${int(1, 5)}`")),
    }
}

fn no_function(name: &str, at: Range<usize>) -> Slip {
    let known: Vec<&str> = CALLS.into_iter().chain(FUNCTIONS).chain(["now"]).collect();
    Slip::new(at, format!("there is no function `{name}`"))
        .label("unknown function")
        .help_maybe(did_you_mean(name, known.iter().copied()))
        .help(format!("functions: {}", known.join(", ")))
}

fn no_field(owner: &str, field: &str, known: &[&str], at: Range<usize>) -> Slip {
    Slip::new(at, format!("{owner} has no `{field}`"))
        .label("unknown name after the dot")
        .help_maybe(did_you_mean(field, known.iter().copied()))
        .help(format!("known: {}", known.join(", ")))
}

//! Conditions: `status is 401 and not returning`.
//!
//! Grammar, weakest first: `or`, `and`, `not`, parentheses, tests. Must not know: where the text stands.

mod tokens;

use checked_yaml::did_you_mean;

use super::names::{Names, Scope};
use super::response::{self, Selector};
use super::slip::Slip;
use super::template::Meaning;
use super::units;
use crate::scenario::{Comparison, Condition, Literal, PathTest, Quantity, Test};
use tokens::{Token, tokens};

/// Deepest nesting of a condition.
const NESTING_MAX: u32 = 32;
const OPERATORS: &str = "is, is not, <, <=, >, >=, contains, exists, missing";

/// Compiles a condition.
pub(super) fn parse(text: &str, names: &Names, scope: &Scope) -> Result<Condition, Slip> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens: &tokens,
        at: 0,
        names,
        scope,
        depth: 0,
    };
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(token) => Err(Slip::new(
            token.range.clone(),
            format!("`{}` does not continue the condition", token.text),
        )
        .label("not expected here")
        .help("join tests with `and` or `or`")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    names: &'a Names,
    scope: &'a Scope,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|token| !token.quoted && token.text == word);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self, wanted: &str) -> Result<&'a Token, Slip> {
        let end = self.text.trim_end().len();
        let token = self.peek().ok_or_else(|| {
            Slip::new(
                end.saturating_sub(1)..end,
                format!("the condition ends where {wanted} is expected"),
            )
            .label(format!("{wanted} is missing after this"))
        })?;
        self.at += 1;
        Ok(token)
    }

    fn any(&mut self) -> Result<Condition, Slip> {
        let mut parts = vec![self.all()?];
        while self.accept("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Slip> {
        let mut parts = vec![self.negated()?];
        while self.accept("and") {
            parts.push(self.negated()?);
        }
        Ok(single_or(parts, Condition::All))
    }

    fn negated(&mut self) -> Result<Condition, Slip> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(Slip::new(
                0..self.text.len(),
                format!("nested more than {NESTING_MAX} levels deep"),
            ));
        }
        let condition = if self.accept("not") {
            Condition::Not(Box::new(self.negated()?))
        } else if self.accept("(") {
            let inner = self.any()?;
            if !self.accept(")") {
                let end = self.text.trim_end().len();
                return Err(
                    Slip::new(end.saturating_sub(1)..end, "a parenthesis is never closed")
                        .label("`)` is missing"),
                );
            }
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn test(&mut self) -> Result<Condition, Slip> {
        let token = self.next("a test")?;
        match token.text.as_str() {
            "returning" => Ok(Condition::Returning),
            "chance" => self.chance(),
            "persona" => self.persona(),
            "outcome" => self.outcome(),
            "status" => self.status(),
            "json" => self.json(),
            "header" => self.header(),
            "url" => Ok(Condition::Response(Test::Url(self.comparison()?))),
            "var" => {
                let name = self.next("a variable's name")?;
                self.variable(name)
            }
            _ => self.variable(token),
        }
    }

    fn chance(&mut self) -> Result<Condition, Slip> {
        let token = self.next("a percentage")?;
        match units::share(&token.text) {
            Some(share) if share <= 1.0 => Ok(Condition::Chance(share)),
            Some(_) => Err(Slip::new(
                token.range.clone(),
                format!("`{}` is more than 100%", token.text),
            )
            .label("at most 100%")),
            None => Err(Slip::new(
                token.range.clone(),
                format!("`{}` is not a percentage", token.text),
            )
            .label("expected a percentage")
            .help("for example `chance 40%`")),
        }
    }

    fn persona(&mut self) -> Result<Condition, Slip> {
        let negated = self.is_or_is_not()?;
        let token = self.next("a persona's name")?;
        let known = &self.names.personas;
        match known.iter().position(|name| *name == token.text) {
            Some(index) => Ok(negate_if(negated, Condition::Persona(index))),
            None => Err(Slip::new(
                token.range.clone(),
                format!("there is no persona `{}`", token.text),
            )
            .label("unknown persona")
            .concerns(&token.text)
            .help_maybe(did_you_mean(&token.text, known.iter().map(String::as_str)))
            .help(format!("personas: {}", known.join(", ")))),
        }
    }

    fn outcome(&mut self) -> Result<Condition, Slip> {
        let negated = self.is_or_is_not()?;
        let token = self.next("an outcome's name")?;
        Ok(negate_if(negated, Condition::Outcome(token.text.clone())))
    }

    fn is_or_is_not(&mut self) -> Result<bool, Slip> {
        let token = self.next("`is`")?;
        match token.text.as_str() {
            "is" | "==" | "=" => Ok(self.accept("not")),
            "!=" => Ok(true),
            _ => Err(Slip::new(
                token.range.clone(),
                format!("`{}` is not expected here", token.text),
            )
            .label("expected `is` or `is not`")),
        }
    }

    fn status(&mut self) -> Result<Condition, Slip> {
        let operator = self.next("`is` or a comparison")?;
        let negated = match operator.text.as_str() {
            "is" | "==" | "=" => self.accept("not"),
            "!=" => true,
            _ => false,
        };
        let token = self.next("a status")?;
        let Some((from, to)) = units::status_range(&token.text) else {
            return Err(Slip::new(
                token.range.clone(),
                format!("`{}` is not a status", token.text),
            )
            .label("expected 100 to 599, or a class such as 4xx"));
        };
        let range = match operator.text.as_str() {
            "is" | "==" | "=" | "!=" => (from, to),
            "<" => (100, from.saturating_sub(1)),
            "<=" => (100, to),
            ">" => (to + 1, 599),
            ">=" => (from, 599),
            _ => return Err(unknown_operator(operator)),
        };
        Ok(negate_if(
            negated,
            Condition::Response(Test::Status(vec![range])),
        ))
    }

    fn json(&mut self) -> Result<Condition, Slip> {
        let token = self.next("a JSON pointer or JSONPath")?;
        if !token.text.starts_with(['/', '$']) {
            return Err(Slip::new(
                token.range.clone(),
                format!("`{}` is neither a JSON pointer nor a JSONPath", token.text),
            )
            .label("begins with `/`, or with `$`")
            .help("for example `json /status is pending`, or `json $.items[*] count > 3`"));
        }
        if token.text.contains("${") {
            return Err(
                Slip::new(token.range.clone(), "a JSON pointer cannot hold values")
                    .label("`${…}` is not looked up here"),
            );
        }
        let start = token.range.start + usize::from(token.quoted);
        let selector = response::selector(&token.text).map_err(|slip| slip.shifted(start))?;
        let test = match selector {
            Selector::Pointer(pointer) => Test::Json {
                pointer,
                comparison: self.comparison()?,
            },
            Selector::Path(path) => Test::Path(PathTest {
                path,
                of: self.quantity(),
                comparison: self.comparison()?,
            }),
        };
        Ok(Condition::Response(test))
    }

    /// `count`, `any` or `every` after a path.
    fn quantity(&mut self) -> Quantity {
        let word = self.peek().filter(|token| !token.quoted);
        let found = word.and_then(|token| response::quantity(&token.text));
        self.at += usize::from(found.is_some());
        found.unwrap_or(Quantity::First)
    }

    fn header(&mut self) -> Result<Condition, Slip> {
        let name = self.next("a header's name")?.text.to_ascii_lowercase();
        let comparison = self.comparison()?;
        Ok(Condition::Response(Test::Header { name, comparison }))
    }

    fn variable(&mut self, token: &Token) -> Result<Condition, Slip> {
        let Some(slot) = self.names.slot(&token.text) else {
            return Err(self.unknown_test(token));
        };
        let comparison = self.comparison()?;
        if !self.scope.holds(slot)
            && !matches!(comparison, Comparison::Exists | Comparison::Missing)
        {
            return Err(Slip::new(
                token.range.clone(),
                format!("`{}` is not set yet here", token.text),
            )
            .label("used before it is set")
            .also(self.names.set_at(&token.text), "set here")
            .concerns(&token.text)
            .help("set or extract it in an earlier step of the same journey"));
        }
        Ok(Condition::Variable(slot, comparison))
    }

    fn unknown_test(&self, token: &Token) -> Slip {
        let words = [
            "status",
            "json",
            "header",
            "url",
            "persona",
            "outcome",
            "returning",
            "chance",
            "not",
            "var",
        ];
        let variables = self.names.variables().map(|(_, name)| name);
        Slip::new(token.range.clone(), format!("`{}` is neither a test nor a variable", token.text))
            .label("unknown test")
            .concerns(&token.text)
            .help_maybe(did_you_mean(&token.text, variables.chain(words)))
            .help("tests: status is 401, json /status is pending, header location exists, token exists, persona is guest, outcome is declined, returning, chance 40%")
    }

    fn comparison(&mut self) -> Result<Comparison, Slip> {
        let operator = self.next("a comparison")?;
        Ok(match operator.text.as_str() {
            "exists" => Comparison::Exists,
            "missing" => Comparison::Missing,
            "is" | "==" | "=" if self.accept("not") => Comparison::IsNot(self.literal()?),
            "is" | "==" | "=" => Comparison::Is(self.literal()?),
            "!=" => Comparison::IsNot(self.literal()?),
            "contains" => Comparison::Contains(self.text()?),
            "<" => Comparison::Less(self.number()?),
            "<=" => Comparison::LessOrEqual(self.number()?),
            ">" => Comparison::Greater(self.number()?),
            ">=" => Comparison::GreaterOrEqual(self.number()?),
            _ => return Err(unknown_operator(operator)),
        })
    }

    /// A word or a quoted text; unquoted words may be numbers, true or false.
    fn literal(&mut self) -> Result<Literal, Slip> {
        let token = self.next("a value")?;
        match token.text.contains("${") {
            true => self.known(token),
            false => Ok(literal(token)),
        }
    }

    fn text(&mut self) -> Result<Literal, Slip> {
        let token = self.next("a text")?;
        self.known(token)
    }

    fn known(&self, token: &Token) -> Result<Literal, Slip> {
        let meaning = Meaning {
            names: self.names,
            scope: self.scope,
        };
        let start = token.range.start + usize::from(token.quoted);
        let first = |slips: Vec<Slip>| slips.into_iter().next();
        meaning.known(&token.text).map_err(|slips| {
            let slip = first(slips).unwrap_or_else(|| Slip::new(0..0, "`${…}` cannot stand here"));
            slip.shifted(start)
        })
    }

    fn number(&mut self) -> Result<Literal, Slip> {
        let token = self.next("a number")?;
        if token.text.contains("${") {
            return self.known(token);
        }
        units::finite(&token.text)
            .map(|number| Literal::Number(number.to_string()))
            .ok_or_else(|| {
                Slip::new(
                    token.range.clone(),
                    format!("`{}` is not a number", token.text),
                )
                .label("expected a number")
            })
    }
}

fn unknown_operator(token: &Token) -> Slip {
    Slip::new(
        token.range.clone(),
        format!("`{}` is not a comparison", token.text),
    )
    .label("unknown comparison")
    .help_maybe(did_you_mean(
        &token.text,
        ["is", "contains", "exists", "missing"],
    ))
    .help(format!("comparisons: {OPERATORS}"))
}

/// Unquoted words may be numbers, true or false.
fn literal(token: &Token) -> Literal {
    match (token.quoted, token.text.as_str()) {
        (false, "true") => Literal::Bool(true),
        (false, "false") => Literal::Bool(false),
        (false, text) if units::finite(text).is_some() => Literal::Number(text.to_owned()),
        (_, text) => Literal::Text(text.to_owned()),
    }
}

fn single_or(
    mut parts: Vec<Condition>,
    join: impl FnOnce(Vec<Condition>) -> Condition,
) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

fn negate_if(negated: bool, condition: Condition) -> Condition {
    if negated {
        Condition::Not(Box::new(condition))
    } else {
        condition
    }
}

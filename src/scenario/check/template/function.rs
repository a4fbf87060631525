//! Functions of values: what each takes, and what is wrong with what it was given.
//!
//! An argument in quotes is a text, in which `${…}` may stand; without quotes it is a value, or another function.

use std::ops::Range;

use checked_yaml::did_you_mean;
use time::Duration;
use time::format_description::parse_strftime_owned;

use super::Meaning;
use super::known::FUNCTIONS;
use super::scan::{Argument, arguments};
use crate::scenario::check::slip::Slip;
use crate::scenario::check::units;
use crate::template::{
    Algorithm, Call, Expr, Function, Generator, Now, Part, Spelling, TimeFormat, Value,
    is_json_number,
};

/// Most functions within each other.
const NESTING_MAX: usize = 32;
const ALGORITHMS: [&str; 3] = ["sha256", "sha384", "sha512"];
const SPELLINGS: [&str; 3] = ["hex", "base64", "base64url"];
/// Names of formats; others are patterns.
const FORMATS: [&str; 5] = ["rfc3339", "rfc2822", "http", "unix", "unix_ms"];

/// A function that is called somewhere.
struct Called<'t> {
    name: &'t str,
    /// All of it.
    at: Range<usize>,
    arguments: Vec<Argument<'t>>,
}

/// How a function is written.
fn example(name: &str) -> &'static str {
    match name {
        "hmac" => "`${hmac(sha256, key, \"${shopper} buys\")}`, or with `, base64` at the end",
        "sha256" | "sha384" | "sha512" => "`${sha256(token)}`, or with `, base64` at the end",
        "base64" => "`${base64(\"${user}:${password}\")}`",
        "base64url" => "`${base64url(token)}`",
        "html" => "`${html(comment)}`",
        _ => "`${url(comment)}`",
    }
}

impl Meaning<'_> {
    /// Compiles a function's call; `text` is what stands in its parentheses, which begins at `from`.
    pub(super) fn function(
        &self,
        name: &str,
        text: &str,
        from: usize,
        at: Range<usize>,
    ) -> Result<Expr, Slip> {
        if text.matches('(').count() >= NESTING_MAX {
            let message = format!("more than {NESTING_MAX} functions within each other");
            return Err(Slip::new(at, message).help("`set` a variable to a part of it"));
        }
        let called = Called {
            name,
            at,
            arguments: arguments(text, from),
        };
        let (function, of) = match name {
            "base64" => (Function::Base64, called.exactly(1)?),
            "base64url" => (Function::Base64Url, called.exactly(1)?),
            "html" => (Function::Html, called.exactly(1)?),
            "url" => (Function::Url, called.exactly(1)?),
            "hmac" => self.hmac(&called)?,
            _ => {
                let algorithm = algorithm(name).unwrap_or(Algorithm::Sha256);
                let of = called.spelled(1)?;
                (Function::Digest(algorithm, called.spelling(1)?), of)
            }
        };
        let arguments = of.iter().map(|argument| self.argument(&called, argument));
        let arguments: Vec<Expr> = arguments.collect::<Result<_, _>>()?;
        if let (Function::Hmac(..), Some(key)) = (function, arguments.first()) {
            self.hide_key(key);
        }
        Ok(self.folded(Call {
            function,
            arguments,
        }))
    }

    fn hmac<'c, 't>(&self, called: &'c Called<'t>) -> Result<(Function, &'c [Argument<'t>]), Slip> {
        let of = called.spelled(3)?;
        let first = &of[0];
        let Some(algorithm) = algorithm(first.text) else {
            return Err(called
                .wrong(0, &format!("`{}` is no algorithm", first.text))
                .help_maybe(did_you_mean(first.text, ALGORITHMS))
                .help(format!("algorithms: {}", ALGORITHMS.join(", "))));
        };
        let function = Function::Hmac(algorithm, called.spelling(3)?);
        Ok((function, &of[1..]))
    }

    fn argument(&self, called: &Called<'_>, argument: &Argument<'_>) -> Result<Expr, Slip> {
        let text = argument.text;
        if argument.quoted {
            return self.value(text).map_err(|slips| {
                let first = slips.into_iter().next();
                let slip = first.unwrap_or_else(|| Slip::new(0..text.len(), "no value"));
                slip.shifted(argument.at.start)
            });
        }
        if text.is_empty() {
            let index = called.index_of(argument);
            return Err(called
                .wrong(index, "nothing stands here")
                .help("an empty text is written `\"\"`"));
        }
        if is_json_number(text) {
            return Ok(Expr::Constant(Value::Text(text.into())));
        }
        self.expr(text, argument.at.start).map_err(|slip| {
            let is_word = text
                .chars()
                .all(|c| c.is_alphanumeric() || "_- ".contains(c));
            let as_text = is_word.then(|| format!("a text stands in quotes: `\"{text}\"`"));
            slip.help_maybe(as_text)
        })
    }

    /// What signs is a secret, whatever it is called.
    fn hide_key(&self, key: &Expr) {
        match (key, constant(key)) {
            (_, Some(text)) => self.names.learn_secret(&text),
            (Expr::Variable(slot), None) => self.names.learn_secret_variable(*slot),
            _ => {}
        }
    }

    /// What is the same each time is made once. Made of a secret, it is one.
    fn folded(&self, call: Call) -> Expr {
        let texts: Option<Vec<String>> = call.arguments.iter().map(constant).collect();
        // What `url` makes must be known as such where others are encoded.
        let Some(texts) = texts.filter(|_| call.function != Function::Url) else {
            return Expr::Call(Box::new(call));
        };
        let made = call.function.apply(&texts);
        if texts.iter().any(|text| self.names.holds_secret(text)) {
            self.names.learn_secret(&made);
        }
        Expr::Constant(Value::Text(made.into()))
    }

    /// `now` with what stands in its parentheses: a format, an offset, or both.
    pub(super) fn now(&self, text: &str, from: usize, at: Range<usize>) -> Result<Expr, Slip> {
        let called = Called {
            name: "now",
            at,
            arguments: arguments(text, from),
        };
        let (mut format, mut offset) = (None, None);
        for (index, argument) in called.arguments.iter().enumerate() {
            let is_offset = argument.text.starts_with(['+', '-']);
            let twice = if is_offset {
                offset.is_some()
            } else {
                format.is_some()
            };
            if twice {
                let what = if is_offset { "an offset" } else { "a format" };
                return Err(called
                    .wrong(index, &format!("{what} was given already"))
                    .help("for example `${now(\"%Y-%m-%d\", +2d)}`"));
            }
            match is_offset {
                true => offset = Some(called.offset(index, argument.text)?),
                false => format = Some(called.format(index, argument)?),
            }
        }
        let now = Now {
            format: format.unwrap_or(TimeFormat::Rfc3339),
            offset: offset.unwrap_or_default(),
        };
        Ok(Expr::Generated(Generator::Now(Box::new(now))))
    }
}

impl<'t> Called<'t> {
    /// A mistake of one argument.
    fn wrong(&self, index: usize, what: &str) -> Slip {
        let at = self
            .arguments
            .get(index)
            .map(|argument| argument.at.clone());
        let message = format!("argument {} of `{}`: {what}", index + 1, self.name);
        Slip::new(at.unwrap_or_else(|| self.at.clone()), message)
    }

    fn index_of(&self, argument: &Argument<'_>) -> usize {
        let mut all = self.arguments.iter();
        let place = all.position(|known| known.at == argument.at);
        place.unwrap_or_default()
    }

    fn exactly(&self, count: usize) -> Result<&[Argument<'t>], Slip> {
        match self.arguments.len() {
            given if given == count => Ok(&self.arguments),
            given => Err(self.counted(given, &format!("{count}"))),
        }
    }

    /// So many arguments, and one more that says how the result is written.
    fn spelled(&self, count: usize) -> Result<&[Argument<'t>], Slip> {
        match self.arguments.len() {
            given if given == count || given == count + 1 => Ok(&self.arguments[..count]),
            given => Err(self.counted(given, &format!("{count} or {}", count + 1))),
        }
    }

    fn counted(&self, given: usize, wanted: &str) -> Slip {
        let plural = if wanted == "1" { "" } else { "s" };
        let message = format!(
            "`{}` takes {wanted} argument{plural}, not {given}",
            self.name
        );
        let slip = Slip::new(self.at.clone(), message);
        slip.help(format!("for example {}", example(self.name)))
    }

    fn spelling(&self, index: usize) -> Result<Spelling, Slip> {
        let Some(argument) = self.arguments.get(index) else {
            return Ok(Spelling::Hex);
        };
        match argument.text {
            "hex" => Ok(Spelling::Hex),
            "base64" => Ok(Spelling::Base64),
            "base64url" => Ok(Spelling::Base64Url),
            other => Err(self
                .wrong(index, &format!("a digest is not written as `{other}`"))
                .help_maybe(did_you_mean(other, SPELLINGS))
                .help(format!("it is one of: {}", SPELLINGS.join(", ")))),
        }
    }

    fn offset(&self, index: usize, text: &str) -> Result<Duration, Slip> {
        let length = units::duration(&text[1..]);
        let length = length.and_then(|length| Duration::try_from(length).ok());
        let Some(length) = length else {
            return Err(self
                .wrong(index, &format!("`{text}` is no offset"))
                .help("a sign and a duration of at most 366 days, such as `+2d` or `-15m`"));
        };
        Ok(if text.starts_with('-') {
            -length
        } else {
            length
        })
    }

    fn format(&self, index: usize, argument: &Argument<'_>) -> Result<TimeFormat, Slip> {
        let pattern = match argument.text {
            "rfc3339" => return Ok(TimeFormat::Rfc3339),
            "rfc2822" => return Ok(TimeFormat::Rfc2822),
            "http" => return Ok(TimeFormat::Http),
            "unix" => return Ok(TimeFormat::Unix),
            "unix_ms" => return Ok(TimeFormat::UnixMs),
            pattern => pattern,
        };
        let known = format!(
            "formats: {}, or a pattern such as `\"%Y-%m-%d\"`",
            FORMATS.join(", ")
        );
        if !pattern.contains('%') {
            return Err(self
                .wrong(index, &format!("`{pattern}` is no format"))
                .help_maybe(did_you_mean(pattern, FORMATS))
                .help(known));
        }
        parse_strftime_owned(pattern)
            .map(TimeFormat::Pattern)
            .map_err(|error| {
                self.wrong(index, &format!("`{pattern}` is no pattern of a time: {error}"))
                    .help("signs as those of strftime: %Y %m %d %H %M %S %a %b %j %z …; without a format there are milliseconds")
            })
    }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        _ => return None,
    })
}

/// The text of what is the same each time.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Constant(value) => Some(value.as_scalar().to_text().into_owned()),
        Expr::Text(template) => template
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_ref()),
                Part::Value(..) => None,
            })
            .collect(),
        _ => None,
    }
}

/// A function's name where a value is expected.
pub(super) fn lacks_arguments(name: &str, at: Range<usize>) -> Option<Slip> {
    FUNCTIONS.contains(&name).then(|| {
        Slip::new(
            at,
            format!("`{name}` is a function and lacks its arguments"),
        )
        .label("of what?")
        .help(format!("for example {}", example(name)))
    })
}

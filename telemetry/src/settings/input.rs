//! What settings are read from, and what may be wrong with it.

use std::fmt;
use std::io;
use std::path::Path;

/// What the edge of the program knows.
pub struct Environment<'a> {
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Flags that were given: the variable of the same meaning, the flag, its value. A flag wins over its variable.
    pub flags: &'a [(&'static str, &'static str, String)],
    /// Reads a file that a variable names.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable or flag, such as `DD_DOGSTATSD_URL`.
    pub name: &'static str,
    /// What is wrong and what to do; never a secret.
    pub message: String,
}

/// Everything that is wrong with the settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("telemetry is set up wrongly:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  {}: {}", problem.name, problem.message))
    }
}

impl std::error::Error for Problems {}

/// A value that was given, and by which name.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// Reads values and gathers problems.
pub(super) struct Input<'a> {
    environment: &'a Environment<'a>,
    problems: Vec<Problem>,
}

impl<'a> Input<'a> {
    pub(super) fn new(environment: &'a Environment<'a>) -> Self {
        Self {
            environment,
            problems: Vec::new(),
        }
    }

    /// What a variable or its flag says, without blanks around it.
    pub(super) fn get(&self, variable: &'static str) -> Option<Given> {
        let flags = self.environment.flags.iter();
        let mut flags = flags.filter(|(of, ..)| *of == variable);
        let given = match flags.next() {
            Some((_, flag, text)) => Some((*flag, text.clone())),
            None => (self.environment.variable)(variable).map(|text| (variable, text)),
        };
        let (name, text) = given?;
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(Given { name, text })
    }

    /// What the first of several variables says that is given.
    pub(super) fn first(&self, variables: &[&'static str]) -> Option<Given> {
        variables.iter().find_map(|variable| self.get(variable))
    }

    /// A value that must be understood.
    pub(super) fn parsed<T>(
        &mut self,
        given: Option<Given>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Given { name, text } = given?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }

    pub(super) fn read(&mut self, given: Option<Given>) -> Option<Vec<u8>> {
        let read = self.environment.read;
        self.parsed(given, |path| {
            read(Path::new(path)).map_err(|error| format!("{path} cannot be read: {error}"))
        })
    }

    pub(super) fn problem(&mut self, name: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(Problem { name, message });
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Problems> {
        match self.problems.is_empty() {
            true => Ok(value),
            false => Err(Problems(self.problems)),
        }
    }
}

/// `true` or `false`, as OpenTelemetry writes it: everything else is false.
pub(super) fn is_true(given: Option<&Given>) -> bool {
    given.is_some_and(|given| given.text.eq_ignore_ascii_case("true"))
}

/// Pairs such as `k=v,k2=v2` with percent-encoded values, as W3C baggage writes them.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').ok_or(PAIRS_HINT)?;
            let value = percent_encoding::percent_decode_str(value.trim());
            let value = value.decode_utf8().map_err(|_| PAIRS_HINT)?.into_owned();
            match key.trim() {
                "" => Err(PAIRS_HINT.to_owned()),
                key => Ok((key.to_owned(), value)),
            }
        })
        .collect()
}

/// Says nothing of the value: it may be a secret.
const PAIRS_HINT: &str = "write it as `name=value,name=value`, values percent-encoded";

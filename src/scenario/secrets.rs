//! Which values of a scenario are secret: by the names of variables, headers and fields, and by where they are taken from.

use std::fmt::Write as _;

use super::{Changes, From, HttpRequest, Piece, Scenario, StepKind};
use crate::journey::Op;
use crate::redact::Redactor;
use crate::redact::command::is_secret_setting;
use crate::template::{Call, CardField, Expr, Generator, Part, PersonField, Slot, Template, Value};

/// Shortest constant that is looked for elsewhere: a shorter one would be found in innocent text.
const CONSTANT_BYTES_MIN: usize = 6;

/// What a run has to hide.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// By names, shapes, and the scenario's own constants.
    pub redactor: Redactor,
    /// Whether each variable is secret, by slot.
    pub variables: Vec<bool>,
    /// Whether each column is secret, by feeder.
    columns: Vec<Vec<bool>>,
}

/// What is secret in any case, whatever it is called.
#[derive(Debug, Default)]
pub(super) struct KnownSecrets {
    /// Wherever they stand.
    pub(super) values: Vec<String>,
    /// Whatever is in them.
    pub(super) variables: Vec<Slot>,
}

impl Secrets {
    /// Those of a scenario; `names` are what its author has added. What the command line hides of `--set` is hidden everywhere.
    /// `known` are values that are secret in any case.
    pub(super) fn of(
        scenario: &Scenario,
        changes: &Changes,
        names: &[String],
        known: &KnownSecrets,
    ) -> Self {
        let mut redactor = Redactor::new(names);
        known.values.iter().for_each(|value| redactor.learn(value));
        let columns = scenario.feeders.iter();
        let columns = columns
            .map(|feeder| {
                feeder
                    .columns
                    .iter()
                    .map(|name| redactor.is_secret(name))
                    .collect()
            })
            .collect();
        let mut secrets = Self {
            variables: variables(scenario, &redactor),
            redactor,
            columns,
        };
        secrets.mark(&known.variables);
        secrets.mark_made_of(scenario);
        secrets.learn_constants(scenario, changes);
        secrets
    }

    fn mark(&mut self, slots: &[Slot]) {
        for slot in slots {
            if let Some(variable) = self.variables.get_mut(usize::from(slot.0)) {
                *variable = true;
            }
        }
    }

    /// Variables that are made of secrets are secret, and so are those that are made of them.
    fn mark_made_of(&mut self, scenario: &Scenario) {
        loop {
            let made = settings(scenario)
                .filter(|(_, expr)| matches!(expr, Expr::Call(call) if self.are_in(call)));
            let made = made.map(|(slot, _)| slot).chain(self.items(scenario));
            let made: Vec<Slot> = made.filter(|slot| !self.is_variable(*slot)).collect();
            if made.is_empty() {
                return;
            }
            self.mark(&made);
        }
    }

    /// Lists that are secret, and the items of such lists.
    fn items(&self, scenario: &Scenario) -> impl Iterator<Item = Slot> {
        let ops = scenario
            .journeys
            .iter()
            .flat_map(|journey| &journey.program.ops);
        ops.filter_map(|op| match op {
            Op::Each { list, from, .. } if self.is_one(from) => Some(*list),
            Op::Item { list, item, .. } if self.is_variable(*list) => Some(*item),
            _ => None,
        })
    }

    fn learn_constants(&mut self, scenario: &Scenario, changes: &Changes) {
        let (redactor, variables) = (&mut self.redactor, &self.variables);
        for constant in constants(scenario, redactor, variables) {
            redactor.learn(constant);
        }
        for (key, value) in &changes.set {
            if value.len() >= CONSTANT_BYTES_MIN && is_secret_setting(key, value, redactor) {
                redactor.learn(value);
            }
        }
    }

    /// Whether a function is given a secret: then what it makes is one.
    pub(crate) fn are_in(&self, call: &Call) -> bool {
        call.arguments.iter().any(|argument| self.is_one(argument))
    }

    /// Whether a text holds a secret.
    pub(crate) fn are_in_text(&self, template: &Template) -> bool {
        template.parts.iter().any(|part| match part {
            Part::Text(text) => self.redactor.knows(text),
            Part::Value(expr, _) => self.is_one(expr),
        })
    }

    /// Whether a value is a secret, or holds one.
    fn is_one(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Constant(value) => self.redactor.knows(&value.as_scalar().to_text()),
            Expr::Variable(slot) => self.is_variable(*slot),
            Expr::Feeder(feeder, column) => {
                let columns = self.columns.get(usize::from(*feeder));
                columns.and_then(|columns| columns.get(usize::from(*column))) == Some(&true)
            }
            Expr::Generated(generator) => matches!(
                generator,
                Generator::Person(PersonField::Password) | Generator::Card(CardField::Number)
            ),
            Expr::Text(template) => self.are_in_text(template),
            Expr::Call(call) => self.are_in(call),
        }
    }

    /// Whether a variable is secret.
    pub fn is_variable(&self, slot: Slot) -> bool {
        self.variables
            .get(usize::from(slot.0))
            .copied()
            .unwrap_or(false)
    }
}

fn variables(scenario: &Scenario, redactor: &Redactor) -> Vec<bool> {
    let names = scenario.variables.iter();
    let mut secret: Vec<bool> = names.map(|name| redactor.is_secret(name)).collect();
    for extract in scenario.steps.iter().flat_map(|step| &step.extract) {
        if let Some(variable) = secret.get_mut(usize::from(extract.slot.0)) {
            *variable |= is_secret_source(&extract.from, redactor);
        }
    }
    for (_, value) in headers(scenario).filter(|(name, _)| redactor.is_secret(name)) {
        for slot in value.parts.iter().filter_map(variable_of) {
            if let Some(variable) = secret.get_mut(usize::from(slot.0)) {
                *variable = true;
            }
        }
    }
    secret
}

fn is_secret_source(from: &From, redactor: &Redactor) -> bool {
    match from {
        From::Json(pointer) => pointer
            .rsplit('/')
            .next()
            .is_some_and(|key| redactor.is_secret(key)),
        From::Path(path, _) => path.field().is_some_and(|field| redactor.is_secret(field)),
        From::Header(name) => redactor.is_secret(name),
        From::Cookie(_) => true,
        // Codes and tickets are secret in a query only.
        From::Parameter(name) => {
            let query = format!("/?{name}=a-value-of-some-length");
            !redactor.secrets_in(&query).is_empty()
        }
        From::Within(from, _) | From::Hop(_, from) => is_secret_source(from, redactor),
        From::Regex(_) | From::Url(_) => false,
    }
}

fn requests(scenario: &Scenario) -> impl Iterator<Item = &HttpRequest> {
    scenario.steps.iter().map(|step| {
        let StepKind::Http(request) = &step.kind;
        request
    })
}

/// The headers of all steps, and those that all have.
fn headers(scenario: &Scenario) -> impl Iterator<Item = &(String, Template)> {
    requests(scenario)
        .flat_map(|request| &request.headers)
        .chain(&scenario.http.headers)
}

fn variable_of(part: &Part) -> Option<Slot> {
    match part {
        Part::Value(Expr::Variable(slot), _) => Some(*slot),
        _ => None,
    }
}

/// All variables that are set, and to what.
fn settings(scenario: &Scenario) -> impl Iterator<Item = (Slot, &Expr)> {
    let personas = scenario.personas.iter();
    let personas = personas.flat_map(|persona| persona.defaults.iter().chain(&persona.set));
    let ops = scenario
        .journeys
        .iter()
        .flat_map(|journey| &journey.program.ops);
    let set = ops.filter_map(|op| match op {
        Op::Set(slot, expr) => Some((*slot, expr)),
        _ => None,
    });
    personas.map(|(slot, expr)| (*slot, expr)).chain(set)
}

/// Values that stand in the file itself.
fn constants(scenario: &Scenario, redactor: &Redactor, variables: &[bool]) -> Vec<String> {
    let mut found = Vec::new();
    for (slot, expr) in settings(scenario) {
        if variables.get(usize::from(slot.0)).copied().unwrap_or(false) {
            found.extend(constants_of(expr));
        }
    }
    for (name, value) in headers(scenario) {
        let line = format!("{name}: {}", outline(value));
        found.extend(redactor.secrets_in(&line));
    }
    for request in requests(scenario) {
        found.extend(redactor.secrets_in(&outline(&request.url)));
        if let Some(body) = &request.body {
            let texts = body.pieces.iter().filter_map(|piece| match piece {
                Piece::Text(template) => Some(outline(template)),
                Piece::Bytes(_) => None,
            });
            found.extend(texts.flat_map(|text| redactor.secrets_in(&text)));
        }
    }
    found.retain(|constant| constant.len() >= CONSTANT_BYTES_MIN && !constant.contains("${"));
    found
}

fn constants_of(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Constant(Value::Text(text)) => vec![text.to_string()],
        Expr::Constant(Value::Int(number)) => vec![number.to_string()],
        Expr::Constant(Value::Number(number)) => vec![number.to_string()],
        Expr::Text(template) => template
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.trim().to_owned()),
                Part::Value(..) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The text with `${…}` in the place of values.
fn outline(template: &Template) -> String {
    let mut text = String::new();
    for part in &template.parts {
        // Writing to a String does not fail.
        let _ = match part {
            Part::Text(constant) => text.write_str(constant),
            Part::Value(..) => text.write_str("${…}"),
        };
    }
    text
}

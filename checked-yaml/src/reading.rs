//! Reading a file as a type: what could be read of one with mistakes, and how to tell mistakes from their consequences.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::place::Place;
use crate::problem::{Problem, Problems};
use crate::schema::Walk;
use crate::tree::{Entry, Kind, Node, Span};

impl Document {
    /// Checks the file against the schema of `T` and reads it.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn check<T: JsonSchema + DeserializeOwned>(&self) -> Result<T, Problems> {
        let reading = self.read::<T>();
        match (reading.value, reading.problems.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(self.problems(reading.problems)),
        }
    }

    /// Checks the file against the schema of `T` and reads as much of it as is right, so that checks which a schema
    /// cannot express find their mistakes in the same pass.
    pub fn read<T: JsonSchema + DeserializeOwned>(&self) -> Reading<T> {
        let schema = schemars::schema_for!(T).to_value();
        let findings = Walk::new(&schema).check(&self.root);
        let mut problems = self.early.clone();
        problems.extend(findings.problems);
        let mut document = self.clone();
        let lost = Lost::prune(&mut document.root, &findings.wrong, findings.doubtful);
        let value = match serde_json::from_value(document.root.to_json()) {
            Ok(value) => Some(value),
            Err(error) => {
                // After known mistakes the rest need not make a whole.
                if problems.is_empty() {
                    problems.push(self.disagreement(&error));
                }
                None
            }
        };
        Reading {
            value,
            document,
            problems,
            lost,
        }
    }
}

/// The part of a file that agrees with its schema.
#[derive(Debug)]
pub struct Reading<T> {
    /// The file without what is wrong; `None` if the rest does not make a whole.
    pub value: Option<T>,
    /// The same as a tree: places that are found in `value` are places in here.
    pub document: Document,
    /// What disagrees with the schema.
    problems: Vec<Problem>,
    lost: Lost,
}

impl<T> Reading<T> {
    /// Whether the whole file agrees with its schema: nothing was left out of the value.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    /// Joins what the schema and the caller's own checks have found. Of the latter, those are left out that may only be
    /// consequences of a part that could not be read.
    ///
    /// # Errors
    /// All problems, if there are any.
    pub fn conclude(self, found: Vec<Problem>) -> Result<Option<T>, Problems> {
        let mut problems = self.problems;
        let lost = self.lost;
        problems.extend(found.into_iter().filter(|problem| !lost.explains(problem)));
        if problems.is_empty() {
            Ok(self.value)
        } else {
            Err(self.document.problems(problems))
        }
    }
}

/// What was cut out of a tree, and what was left in although it is known to be a mistake.
#[derive(Debug, Default)]
struct Lost {
    /// Texts and keys in the parts that were cut out.
    names: HashSet<String>,
    /// Mappings and lists that lost something: what they seem to lack may have been there.
    losers: HashSet<Place>,
    /// Values of the right type and the wrong form.
    doubtful: Vec<Span>,
}

impl Lost {
    /// Cuts values and entries out.
    fn prune(root: &mut Node, wrong: &[Span], doubtful: Vec<Span>) -> Self {
        let wrong: HashSet<Span> = wrong.iter().copied().collect();
        let mut lost = Self {
            doubtful,
            ..Self::default()
        };
        if !wrong.is_empty() {
            lost.cut(root, &wrong, &Place::root());
        }
        lost
    }

    fn explains(&self, problem: &Problem) -> bool {
        let lacking = problem.lacking.as_ref();
        let concerns = problem.concerns.as_ref();
        lacking.is_some_and(|place| self.losers.contains(place))
            || concerns.is_some_and(|name| self.names.contains(name))
            || self.doubtful.iter().any(|span| span.covers(problem.span))
    }

    fn cut(&mut self, node: &mut Node, wrong: &HashSet<Span>, place: &Place) {
        match &mut node.kind {
            Kind::Map(entries) => {
                entries.retain(|entry| {
                    let lose = wrong.contains(&entry.key_span) || wrong.contains(&entry.value.span);
                    if lose {
                        self.remember_entry(entry);
                        self.losers.insert(place.clone());
                    }
                    !lose
                });
                for entry in entries {
                    let place = place.key(&entry.key);
                    self.cut(&mut entry.value, wrong, &place);
                }
            }
            Kind::List(items) => {
                items.retain(|item| {
                    let lose = wrong.contains(&item.span);
                    if lose {
                        self.remember(item);
                        self.losers.insert(place.clone());
                    }
                    !lose
                });
                for (index, item) in items.iter_mut().enumerate() {
                    self.cut(item, wrong, &place.index(index));
                }
            }
            _ => {}
        }
    }

    fn remember_entry(&mut self, entry: &Entry) {
        self.names.insert(entry.key.clone());
        self.remember(&entry.value);
    }

    fn remember(&mut self, node: &Node) {
        match &node.kind {
            Kind::Map(entries) => entries.iter().for_each(|entry| self.remember_entry(entry)),
            Kind::List(items) => items.iter().for_each(|item| self.remember(item)),
            Kind::Text(text, _) => {
                self.names.insert(text.clone());
            }
            _ => {}
        }
    }
}

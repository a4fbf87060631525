//! A mistake inside a text: which bytes, what is wrong, what to do. Becomes a problem once the text's place is known.

use std::ops::Range;

use checked_yaml::{Document, Place, Problem, Span};

/// A mistake inside a text; boxed, for it is the rare case of many results.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slip(Box<Detail>);

#[derive(Debug, Clone, PartialEq)]
struct Detail {
    range: Range<usize>,
    message: String,
    label: String,
    help: Vec<String>,
    /// The name that is unknown, if that is the mistake.
    concerns: Option<String>,
    /// Another place that matters, with a few words.
    also: Option<(Place, &'static str)>,
}

impl Slip {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            range,
            message: message.into(),
            label: "here".to_owned(),
            help: Vec::new(),
            concerns: None,
            also: None,
        }))
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    pub(super) fn help_maybe(mut self, help: Option<String>) -> Self {
        self.0.help.extend(help);
        self
    }

    pub(super) fn also(mut self, place: Option<&Place>, label: &'static str) -> Self {
        self.0.also = place.map(|place| (place.clone(), label));
        self
    }

    pub(super) fn concerns(mut self, name: &str) -> Self {
        self.0.concerns = Some(name.to_owned());
        self
    }

    /// The same in a text that has so many bytes more before it.
    pub(super) fn shifted(mut self, bytes: usize) -> Self {
        let range = &self.0.range;
        self.0.range = range.start + bytes..range.end + bytes;
        self
    }

    /// The problem of the text value at `place`.
    pub(super) fn at(self, document: &Document, place: &Place) -> Problem {
        let span = document.span_within(place, self.0.range.clone());
        let also = self.0.also.clone();
        let problem = self.problem(span);
        match also {
            Some((place, label)) => problem.also(document.key_span(&place), label),
            None => problem,
        }
    }

    /// The problem of a text that is no part of a file.
    pub(super) fn in_text(self) -> Problem {
        let span = Span::in_text(self.0.range.clone());
        self.problem(span)
    }

    fn problem(self, span: Span) -> Problem {
        let mut problem = Problem::new(span, self.0.message).label(self.0.label);
        problem.help = self.0.help;
        problem.concerns = self.0.concerns;
        problem
    }
}

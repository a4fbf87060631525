//! A mistake inside a text: which bytes, what is wrong, what to do. Becomes a problem once the text's place is known.

use std::ops::Range;

use checked_yaml::{Document, Place, Problem, Span};

/// A mistake inside a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slip {
    range: Range<usize>,
    message: String,
    label: String,
    help: Vec<String>,
    /// The name that is unknown, if that is the mistake.
    concerns: Option<String>,
}

impl Slip {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
            label: "here".to_owned(),
            help: Vec::new(),
            concerns: None,
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(super) fn help_maybe(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    pub(super) fn concerns(mut self, name: &str) -> Self {
        self.concerns = Some(name.to_owned());
        self
    }

    /// The problem of the text value at `place`.
    pub(super) fn at(self, document: &Document, place: &Place) -> Problem {
        let span = document.span_within(place, self.range.clone());
        self.problem(span)
    }

    /// The problem of a text that is no part of a file.
    pub(super) fn in_text(self) -> Problem {
        let span = Span::in_text(self.range.clone());
        self.problem(span)
    }

    fn problem(self, span: Span) -> Problem {
        let mut problem = Problem::new(span, self.message).label(self.label);
        problem.help = self.help;
        problem.concerns = self.concerns;
        problem
    }
}

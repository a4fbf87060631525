//! What is wrong, where, and what to do about it; all problems of a document in one report.
//!
//! Must not know: what was checked.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use serde_json::json;

use crate::place::Place;
use crate::tree::Span;

/// Most problems shown; beyond it the reader has a different problem.
pub const SHOWN_MAX: usize = 100;

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What is wrong, one line.
    pub message: String,
    /// The text that is wrong.
    pub span: Span,
    /// A few words beside the underlined text.
    pub label: String,
    /// Other places that matter, with a few words each.
    pub also: Vec<(Span, String)>,
    /// What is allowed and what to do, one thought a line.
    pub help: Vec<String>,
    /// The name that is unknown, if that is the mistake: it may stand in a part that could not be read.
    pub concerns: Option<String>,
    /// The mapping that lacks something, if that is the mistake: what it lacks may stand in it in a wrong form.
    pub lacking: Option<Place>,
}

impl Problem {
    /// A problem with the text at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            label: "here".to_owned(),
            also: Vec::new(),
            help: Vec::new(),
            concerns: None,
            lacking: None,
        }
    }

    /// Says beside the underlined text what is the matter with it.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at another place too.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// Adds a line of advice; an empty one is left out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        if !help.is_empty() {
            self.help.push(help);
        }
        self
    }

    /// Adds a line of advice if there is one.
    #[must_use]
    pub fn help_maybe(self, help: Option<String>) -> Self {
        self.help(help.unwrap_or_default())
    }
}

/// How a report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Colours and box-drawing characters, for a terminal.
    Colour,
    /// Plain ASCII, for files, pipes and `NO_COLOR`.
    Plain,
}

/// All problems of one document, in the order of the text.
#[derive(Debug, Clone)]
pub struct Problems {
    pub(crate) sources: Vec<Arc<NamedSource<String>>>,
    pub(crate) problems: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(sources: Vec<Arc<NamedSource<String>>>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span);
        problems.dedup();
        Self { sources, problems }
    }

    /// A problem that has no text, such as a file that cannot be read.
    pub fn without_text(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let source = Arc::new(NamedSource::new(name, String::new()));
        let problem = Problem::new(Span::new(0, 0..0), message).help(help);
        Self {
            sources: vec![source],
            problems: vec![problem],
        }
    }

    /// Problems with a text that is no file, such as a flag's value.
    pub fn in_text(name: &str, text: &str, problems: Vec<Problem>) -> Self {
        Self::new(
            vec![Arc::new(NamedSource::new(name, text.to_owned()))],
            problems,
        )
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// The document's name.
    pub fn name(&self) -> &str {
        self.sources.first().map_or("", |source| source.name())
    }

    /// Without the problems that `said` knows already by place and label; it learns the others. For texts that are
    /// checked more than once, as in several environments.
    pub fn unsaid(
        &self,
        said: &mut std::collections::BTreeSet<(String, usize, usize, String)>,
    ) -> Self {
        let name = self.name().to_owned();
        let new = |problem: &&Problem| {
            let range = problem.span.range();
            said.insert((
                name.clone(),
                range.start,
                range.end,
                problem.label.clone() + kind(&problem.message),
            ))
        };
        let problems = self.problems.iter().filter(new).cloned().collect();
        Self {
            sources: self.sources.clone(),
            problems,
        }
    }

    /// A report for people.
    pub fn render(&self, style: Style) -> String {
        let handler = handler(style);
        let mut report = String::new();
        for problem in self.problems.iter().take(SHOWN_MAX) {
            let shown = Shown {
                problem,
                source: self.source(problem.span),
            };
            // Writing to a String does not fail, and a span outside of its text is drawn without a snippet.
            if handler.render_report(&mut report, &shown).is_err() {
                report.push_str(&problem.message);
            }
            report.push('\n');
        }
        report.push_str(&self.summary());
        report.push('\n');
        report
    }

    /// One line: how many problems, where.
    pub fn summary(&self) -> String {
        let name = self.name();
        match self.problems.len() {
            1 => format!("1 problem in {name}"),
            count if count > SHOWN_MAX => {
                format!("{count} problems in {name}, the first {SHOWN_MAX} shown")
            }
            count => format!("{count} problems in {name}"),
        }
    }

    /// The same for programs: a list of objects with file, line, column, text, message, help.
    pub fn to_json(&self) -> serde_json::Value {
        self.problems
            .iter()
            .map(|problem| self.problem_json(problem))
            .collect()
    }

    fn problem_json(&self, problem: &Problem) -> serde_json::Value {
        let source = self.source(problem.span);
        let text = source.inner();
        let range = problem.span.range();
        let (line, column) = line_and_column(text, range.start);
        json!({
            "file": source.name(),
            "line": line,
            "column": column,
            "text": text.get(range).unwrap_or_default(),
            "message": problem.message,
            "label": problem.label,
            "help": problem.help,
        })
    }

    fn source(&self, span: Span) -> &NamedSource<String> {
        &self.sources[usize::from(span.source).min(self.sources.len() - 1)]
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Problems {}

/// The name in brackets at the end of a message, else the message itself.
fn kind(message: &str) -> &str {
    let name = message
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['));
    name.map_or(message, |(_, name)| name)
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = match style {
        Style::Colour => GraphicalTheme::unicode(),
        Style::Plain => GraphicalTheme::none(),
    };
    GraphicalReportHandler::new_themed(theme)
        .with_context_lines(1)
        .with_width(120)
        .with_links(false)
}

/// Line and column of a byte offset, both counted from 1, columns in characters.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_begin..].chars().count() + 1,
    )
}

/// A problem together with the text it is in.
struct Shown<'a> {
    problem: &'a Problem,
    source: &'a NamedSource<String>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.problem.help.join("\n");
        (!help.is_empty()).then(|| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.source.inner().is_empty()).then_some(self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let problem = self.problem;
        let main =
            LabeledSpan::new_primary_with_span(Some(problem.label.clone()), problem.span.range());
        // A snippet shows one source; what stands in another one is left to the message.
        let also = problem
            .also
            .iter()
            .filter(|(span, _)| span.source == problem.span.source);
        let also =
            also.map(|(span, label)| LabeledSpan::new_with_span(Some(label.clone()), span.range()));
        Some(Box::new(std::iter::once(main).chain(also)))
    }
}

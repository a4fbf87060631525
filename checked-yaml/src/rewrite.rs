//! Problems in other words: what must not be shown of a text is replaced, and the places that problems point at move along.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use crate::problem::{Problem, Problems};
use crate::tree::Span;

/// A stretch of a text and what is put in its place.
pub type Edit = (Range<usize>, String);

impl Problems {
    /// The same problems with everything replaced that `edits` finds in a text: in the sources (its second argument is true
    /// for them), and in what is said about them. Edits are in order and do not overlap.
    #[must_use]
    pub fn rewritten(self, mut edits: impl FnMut(&str, bool) -> Vec<Edit>) -> Self {
        let found: Vec<Vec<Edit>> = self
            .sources
            .iter()
            .map(|source| edits(source.inner(), true))
            .collect();
        let sources = self.sources.iter().zip(&found).map(|(source, found)| {
            let name = apply(source.name(), &edits(source.name(), false));
            Arc::new(NamedSource::new(name, apply(source.inner(), found)))
        });
        let sources = sources.collect();
        let problems = self.problems.into_iter();
        let problems = problems.map(|problem| rewrite(problem, &found, &mut edits));
        Self {
            problems: problems.collect(),
            sources,
        }
    }
}

fn rewrite(
    problem: Problem,
    found: &[Vec<Edit>],
    edits: &mut impl FnMut(&str, bool) -> Vec<Edit>,
) -> Problem {
    let mut text = |text: &str| apply(text, &edits(text, false));
    let moved = |span: Span| {
        let edits = found.get(usize::from(span.source));
        edits.map_or(span, |edits| shift(span, edits))
    };
    let also = problem.also.iter();
    Problem {
        message: text(&problem.message),
        span: moved(problem.span),
        label: text(&problem.label),
        also: also
            .map(|(span, label)| (moved(*span), text(label)))
            .collect(),
        help: problem.help.iter().map(|help| text(help)).collect(),
        ..problem
    }
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, instead) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(instead);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Where a span stands after the edits; an end that was replaced moves to the end of its replacement.
fn shift(span: Span, edits: &[Edit]) -> Span {
    let range = span.range();
    Span::new(
        span.source,
        moved(range.start, edits, false)..moved(range.end, edits, true),
    )
}

fn moved(at: usize, edits: &[Edit], is_end: bool) -> usize {
    let (mut removed, mut added) = (0, 0);
    for (range, instead) in edits.iter().take_while(|(range, _)| range.start < at) {
        if at < range.end {
            let inside = if is_end { instead.len() } else { 0 };
            return range.start + added + inside - removed;
        }
        removed += range.len();
        added += instead.len();
    }
    at + added - removed
}

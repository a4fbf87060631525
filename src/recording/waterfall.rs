//! A trace's spans as lines of a waterfall: who called whom, in order. PURE.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::reader::SpanRow;
use super::signal::SpanId;

/// A line of a waterfall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The parent of the lines below is not recorded.
    Missing {
        /// Its id.
        parent: SpanId,
        /// Whether the trace begins below it: it is the caller, such as a browser.
        is_caller: bool,
    },
    /// A span, by its place among those given.
    Span {
        /// Its place.
        index: usize,
        /// How many lines it is below the first of its branch.
        depth: usize,
    },
}

/// The lines of these spans: each once, callers above what they called, by rising start.
pub fn lines(spans: &[SpanRow]) -> Vec<Line> {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    let mut roots: Vec<usize> = Vec::new();
    let mut orphans: BTreeMap<SpanId, Vec<usize>> = BTreeMap::new();
    for (index, span) in spans.iter().enumerate() {
        match span.parent {
            None => roots.push(index),
            Some(parent) if ids.contains(&parent) => {
                children.entry(parent).or_default().push(index)
            }
            Some(parent) => orphans.entry(parent).or_default().push(index),
        }
    }
    let mut walk = Walk {
        spans,
        children: &children,
        seen: vec![false; spans.len()],
        lines: Vec::new(),
    };
    let has_root = !roots.is_empty();
    for index in in_order(spans, roots) {
        walk.branch(index, 0);
    }
    let mut orphans: Vec<(SpanId, Vec<usize>)> = orphans.into_iter().collect();
    orphans.sort_by_key(|(parent, below)| (first_start(spans, below), *parent));
    for (place, (parent, below)) in orphans.into_iter().enumerate() {
        walk.lines.push(Line::Missing {
            parent,
            is_caller: place == 0 && !has_root,
        });
        for index in in_order(spans, below) {
            walk.branch(index, 1);
        }
    }
    // Spans that name each other as parents hang on nothing.
    for index in 0..spans.len() {
        walk.branch(index, 0);
    }
    walk.lines
}

fn first_start(spans: &[SpanRow], below: &[usize]) -> i64 {
    let starts = below.iter().map(|index| spans[*index].start_us);
    starts.min().unwrap_or_default()
}

fn in_order(spans: &[SpanRow], mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_by_key(|index| (spans[*index].start_us, spans[*index].id));
    indices
}

struct Walk<'s> {
    spans: &'s [SpanRow],
    children: &'s HashMap<SpanId, Vec<usize>>,
    seen: Vec<bool>,
    lines: Vec<Line>,
}

impl Walk<'_> {
    /// A span and what it called. Not by recursion: a trace may be as deep as it is long.
    fn branch(&mut self, index: usize, depth: usize) {
        let mut todo = vec![(index, depth)];
        while let Some((index, depth)) = todo.pop() {
            if std::mem::replace(&mut self.seen[index], true) {
                continue;
            }
            self.lines.push(Line::Span { index, depth });
            let children = self.children.get(&self.spans[index].id);
            let children = in_order(self.spans, children.cloned().unwrap_or_default());
            todo.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
        }
    }
}

/// From the first start to the last end of these spans, UNIX microseconds.
pub fn extent(spans: &[SpanRow]) -> (i64, i64) {
    let start = spans.iter().map(|span| span.start_us).min();
    let end = spans
        .iter()
        .map(|span| span.start_us.saturating_add(span.duration_us));
    (start.unwrap_or_default(), end.max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(id: u8, parent: Option<u8>, start_us: i64) -> SpanRow {
        SpanRow {
            id: [id; 8],
            parent: parent.map(|parent| [parent; 8]),
            service: String::new(),
            name: String::new(),
            kind: String::new(),
            start_us,
            duration_us: 1,
            failed: false,
            attributes: serde_json::Map::new(),
            links: Vec::new(),
        }
    }

    #[test]
    fn callers_stand_above_what_they_called() {
        let spans = [
            span(3, Some(1), 30),
            span(2, Some(1), 20),
            span(1, Some(9), 10),
            span(4, Some(2), 25),
            span(5, Some(8), 40),
        ];
        let line = |index, depth| Line::Span { index, depth };
        let missing = |parent, is_caller| Line::Missing {
            parent: [parent; 8],
            is_caller,
        };
        let expected = [
            missing(9, true),
            line(2, 1),
            line(1, 2),
            line(3, 3),
            line(0, 2),
            missing(8, false),
            line(4, 1),
        ];
        assert_eq!(lines(&spans), expected);
    }

    proptest! {
        /// Whatever the parents are, circles included: each span stands there once.
        #[test]
        fn each_span_stands_there_once(parents in proptest::collection::vec(proptest::option::of(0_u8..40), 0..40)) {
            let spans: Vec<SpanRow> = parents.iter().zip(0_u8..).map(|(parent, id)| span(id, *parent, i64::from(id))).collect();
            let mut seen: Vec<usize> = lines(&spans).into_iter().filter_map(|line| match line {
                Line::Span { index, .. } => Some(index),
                Line::Missing { .. } => None,
            }).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..spans.len()).collect::<Vec<_>>());
        }
    }
}

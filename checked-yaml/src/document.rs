//! One file: its text, its tree, and the way from a place in the tree to a place in the text.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use crate::parse::parse;
use crate::place::Place;
use crate::problem::{Problem, Problems};
use crate::suggest::did_you_mean;
use crate::tree::{Entry, Kind, Node, Quoting, Span};

/// A parsed file, possibly with values replaced from outside.
#[derive(Debug, Clone)]
pub struct Document {
    sources: Vec<Arc<NamedSource<String>>>,
    pub(crate) root: Node,
    /// Found while parsing, and not fatal: reported together with what the checks find.
    pub(crate) early: Vec<Problem>,
}

impl Document {
    /// Parses `text`; `name` is what messages call it.
    ///
    /// # Errors
    /// What is not YAML, or beyond the bounds of this crate.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let source = Arc::new(NamedSource::new(name, text.to_owned()));
        match parse(0, 0, text) {
            Ok((root, early)) => Ok(Self {
                sources: vec![source],
                root,
                early,
            }),
            Err(problem) => Err(Problems::new(vec![source], vec![*problem])),
        }
    }

    /// What messages call the file.
    pub fn name(&self) -> String {
        self.sources
            .first()
            .map_or_else(String::new, |source| source.name().to_owned())
    }

    /// The whole tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// All problems as one report on this document.
    pub fn problems(&self, problems: Vec<Problem>) -> Problems {
        Problems::new(self.sources.clone(), problems)
    }

    /// Replaces the value at a dotted path (`load.phases.0.rate`; a list's items also by their `name`), as the
    /// command-line flag `flag` asks. A missing last key is added.
    pub fn set(&mut self, flag: &str, path: &str, value: &str) {
        self.set_with(flag, path, value, |parsed, _| parsed);
    }

    /// The same for a value that is text, a number, true or false. What YAML does not read as one such value – it has `: ` or
    /// ` #` in it, or is `null`, or nothing – is the text that it is.
    pub fn set_scalar(&mut self, flag: &str, path: &str, value: &str) {
        self.set_with(flag, path, value, |parsed, whole| {
            let read = parsed.ok().filter(|(node, early)| {
                early.is_empty() && node.is_scalar() && node.span.covers(trimmed(value, whole))
            });
            Ok(read.unwrap_or_else(|| {
                let kind = Kind::Text(value.to_owned(), Quoting::Plain);
                (Node { kind, span: whole }, Vec::new())
            }))
        });
    }

    fn set_with(
        &mut self,
        flag: &str,
        path: &str,
        value: &str,
        read: impl FnOnce(Parsed, Span) -> Parsed,
    ) {
        let source = self.sources.len().min(usize::from(u16::MAX)) as u16;
        let text = format!("{path}={value}");
        let base = path.len() + 1;
        let key = Span::new(source, 0..path.len());
        let whole = Span::new(source, base..text.len());
        self.sources.push(Arc::new(NamedSource::new(flag, text)));
        let outcome = read(parse(source, base, value), whole).and_then(|(node, early)| {
            self.early.extend(early);
            let segments: Vec<&str> = path.split('.').collect();
            replace(&mut self.root, &segments, key, node)
        });
        self.early.extend(outcome.err().map(|problem| *problem));
    }

    /// The value at a place, or the nearest one above it.
    pub fn node(&self, place: &Place) -> &Node {
        let mut node = &self.root;
        for segment in place.segments() {
            match node.child(&segment) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// What is written at a place, without space around it: of a value without quotes, what its author has typed.
    pub fn written(&self, place: &Place) -> &str {
        let span = self.node(place).span;
        let source = self.sources[usize::from(span.source)].inner();
        source.get(span.range()).unwrap_or_default().trim()
    }

    /// The text of the value at a place: its first line.
    pub fn span(&self, place: &Place) -> Span {
        self.first_line(self.node(place).span)
    }

    /// The text of the key at a place; for an item of a list, of the item.
    pub fn key_span(&self, place: &Place) -> Span {
        self.entry(place)
            .map_or_else(|| self.span(place), |entry| entry.key_span)
    }

    /// The text to underline for the thing at a place: its key, or the first key of a list's item.
    pub fn head_span(&self, place: &Place) -> Span {
        match self.entry(place) {
            Some(entry) => entry.key_span,
            None => self.first_line(self.node(place).head()),
        }
    }

    /// The text of a stretch (in bytes) of the text value at a place; all of it where escapes hide the way.
    pub fn span_within(&self, place: &Place, range: Range<usize>) -> Span {
        let node = self.node(place);
        let whole = self.first_line(node.span);
        let Kind::Text(value, quoting) = &node.kind else {
            return whole;
        };
        let source = self.sources[usize::from(node.span.source)].inner();
        let Some(raw) = source.get(node.span.range()) else {
            return whole;
        };
        let begin = node.span.start as usize;
        match align(raw, value, *quoting, &range) {
            Some(found) => Span::new(node.span.source, begin + found.start..begin + found.end),
            None => whole,
        }
    }

    /// The problem that the value at a place has.
    pub fn problem(&self, place: &Place, message: impl Into<String>) -> Problem {
        Problem::new(self.span(place), message)
    }

    fn entry(&self, place: &Place) -> Option<&Entry> {
        let last = place.segments().last()?;
        self.node(&place.parent()?).entry(&last)
    }

    fn first_line(&self, span: Span) -> Span {
        let text = self.sources[usize::from(span.source)].inner();
        first_line(text, span)
    }

    pub(crate) fn disagreement(&self, error: &serde_json::Error) -> Problem {
        let message = "this file passes its schema and still cannot be read";
        Problem::new(self.span(&Place::root()), message)
            .help(format!("please report this: {error}"))
    }
}

/// What parsing a value gives.
type Parsed = Result<(Node, Vec<Problem>), Box<Problem>>;

/// The span of a value without the space around it.
fn trimmed(value: &str, whole: Span) -> Span {
    let start = whole.range().start + (value.len() - value.trim_start().len());
    Span {
        start: start as u32,
        end: (start + value.trim().len()) as u32,
        ..whole
    }
}

/// Cuts a span that covers several lines after the first.
fn first_line(text: &str, span: Span) -> Span {
    let range = span.range();
    let Some(covered) = text.get(range.clone()) else {
        return span;
    };
    let line = covered.split('\n').next().unwrap_or_default().trim_end();
    Span::new(span.source, range.start..range.start + line.len())
}

fn replace(
    node: &mut Node,
    segments: &[&str],
    flag: Span,
    value: Node,
) -> Result<(), Box<Problem>> {
    let Some((segment, rest)) = segments.split_first() else {
        *node = value;
        return Ok(());
    };
    let found = match &mut node.kind {
        Kind::Map(entries) => {
            if rest.is_empty() && entries.iter().all(|entry| entry.key != *segment) {
                entries.push(Entry {
                    key: (*segment).to_owned(),
                    key_span: flag,
                    value,
                });
                return Ok(());
            }
            entries
                .iter_mut()
                .find(|entry| entry.key == *segment)
                .map(|entry| &mut entry.value)
        }
        Kind::List(items) => match segment.parse::<usize>() {
            Ok(index) => items.get_mut(index),
            Err(_) => items
                .iter_mut()
                .find(|item| item_name(item) == Some(segment)),
        },
        _ => None,
    };
    match found {
        Some(child) => replace(child, rest, flag, value),
        None => Err(Box::new(no_such_place(node, segment, flag))),
    }
}

fn item_name(item: &Node) -> Option<&str> {
    match &item.get("name")?.kind {
        Kind::Text(name, _) => Some(name),
        _ => None,
    }
}

fn no_such_place(node: &Node, segment: &str, flag: Span) -> Problem {
    let problem = Problem::new(flag, format!("the file has no `{segment}` there"));
    match &node.kind {
        Kind::Map(entries) => {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            problem
                .label(format!("`{segment}` is not one of its keys"))
                .help_maybe(did_you_mean(segment, keys.iter().copied()))
                .help(format!("keys there: {}", keys.join(", ")))
        }
        Kind::List(items) => {
            let names: Vec<&str> = items.iter().filter_map(item_name).collect();
            let help = if names.is_empty() {
                String::new()
            } else {
                format!(" or a name: {}", names.join(", "))
            };
            problem
                .label(format!("the list has {} items", items.len()))
                .help(format!(
                    "give a position from 0 to {}{help}",
                    items.len().saturating_sub(1)
                ))
        }
        _ => problem.label(format!("what stands there is {}", node.noun())),
    }
}

/// Finds where bytes `range` of `value` stand in its source text `raw`, by matching characters one after the other.
fn align(raw: &str, value: &str, quoting: Quoting, range: &Range<usize>) -> Option<Range<usize>> {
    if quoting == Quoting::Double && raw.contains('\\') {
        return None;
    }
    // A block's content begins on the line after `|` or `>`, unless the parser's span begins there already.
    let skip = match quoting {
        Quoting::Block if raw.starts_with(['|', '>']) => raw.find('\n')? + 1,
        Quoting::Single | Quoting::Double => 1,
        _ => 0,
    };
    let mut source = raw.char_indices().skip_while(|(at, _)| *at < skip);
    let (mut start, mut end) = (None, None);
    for (at, wanted) in value.char_indices() {
        if at >= range.end {
            break;
        }
        let found = source.find(|(_, c)| *c == wanted || (wanted == ' ' && *c == '\n'))?;
        if at >= range.start {
            start.get_or_insert(found.0);
            end = Some(found.0 + found.1.len_utf8());
        }
    }
    match (start, end) {
        (Some(start), Some(end)) => Some(start..end),
        // An empty stretch at the end of the text.
        _ => source.next().map(|(at, _)| at..at),
    }
}

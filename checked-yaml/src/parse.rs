//! Text → tree, through saphyr's event parser: bounded in size, depth and number of nodes.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::problem::Problem;
use crate::tree::{Entry, Kind, Node, Quoting, Span, plain_scalar};

/// Longest text accepted, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting accepted.
pub const DEPTH_MAX: usize = 64;
/// Most values accepted, those repeated by aliases included.
pub const NODES_MAX: usize = 100_000;

/// Parses one source of a document; `base` is where `text` begins in that source.
pub(crate) fn parse(
    source: u16,
    base: usize,
    text: &str,
) -> Result<(Node, Vec<Problem>), Box<Problem>> {
    if text.len() > TEXT_BYTES_MAX {
        let at = Span::new(source, base..base);
        return Err(Problem::new(at, "the file is too large")
            .help(format!("at most {} KiB are read", TEXT_BYTES_MAX >> 10))
            .into());
    }
    Builder::new(source, base, text).run(text)
}

/// A mapping or list that has begun and not yet ended.
enum Open {
    List {
        start: usize,
        anchor: usize,
        items: Vec<Node>,
    },
    Map {
        start: usize,
        anchor: usize,
        entries: Vec<Entry>,
        key: Option<(String, Span)>,
    },
}

struct Builder {
    source: u16,
    base: usize,
    /// Byte offset of every character and of the end: the parser counts characters.
    offsets: Vec<u32>,
    stack: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    problems: Vec<Problem>,
}

impl Builder {
    fn new(source: u16, base: usize, text: &str) -> Self {
        let ends = text.char_indices().map(|(at, _)| at as u32);
        Self {
            source,
            base,
            offsets: ends.chain([text.len() as u32]).collect(),
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            problems: Vec::new(),
        }
    }

    fn run(mut self, text: &str) -> Result<(Node, Vec<Problem>), Box<Problem>> {
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0_u32;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Box::new(self.syntax(&error)))?;
            let range = self.offset(span.start.index())..self.offset(span.end.index());
            if let Event::DocumentStart(_) = event {
                documents += 1;
                if documents > 1 {
                    return Err(self
                        .problem(range, "a second document begins here")
                        .help(
                            "keep one document in a file: remove the `---` line, or split the file",
                        )
                        .into());
                }
            }
            self.event(event, range)?;
        }
        let end = text.len();
        let empty = Node {
            kind: Kind::Null,
            span: self.span(end..end),
        };
        Ok((self.root.unwrap_or(empty), self.problems))
    }

    fn event(
        &mut self,
        event: Event<'_>,
        range: std::ops::Range<usize>,
    ) -> Result<(), Box<Problem>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), range.clone())?;
                self.scalar(&text, style, anchor, range)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), range.clone())?;
                self.open(
                    Open::List {
                        start: range.start,
                        anchor,
                        items: Vec::new(),
                    },
                    range,
                )
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), range.clone())?;
                let entries = Vec::new();
                self.open(
                    Open::Map {
                        start: range.start,
                        anchor,
                        entries,
                        key: None,
                    },
                    range,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Alias(id) => self.alias(id, range),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        range: std::ops::Range<usize>,
    ) -> Result<(), Box<Problem>> {
        if self.expects_key() {
            return self.key(text, range);
        }
        let kind = match style {
            // An absent value arrives as `~` with an empty range.
            ScalarStyle::Plain if range.is_empty() => Kind::Null,
            ScalarStyle::Plain => plain_scalar(text),
            ScalarStyle::SingleQuoted => Kind::Text(text.to_owned(), Quoting::Single),
            ScalarStyle::DoubleQuoted => Kind::Text(text.to_owned(), Quoting::Double),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                Kind::Text(text.to_owned(), Quoting::Block)
            }
        };
        let node = Node {
            kind,
            span: self.span(range),
        };
        self.value(node, anchor, 1)
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open::Map { key: None, .. }))
    }

    fn key(&mut self, text: &str, range: std::ops::Range<usize>) -> Result<(), Box<Problem>> {
        if text == "<<" {
            return Err(self
                .problem(range, "merge keys (`<<`) are not supported")
                .help("write the keys out, or use an alias (`*name`) for a whole value")
                .into());
        }
        let span = self.span(range);
        if let Some(Open::Map { key, entries, .. }) = self.stack.last_mut() {
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                self.problems.push(
                    Problem::new(span, format!("the key `{text}` appears twice"))
                        .label("again here")
                        .also(first.key_span, "first here")
                        .help("keep one of them"),
                );
            }
            *key = Some((text.to_owned(), span));
        }
        Ok(())
    }

    fn open(&mut self, open: Open, range: std::ops::Range<usize>) -> Result<(), Box<Problem>> {
        if self.expects_key() {
            return Err(self
                .problem(range, "a key must be text")
                .help("put a text that contains braces or brackets in quotes")
                .into());
        }
        if self.stack.len() >= DEPTH_MAX {
            return Err(self
                .problem(range, format!("nested more than {DEPTH_MAX} levels deep"))
                .into());
        }
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Box<Problem>> {
        match self.stack.pop() {
            Some(Open::List {
                start,
                anchor,
                items,
            }) => {
                let node = Node {
                    kind: Kind::List(items),
                    span: self.span(start..end),
                };
                self.value(node, anchor, 1)
            }
            Some(Open::Map {
                start,
                anchor,
                entries,
                ..
            }) => {
                let node = Node {
                    kind: Kind::Map(entries),
                    span: self.span(start..end),
                };
                self.value(node, anchor, 1)
            }
            None => Ok(()),
        }
    }

    fn alias(&mut self, id: usize, range: std::ops::Range<usize>) -> Result<(), Box<Problem>> {
        if self.expects_key() {
            return Err(self.problem(range, "an alias cannot be a key").into());
        }
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            return Err(self
                .problem(range, "this alias stands inside the value it names")
                .into());
        };
        self.value(node, 0, size)
    }

    /// Puts a finished value where it belongs; `size` is how many values it brings.
    fn value(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Box<Problem>> {
        self.nodes += size;
        if self.nodes > NODES_MAX {
            return Err(
                Problem::new(node.span, format!("more than {NODES_MAX} values"))
                    .help("aliases repeat whole values; are they nested in one another?")
                    .into(),
            );
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count(&node)));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                if let Some((key, key_span)) = key.take()
                    && entries.iter().all(|entry| entry.key != key)
                {
                    entries.push(Entry {
                        key,
                        key_span,
                        value: node,
                    });
                }
            }
        }
        Ok(())
    }

    fn refuse_tag(&self, tagged: bool, range: std::ops::Range<usize>) -> Result<(), Box<Problem>> {
        if !tagged {
            return Ok(());
        }
        Err(self
            .problem(range, "YAML tags (`!name`) are not supported")
            .help("remove the tag; put text that looks like a number in quotes")
            .into())
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = self.offset(error.marker().index());
        let end = self.offset(error.marker().index() + 1);
        self.problem(at..end, format!("this is not valid YAML: {}", error.info()))
            .help(syntax_help(error.info()))
    }

    fn problem(&self, range: std::ops::Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(self.span(range), message)
    }

    fn offset(&self, characters: usize) -> usize {
        let last = self.offsets.len() - 1;
        self.offsets[characters.min(last)] as usize
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.source, range.start + self.base..range.end + self.base)
    }
}

fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Kind::Map(entries) => {
            1 + entries
                .iter()
                .map(|entry| count(&entry.value))
                .sum::<usize>()
        }
        _ => 1,
    }
}

/// The usual slips behind the parser's words.
fn syntax_help(info: &str) -> &'static str {
    if info.contains("tab") {
        "YAML is indented with spaces; replace the tabs"
    } else if info.contains("mapping values are not allowed") || info.contains("simple key") {
        "text that contains `: ` needs quotes; otherwise check the indentation of this line"
    } else if info.contains("anchor") || info.contains("alias") {
        "an alias (`*name`) needs an anchor (`&name`) above it; text that begins with `*` or `&` needs quotes"
    } else if info.contains("cannot start any token") || info.contains("escape") {
        "text that begins with a special character, or contains a backslash, goes in single quotes"
    } else if info.contains("quoted scalar") {
        "is a closing quote missing?"
    } else {
        "check the indentation, and that every `{`, `[` and quote is closed"
    }
}

//! A breach of a rule, from where it was found to the problem that a person reads. Must not know any rule.

use std::ops::Range;

use checked_yaml::{Document, Place, Problem};

use crate::set::item::Item;

/// One breach of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    rule: &'static str,
    place: Place,
    on_key: bool,
    range: Option<Range<usize>>,
    needles: Vec<String>,
    message: String,
    help: Vec<String>,
    /// Good practice, and no mistake: only projects with the house profile hear of it.
    house: bool,
}

impl Finding {
    /// A breach at a place.
    pub(super) fn new(rule: &'static str, place: Place, message: String) -> Self {
        Self {
            rule,
            place,
            on_key: false,
            range: None,
            needles: Vec::new(),
            message,
            help: Vec::new(),
            house: false,
        }
    }

    /// The name of the rule.
    pub(super) fn rule(&self) -> &'static str {
        self.rule
    }

    /// Only for projects with the house profile.
    pub(crate) fn house(mut self) -> Self {
        self.house = true;
        self
    }

    pub(crate) fn is_house(&self) -> bool {
        self.house
    }

    /// Adds a line of advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Points at a stretch of the text at the place.
    pub(crate) fn within(mut self, range: Range<usize>) -> Self {
        self.range = Some(range);
        self
    }

    /// Points at the key and not at the value.
    pub(crate) fn on_key(mut self) -> Self {
        self.on_key = true;
        self
    }

    /// Points at the first text below the place that contains this.
    pub(crate) fn containing(mut self, needle: &str) -> Self {
        self.needles.push(needle.to_owned());
        self
    }

    pub(crate) fn into_problem(self, document: &Document, item: &Item) -> Problem {
        let place = self
            .needles
            .iter()
            .find_map(|needle| place_of(document, &self.place, needle));
        let (place, range) = place.map_or((self.place, self.range), |(place, range)| {
            (place, Some(range))
        });
        // Where the file has no such field, the name of the definition stands for it.
        let exists = exists(document, &place);
        let span = match range {
            _ if !exists => document.key_span(&item.place),
            Some(range) => document.span_within(&place, range),
            None if self.on_key || place == item.place => document.key_span(&place),
            None => document.span(&place),
        };
        let message = format!("{} [{}]", self.message, self.rule);
        let problem = document.problem(&place, message);
        let problem = Problem { span, ..problem }.label(item.name());
        self.help.into_iter().fold(problem, Problem::help)
    }
}

fn exists(document: &Document, place: &Place) -> bool {
    let mut node = document.root();
    for segment in place.segments() {
        match node.child(&segment) {
            Some(child) => node = child,
            None => return false,
        }
    }
    true
}

fn place_of(document: &Document, place: &Place, needle: &str) -> Option<(Place, Range<usize>)> {
    match &document.node(place).kind {
        checked_yaml::Kind::Text(text, _) => {
            let at = text.find(needle)?;
            Some((place.clone(), at..at + needle.len()))
        }
        checked_yaml::Kind::Map(entries) => entries
            .iter()
            .find_map(|entry| place_of(document, &place.key(&entry.key), needle)),
        checked_yaml::Kind::List(items) => {
            (0..items.len()).find_map(|index| place_of(document, &place.index(index), needle))
        }
        _ => None,
    }
}

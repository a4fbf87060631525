//! Where the parts of a query stand in its text, for errors that only an evaluator can find. Works on the tokens, so that the
//! tree need not carry positions that changes would make wrong.

use std::ops::Range;

use super::lex::{Token, TokenKind, lex};
use super::parse::FUNCTIONS;
use super::tree::{Call, Expr, MetricQuery};

/// Places in one text.
pub(crate) struct Places {
    tokens: Vec<Token>,
    length: usize,
}

impl Places {
    /// Places in the text of a query or expression.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            // What was parsed before has tokens.
            tokens: lex(text).unwrap_or_default(),
            length: text.len(),
        }
    }

    /// A call of the tree that stands in this text.
    pub(crate) fn call(&self, root: &[Expr], call: &Call) -> Range<usize> {
        let calls = root.iter().flat_map(Expr::calls);
        let nth = calls
            .take_while(|other| !std::ptr::eq(*other, call))
            .count();
        self.nth(nth, |at| self.begins_call(at))
    }

    /// A metric query of the tree that stands in this text.
    pub(crate) fn metric(&self, root: &[Expr], metric: &MetricQuery) -> Range<usize> {
        let metrics = root.iter().flat_map(Expr::metrics);
        let nth = metrics
            .take_while(|other| !std::ptr::eq(*other, metric))
            .count();
        self.nth(nth, |at| self.is_metric(at))
    }

    /// The first word or condition with this text from a place on.
    pub(crate) fn word_from(&self, start: usize, text: &str) -> Range<usize> {
        let from = self.tokens.iter().filter(|token| token.at >= start);
        let found = from.into_iter().find(|token| token.text == text);
        found.map_or(start..start, Token::range)
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Range<usize> {
        0..self.length
    }

    fn nth(&self, nth: usize, is: impl Fn(usize) -> bool) -> Range<usize> {
        let found = (0..self.tokens.len()).filter(|at| is(*at)).nth(nth);
        found.map_or_else(|| self.whole(), |at| self.tokens[at].range())
    }

    fn begins_call(&self, at: usize) -> bool {
        self.tokens[at].kind == TokenKind::Word
            && FUNCTIONS.contains(&self.tokens[at].text.as_str())
            && self.text(at + 1) == "("
            && (at == 0 || self.text(at - 1) != ".")
    }

    fn is_metric(&self, at: usize) -> bool {
        let groups = self.text(at) == "by" && at > 0 && self.text(at - 1) == "}";
        self.tokens[at].kind == TokenKind::Word && self.text(at + 1) == "{" && !groups
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }
}

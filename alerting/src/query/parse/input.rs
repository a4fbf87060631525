//! What all parts of the grammar need: the input, its errors, and parsers of single tokens.

use winnow::combinator::{cut_err, eof, preceded, repeat, terminated};
use winnow::error::{AddContext, ErrMode, ParserError};
use winnow::stream::{Stream, TokenSlice};
use winnow::token::any;
use winnow::{ModalResult, Parser};

use crate::query::error::QueryError;
use crate::query::lex::{Token, TokenKind};
use crate::query::tree::Text;

pub(super) type Input<'t> = TokenSlice<'t, Token>;
pub(super) type Parsed<T> = ModalResult<T, Fault>;

pub(super) fn run<'t, T>(
    parser: impl Parser<Input<'t>, T, ErrMode<Fault>>,
    tokens: &'t [Token],
    length: usize,
) -> Result<T, QueryError> {
    // The end token carries white space only; to the grammar it is the end of the input.
    let body = tokens.split_last().map_or(tokens, |(_, body)| body);
    let end = eof.context("the end of the query");
    let outcome = terminated(parser, end).parse_next(&mut TokenSlice::new(body));
    outcome.map_err(|error| match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => fault.into_error(body, length),
        ErrMode::Incomplete(_) => QueryError {
            at: length..length,
            message: "the query is incomplete".to_owned(),
        },
    })
}

/// What went wrong while parsing: how many tokens were left, and what would have been welcome there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    left: usize,
    expected: Vec<&'static str>,
    /// Says more than a list of what was expected.
    message: Option<String>,
}

impl Fault {
    pub(super) fn cut(left: usize, message: impl Into<String>) -> ErrMode<Self> {
        ErrMode::Cut(Self {
            left,
            expected: Vec::new(),
            message: Some(message.into()),
        })
    }

    fn into_error(self, body: &[Token], length: usize) -> QueryError {
        let found = body
            .get(body.len().saturating_sub(self.left))
            .filter(|_| self.left > 0);
        let at = found.map_or(length..length, Token::range);
        let found = found.map_or("the query ends".to_owned(), |token| {
            format!("found `{}`", token.text)
        });
        let message = match self.message {
            Some(message) => message,
            None if self.expected.is_empty() => format!("{found}, which cannot stand here"),
            None => format!("{found} where {} should stand", self.expected.join(" or ")),
        };
        QueryError { at, message }
    }
}

impl<'t> ParserError<Input<'t>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'t>) -> Self {
        Self {
            left: input.eof_offset(),
            expected: Vec::new(),
            message: None,
        }
    }

    /// Of two branches the one that came further knows better.
    fn or(mut self, other: Self) -> Self {
        match self.left.cmp(&other.left) {
            std::cmp::Ordering::Less => self,
            std::cmp::Ordering::Greater => other,
            std::cmp::Ordering::Equal => {
                let more = other
                    .expected
                    .into_iter()
                    .filter(|word| !self.expected.contains(word));
                self.expected.extend(more.collect::<Vec<_>>());
                self.message = self.message.or(other.message);
                self
            }
        }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

impl<'t> AddContext<Input<'t>> for Fault {
    /// Only a name for the place where it failed helps; enclosing constructs are left out.
    fn add_context(
        mut self,
        input: &Input<'t>,
        start: &<Input<'t> as Stream>::Checkpoint,
        context: &'static str,
    ) -> Self {
        let mut begin = input.clone();
        begin.reset(start);
        if begin.eof_offset() == self.left && self.message.is_none() {
            self.expected = vec![context];
        }
        self
    }
}

pub(super) fn punctuation<'t>(
    text: &'static str,
) -> impl Parser<Input<'t>, &'t Token, ErrMode<Fault>> {
    any.verify_map(move |token: &'t Token| {
        (token.kind == TokenKind::Punctuation && token.text == text).then_some(token)
    })
    .context(described(text))
}

fn described(punctuation: &'static str) -> &'static str {
    match punctuation {
        "(" => "`(`",
        ")" => "`)`",
        "{" => "`{`",
        "}" => "`}`",
        ":" => "`:`",
        "," => "`,`",
        other => other,
    }
}

pub(super) fn of_kind<'t>(kind: TokenKind) -> impl Parser<Input<'t>, &'t Token, ErrMode<Fault>> {
    any.verify_map(move |token: &'t Token| (token.kind == kind).then_some(token))
}

/// One or more, separated. After a separator another one must follow, so that its error is told.
pub(super) fn list1<'t, T, S>(
    each: fn(&mut Input<'t>) -> Parsed<T>,
    separator: impl Parser<Input<'t>, S, ErrMode<Fault>>,
) -> impl Parser<Input<'t>, Vec<T>, ErrMode<Fault>> {
    (each, repeat(0.., preceded(separator, cut_err(each)))).map(|(first, mut rest): (T, Vec<T>)| {
        rest.insert(0, first);
        rest
    })
}

pub(super) fn word<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    of_kind(TokenKind::Word)
        .map(|token| token.text.as_str())
        .context("a name")
        .parse_next(input)
}

pub(super) fn keyword<'t>(text: &'static str) -> impl Parser<Input<'t>, &'t Token, ErrMode<Fault>> {
    any.verify_map(move |token: &'t Token| {
        (token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(text)).then_some(token)
    })
}

pub(super) fn number(input: &mut Input<'_>) -> Parsed<f64> {
    of_kind(TokenKind::Number)
        .verify_map(|token| finite(&token.text))
        .context("a number")
        .parse_next(input)
}

pub(super) fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

pub(super) fn text(input: &mut Input<'_>) -> Parsed<Text> {
    of_kind(TokenKind::Text)
        .verify_map(|token| unquote(&token.text))
        .context("a quoted text")
        .parse_next(input)
}

fn unquote(written: &str) -> Option<Text> {
    let quote = written.chars().next()?;
    let content = written.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(Text {
        content: content.to_owned(),
        quote,
    })
}

/// Whether the next token is this punctuation, without taking it.
pub(super) fn sees(input: &Input<'_>, text: &str) -> bool {
    input
        .first()
        .is_some_and(|token| token.kind == TokenKind::Punctuation && token.text == text)
}

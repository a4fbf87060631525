//! Text to tokens. Knows what a word, a number and a quoted text look like, that braces have their own rules, and the
//! bounds on size and nesting; must not know the grammar.

use std::ops::Range;

use super::error::QueryError;

/// Longest query that is read; the API's own limit is below it.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of parentheses and braces, which bounds every recursion over a query.
pub const NESTING_MAX: usize = 64;

/// A piece of the text; together with the white space in front of it nothing of the text is lost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// White space in front.
    pub(super) space: String,
    /// As written.
    pub(super) text: String,
    /// Byte offset in the query.
    pub(super) at: usize,
}

impl Token {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    /// With its quotes.
    Text,
    /// `${…}`
    Link,
    /// Between braces: anything that is not punctuation there.
    Atom,
    Punctuation,
    /// Always the last one; carries the white space at the end.
    End,
}

pub(super) fn lex(text: &str) -> Result<Vec<Token>, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query is longer than {QUERY_BYTES_MAX} bytes");
        return Err(QueryError { at: 0..0, message });
    }
    let mut lexer = Lexer {
        text,
        at: 0,
        open: Vec::new(),
    };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next(tokens.last())?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Closing characters that are still missing.
    open: Vec<char>,
}

const PUNCTUATION: [&str; 21] = [
    "&&", "||", ">=", "<=", "==", "!=", "!", ">", "<", "=", "+", "-", "*", "/", ",", ":", ".", "(",
    ")", "{", "}",
];

impl Lexer<'_> {
    fn next(&mut self, previous: Option<&Token>) -> Result<Token, QueryError> {
        let start = self.at;
        let rest = &self.text[start..];
        let body = rest.trim_start();
        let at = start + rest.len() - body.len();
        let (kind, length) = match body.chars().next() {
            None => (TokenKind::End, 0),
            Some(first) if self.in_braces() => in_braces(body, first),
            Some(first) => {
                outside(body, first, previous).map_err(|message| self.error(at, first, message))?
            }
        };
        let token = Token {
            kind,
            space: self.text[start..at].to_owned(),
            text: body[..length].to_owned(),
            at,
        };
        self.at = at + length;
        self.nest(&token)?;
        Ok(token)
    }

    fn in_braces(&self) -> bool {
        self.open.contains(&'}')
    }

    fn nest(&mut self, token: &Token) -> Result<(), QueryError> {
        let error = |message: String| {
            Err(QueryError {
                at: token.range(),
                message,
            })
        };
        match (token.kind, token.text.as_str()) {
            (TokenKind::Punctuation, "(") => self.open.push(')'),
            (TokenKind::Punctuation, "{") => self.open.push('}'),
            (TokenKind::Punctuation, close @ (")" | "}"))
                if self.open.pop().is_none_or(|open| !close.starts_with(open)) =>
            {
                return error(format!(
                    "`{close}` closes nothing; remove it or open it before"
                ));
            }
            (TokenKind::End, _) => {
                if let Some(missing) = self.open.last() {
                    return error(format!("the query ends before a closing `{missing}`"));
                }
            }
            _ => {}
        }
        if self.open.len() > NESTING_MAX {
            return error(format!(
                "more than {NESTING_MAX} parentheses are open at once"
            ));
        }
        Ok(())
    }

    fn error(&self, at: usize, first: char, message: String) -> QueryError {
        QueryError {
            at: at..at + first.len_utf8(),
            message,
        }
    }
}

fn in_braces(body: &str, first: char) -> (TokenKind, usize) {
    if "{}(),!".contains(first) {
        return (TokenKind::Punctuation, 1);
    }
    let length = body
        .find(|c: char| c.is_whitespace() || "{}(),".contains(c))
        .unwrap_or(body.len());
    (TokenKind::Atom, length)
}

fn outside(
    body: &str,
    first: char,
    previous: Option<&Token>,
) -> Result<(TokenKind, usize), String> {
    match first {
        '\'' | '"' => quoted(body, first).map(|length| (TokenKind::Text, length)),
        '$' => match body.find('}') {
            Some(end) if body.starts_with("${") => Ok((TokenKind::Link, end + 1)),
            _ => Err("`$` starts nothing here; a link is written ${monitor:name}".to_owned()),
        },
        '.' if body[1..].starts_with(|c: char| c.is_ascii_digit()) && !ends_operand(previous) => {
            Ok((TokenKind::Number, number(body)))
        }
        c if c.is_ascii_digit() => Ok(number_or_word(body)),
        c if c.is_ascii_alphabetic() || c == '_' => Ok((TokenKind::Word, word(body))),
        _ => {
            let found = PUNCTUATION
                .into_iter()
                .find(|punctuation| body.starts_with(punctuation));
            let found = found.ok_or_else(|| format!("`{first}` has no meaning in a query"))?;
            Ok((TokenKind::Punctuation, found.len()))
        }
    }
}

/// After an operand a dot calls a method; elsewhere it may begin a number.
fn ends_operand(previous: Option<&Token>) -> bool {
    previous.is_some_and(|token| {
        token.kind != TokenKind::Punctuation || matches!(token.text.as_str(), ")" | "}")
    })
}

fn quoted(body: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("the text that starts here has no closing {quote}"))
}

/// Letters, digits, underscores, and dots between them.
fn word(body: &str) -> usize {
    let bytes = body.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut at = 0;
    while at < bytes.len() {
        let dot = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(|next| is_part(*next));
        if !is_part(bytes[at]) && !dot {
            break;
        }
        at += 1;
    }
    at
}

/// `1d_ago` begins like a number and is a word.
fn number_or_word(body: &str) -> (TokenKind, usize) {
    let length = number(body);
    if body[length..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return (TokenKind::Word, word(body));
    }
    (TokenKind::Number, length)
}

fn number(body: &str) -> usize {
    let digits = |from: usize| body[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut at = digits(0);
    if body[at..].starts_with('.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if body[at..].starts_with(['e', 'E']) {
        let sign = usize::from(body[at + 1..].starts_with(['+', '-']));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

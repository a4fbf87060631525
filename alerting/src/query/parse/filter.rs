//! What stands between braces: which series, and the keys of `by`.

use winnow::Parser;
use winnow::combinator::{alt, cut_err, delimited, opt, preceded, separated};
use winnow::error::ErrMode;
use winnow::stream::Stream;

use super::input::{Fault, Input, Parsed, keyword, list1, of_kind, punctuation, sees};
use crate::query::lex::{Token, TokenKind};
use crate::query::tree::{Filter, Term};

const CONDITION: &str = "`*` or a tag such as `env:prod`";

pub(super) fn filter(input: &mut Input<'_>) -> Parsed<Filter> {
    list1(all, operator("OR"))
        .map(|items| joined(items, Filter::Any))
        .parse_next(input)
}

fn all(input: &mut Input<'_>) -> Parsed<Filter> {
    let and = alt((punctuation(","), operator("AND")));
    list1(condition, and)
        .map(|items| joined(items, Filter::All))
        .parse_next(input)
}

fn joined(mut items: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            join(items)
        }
    }
}

fn condition(input: &mut Input<'_>) -> Parsed<Filter> {
    let negation = alt((punctuation("!"), operator("NOT")));
    let negated = opt(negation).parse_next(input)?.is_some();
    let inner = plain(input)?;
    Ok(if negated {
        Filter::Not(Box::new(inner))
    } else {
        inner
    })
}

fn plain(input: &mut Input<'_>) -> Parsed<Filter> {
    if sees(input, "(") {
        let group = delimited(punctuation("("), cut_err(filter), cut_err(punctuation(")")));
        return group
            .map(|inner| Filter::Group(Box::new(inner)))
            .parse_next(input);
    }
    let left = input.eof_offset();
    let text = atom(input)?;
    if let Some((negated, values)) = opt(values).parse_next(input)? {
        return Ok(Filter::In {
            key: text.to_owned(),
            negated,
            values,
        });
    }
    term(text).map(Filter::Term).ok_or_else(|| {
        Fault::cut(
            left,
            format!("`{text}` has an empty side; a tag is written key:value"),
        )
    })
}

/// `IN (a, b)`, `NOT IN (a, b)`
fn values(input: &mut Input<'_>) -> Parsed<(bool, Vec<String>)> {
    let negated = (opt(operator("NOT")), operator("IN"))
        .map(|(not, _)| not.is_some())
        .parse_next(input)?;
    let list = separated(1.., atom.map(str::to_owned), punctuation(","));
    let values = cut_err(delimited(punctuation("("), list, punctuation(")"))).parse_next(input)?;
    Ok((negated, values))
}

fn term(text: &str) -> Option<Term> {
    if text == "*" {
        return Some(Term::Everything);
    }
    if let Some(name) = text.strip_prefix('$') {
        return (!name.is_empty()).then(|| Term::Variable(name.to_owned()));
    }
    match text.split_once(':') {
        Some((key, value)) if key.is_empty() || value.is_empty() => None,
        Some((key, value)) => Some(Term::Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        }),
        None => Some(Term::Bare(text.to_owned())),
    }
}

fn atom<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    of_kind(TokenKind::Atom)
        .verify_map(|token| (!is_operator(&token.text)).then_some(token.text.as_str()))
        .context(CONDITION)
        .parse_next(input)
}

fn is_operator(text: &str) -> bool {
    ["AND", "OR", "NOT", "IN"]
        .iter()
        .any(|operator| text.eq_ignore_ascii_case(operator))
}

fn operator<'t>(text: &'static str) -> impl Parser<Input<'t>, &'t Token, ErrMode<Fault>> {
    of_kind(TokenKind::Atom)
        .verify_map(move |token: &'t Token| token.text.eq_ignore_ascii_case(text).then_some(token))
}

/// `by {service,env}`
pub(super) fn group_keys(input: &mut Input<'_>) -> Parsed<Vec<String>> {
    let keys = separated(
        1..,
        atom.context("a tag key to group by").map(str::to_owned),
        punctuation(","),
    );
    preceded(
        keyword("by"),
        cut_err(delimited(punctuation("{"), keys, punctuation("}"))),
    )
    .parse_next(input)
}

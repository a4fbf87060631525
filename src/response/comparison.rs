//! Comparing a value with what was hoped for.

use std::borrow::Cow;

use crate::scenario::{Comparison, Literal};
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Scalar, Value, same_number};

impl Comparison {
    /// The same with this shopper's values in place of `${…}`.
    pub fn resolved(&self, world: &ScenarioData, shopper: &mut Shopper) -> Cow<'_, Self> {
        if !self.operands().iter().any(Literal::is_value) {
            return Cow::Borrowed(self);
        }
        let mut known = |literal: &Literal| literal.resolved(world, shopper);
        Cow::Owned(match self {
            Self::Exists => Self::Exists,
            Self::Missing => Self::Missing,
            Self::Is(literal) => Self::Is(known(literal)),
            Self::IsNot(literal) => Self::IsNot(known(literal)),
            Self::Less(literal) => Self::Less(known(literal)),
            Self::LessOrEqual(literal) => Self::LessOrEqual(known(literal)),
            Self::Greater(literal) => Self::Greater(known(literal)),
            Self::GreaterOrEqual(literal) => Self::GreaterOrEqual(known(literal)),
            Self::Contains(literal) => Self::Contains(known(literal)),
            Self::OneOf(literals) => Self::OneOf(literals.iter().map(known).collect()),
        })
    }

    /// What it compares with.
    fn operands(&self) -> &[Literal] {
        match self {
            Self::Exists | Self::Missing => &[],
            Self::Is(literal)
            | Self::IsNot(literal)
            | Self::Less(literal)
            | Self::LessOrEqual(literal)
            | Self::Greater(literal)
            | Self::GreaterOrEqual(literal)
            | Self::Contains(literal) => std::slice::from_ref(literal),
            Self::OneOf(literals) => literals,
        }
    }

    /// Whether the value compares so. A missing value is unequal to everything and neither less nor greater.
    pub fn holds(&self, value: &Scalar<'_>) -> bool {
        let is_set = *value != Scalar::Unset;
        let number = |compares: fn(&f64, &f64) -> bool, limit: &Literal| {
            let both = value.to_number().zip(limit.to_number());
            both.is_some_and(|(it, limit)| compares(&it, &limit))
        };
        match self {
            Self::Exists => is_set,
            Self::Missing => !is_set,
            Self::Is(literal) => literal.equals(value),
            Self::IsNot(literal) => !literal.equals(value),
            Self::Less(limit) => number(f64::lt, limit),
            Self::LessOrEqual(limit) => number(f64::le, limit),
            Self::Greater(limit) => number(f64::gt, limit),
            Self::GreaterOrEqual(limit) => number(f64::ge, limit),
            Self::Contains(text) => {
                let text = text.to_text();
                is_set && text.is_some_and(|text| value.to_text().contains(text.as_ref()))
            }
            Self::OneOf(literals) => literals.iter().any(|literal| literal.equals(value)),
        }
    }
}

impl Literal {
    pub(super) fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// What the shopper knows, in place of `${…}`.
    pub(super) fn resolved(&self, world: &ScenarioData, shopper: &mut Shopper) -> Self {
        let Self::Value(expr) = self else {
            return self.clone();
        };
        match expr.evaluate(world, shopper) {
            Value::Unset => Self::Unset,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => Self::Number(number.into()),
            Value::Int(number) => Self::Number(number.to_string()),
            other => Self::Text(other.as_scalar().to_text().into_owned()),
        }
    }

    /// As text, if there is any.
    pub(super) fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Borrowed(number)),
            Self::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Self::Value(_) | Self::Unset => None,
        }
    }

    fn to_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.parse().ok(),
            Self::Text(text) => Scalar::text(text).to_number(),
            Self::Bool(_) | Self::Value(_) | Self::Unset => None,
        }
    }

    /// Equal as number, or as text: headers and cookies know no types.
    fn equals(&self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (_, Scalar::Unset) | (Self::Unset | Self::Value(_), _) => false,
            (Self::Number(number), Scalar::Int(value)) => {
                number.parse() == Ok(*value) || same_number(number, &value.to_string())
            }
            (Self::Number(number), _) => same_number(number, &value.to_text()),
            (Self::Text(text), _) => value.to_text() == text.as_str(),
            (Self::Bool(truth), Scalar::Bool(value)) => truth == value,
            (Self::Bool(truth), _) => value.to_text() == if *truth { "true" } else { "false" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_as_text_or_number() {
        let five = || Literal::Number("5.0".into());
        let text = |text: &str| Literal::Text(text.into());
        let holds: [(Comparison, Scalar<'_>); 10] = [
            (Comparison::Is(five()), Scalar::Int(5)),
            (Comparison::Is(five()), Scalar::text("5.0")),
            (Comparison::Is(text("5")), Scalar::Int(5)),
            (Comparison::Is(Literal::Bool(true)), Scalar::text("true")),
            (Comparison::IsNot(five()), Scalar::Unset),
            (
                Comparison::Greater(Literal::Number("4.5".into())),
                Scalar::Int(5),
            ),
            (Comparison::LessOrEqual(five()), Scalar::text(" 5 ")),
            (
                Comparison::Contains(text("json")),
                Scalar::text("application/json"),
            ),
            (
                Comparison::OneOf(vec![text("paid"), five()]),
                Scalar::text("paid"),
            ),
            (Comparison::Missing, Scalar::Unset),
        ];
        assert!(
            holds
                .iter()
                .all(|(comparison, value)| comparison.holds(value))
        );
        let fails: [(Comparison, Scalar<'_>); 7] = [
            (Comparison::Exists, Scalar::Unset),
            (Comparison::Is(text("")), Scalar::Unset),
            (
                Comparison::Less(Literal::Number("9.0".into())),
                Scalar::Unset,
            ),
            (
                Comparison::Less(Literal::Number("9.0".into())),
                Scalar::text("NaN"),
            ),
            (
                Comparison::Greater(Literal::Number("1.0".into())),
                Scalar::text("many"),
            ),
            (Comparison::Contains(text("")), Scalar::Unset),
            (Comparison::OneOf(Vec::new()), Scalar::Int(1)),
        ];
        assert!(
            fails
                .iter()
                .all(|(comparison, value)| !comparison.holds(value))
        );
    }
}

//! Comparing a value with what was hoped for.

use crate::scenario::{Comparison, Literal};
use crate::template::{Scalar, same_number};

impl Comparison {
    /// Whether the value compares so. A missing value is unequal to everything and neither less nor greater.
    pub fn holds(&self, value: &Scalar<'_>) -> bool {
        let is_set = *value != Scalar::Unset;
        let number = |compares: fn(&f64, &f64) -> bool, limit| {
            value.to_number().is_some_and(|it| compares(&it, limit))
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
            Self::Contains(text) => is_set && value.to_text().contains(text.as_str()),
            Self::OneOf(literals) => literals.iter().any(|literal| literal.equals(value)),
        }
    }
}

impl Literal {
    /// Equal as number, or as text: headers and cookies know no types.
    fn equals(&self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (_, Scalar::Unset) => false,
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
            (Comparison::Greater(4.5), Scalar::Int(5)),
            (Comparison::LessOrEqual(5.0), Scalar::text(" 5 ")),
            (
                Comparison::Contains("json".into()),
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
            (Comparison::Less(9.0), Scalar::Unset),
            (Comparison::Less(9.0), Scalar::text("NaN")),
            (Comparison::Greater(1.0), Scalar::text("many")),
            (Comparison::Contains(String::new()), Scalar::Unset),
            (Comparison::OneOf(Vec::new()), Scalar::Int(1)),
        ];
        assert!(
            fails
                .iter()
                .all(|(comparison, value)| !comparison.holds(value))
        );
    }
}

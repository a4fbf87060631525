//! Walks over a tree, for rules and evaluators that want all metrics, calls or references and not the shape.

use super::tree::{
    Alert, Argument, Call, Condition, Expr, Filter, MetricQuery, Reference, Term, Value,
};
use super::{Expression, Query};

impl Query {
    /// The metric queries in it, from left to right.
    pub fn metrics(&self) -> Vec<&MetricQuery> {
        self.exprs().into_iter().flat_map(Expr::metrics).collect()
    }

    /// The function calls in it, outer before inner.
    pub fn calls(&self) -> Vec<&Call> {
        self.exprs().into_iter().flat_map(Expr::calls).collect()
    }

    /// The other objects that it names.
    pub fn references(&self) -> Vec<&Reference> {
        match &self.alert {
            Alert::Composite(condition) => condition.references(),
            Alert::Slo(slo) => vec![&slo.slo],
            _ => Vec::new(),
        }
    }

    /// Gives every other object that it names to `change`.
    pub fn each_reference(&mut self, change: &mut impl FnMut(&mut Reference)) {
        match &mut self.alert {
            Alert::Composite(condition) => condition.each_reference(change),
            Alert::Slo(slo) => change(&mut slo.slo),
            _ => {}
        }
    }

    fn exprs(&self) -> Vec<&Expr> {
        match &self.alert {
            Alert::Metric(metric) => vec![&metric.expr],
            Alert::Formula(formula) => vec![&formula.expr],
            _ => Vec::new(),
        }
    }
}

impl Expression {
    /// The metric queries in it, from left to right.
    pub fn metrics(&self) -> Vec<&MetricQuery> {
        self.exprs.iter().flat_map(Expr::metrics).collect()
    }
}

impl Condition {
    fn each_reference(&mut self, change: &mut impl FnMut(&mut Reference)) {
        match self {
            Self::Monitor(reference) => change(reference),
            Self::Not(inner) | Self::Group(inner) => inner.each_reference(change),
            Self::All(items) | Self::Any(items) => items
                .iter_mut()
                .for_each(|item| item.each_reference(change)),
        }
    }

    /// The monitors that it names, from left to right.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Monitor(reference) => vec![reference],
            Self::Not(inner) | Self::Group(inner) => inner.references(),
            Self::All(items) | Self::Any(items) => {
                items.iter().flat_map(Self::references).collect()
            }
        }
    }
}

impl Expr {
    /// The metric queries in it, from left to right.
    pub fn metrics(&self) -> Vec<&MetricQuery> {
        let mut found = Vec::new();
        self.each(&mut |expr| {
            if let Self::Metric(metric) = expr {
                found.push(metric);
            }
        });
        found
    }

    /// The function calls in it, outer before inner.
    pub fn calls(&self) -> Vec<&Call> {
        let mut found = Vec::new();
        self.each(&mut |expr| {
            if let Self::Call(call) = expr {
                found.push(call);
            }
        });
        found
    }

    /// The variables in it.
    pub fn variables(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.each(&mut |expr| {
            if let Self::Variable(name) = expr {
                found.push(name.as_str());
            }
        });
        found
    }

    /// Recursion is bounded by the nesting that the lexer allows.
    fn each<'t>(&'t self, seen: &mut impl FnMut(&'t Self)) {
        seen(self);
        match self {
            Self::Group(inner) | Self::Negate(inner) => inner.each(seen),
            Self::Arithmetic { first, rest } => {
                first.each(seen);
                rest.iter().for_each(|(_, operand)| operand.each(seen));
            }
            Self::Call(call) => call
                .args
                .iter()
                .filter_map(Argument::expr)
                .for_each(|inner| inner.each(seen)),
            Self::Number(_) | Self::Variable(_) | Self::Metric(_) => {}
        }
    }
}

impl Argument {
    fn expr(&self) -> Option<&Expr> {
        match &self.value {
            Value::Expr(expr) => Some(expr),
            Value::Text(_) | Value::Word(_) => None,
        }
    }
}

impl Filter {
    /// The tag keys that it names, from left to right.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Term(Term::Tag { key, .. }) | Self::In { key, .. } => vec![key],
            Self::Term(_) => Vec::new(),
            Self::Not(inner) | Self::Group(inner) => inner.keys(),
            Self::All(items) | Self::Any(items) => items.iter().flat_map(Self::keys).collect(),
        }
    }
}

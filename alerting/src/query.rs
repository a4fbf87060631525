//! The query language of monitors, SLOs and dashboards: text to a tree of meaning and back, unchanged to the byte.
//!
//! The tree says what to compute ([`tree`]); spelling and white space stand beside it in a layout, so that a tree can
//! be evaluated, changed and printed without disturbing what a person wrote. Must not know which metrics exist
//! or which object a query belongs to: that is for the rules.

mod error;
mod layout;
mod lex;
mod parse;
pub(crate) mod place;
mod print;
pub mod tree;
mod visit;

use std::fmt;

pub use error::QueryError;
pub use lex::{NESTING_MAX, QUERY_BYTES_MAX};
pub use parse::{FUNCTIONS, SOURCES};

use layout::Layout;
use tree::{Alert, Expr};

/// A monitor's query.
#[derive(Debug, Clone)]
pub struct Query {
    /// What it means.
    pub alert: Alert,
    layout: Layout,
}

impl Query {
    /// Parses a monitor's query.
    ///
    /// # Errors
    ///
    /// The first place that is not of the grammar, and what may stand there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let tokens = lex::lex(text)?;
        let alert = parse::alert(&tokens, text.len())?;
        let layout = Layout::new(&print::alert(&alert), tokens);
        Ok(Self { alert, layout })
    }

    /// The query in its plainest spelling, whatever was written.
    pub fn canonical(&self) -> String {
        print::alert(&self.alert).canonical()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.layout.print(&print::alert(&self.alert)))
    }
}

/// An expression without a comparison: a widget's request, a side of a metric SLO, a formula.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it means; a widget's old form may list several, separated by commas.
    pub exprs: Vec<Expr>,
    layout: Layout,
}

impl Expression {
    /// Parses an expression, or several separated by commas.
    ///
    /// # Errors
    ///
    /// The first place that is not of the grammar, and what may stand there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let tokens = lex::lex(text)?;
        let exprs = parse::expressions(&tokens, text.len())?;
        let layout = Layout::new(&print::expressions(&exprs), tokens);
        Ok(Self { exprs, layout })
    }

    /// The expression in its plainest spelling, whatever was written.
    pub fn canonical(&self) -> String {
        print::expressions(&self.exprs).canonical()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.layout.print(&print::expressions(&self.exprs)))
    }
}

/// Trees are equal when they mean the same, however they were spelled.
impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.alert == other.alert
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.exprs == other.exprs
    }
}

//! The functions of the query language, a file each. A function reads its arguments once and then changes series.
//!
//! To add one: a file with `pub(super) const FUNCTION: Function`, and a line in [`FUNCTIONS`].

mod absolute;
mod clamp;
mod count_groups;
mod cutoff;
mod default_zero;
mod difference;
mod earlier;
mod exclude_null;
mod logarithm;
mod moving_median;
mod moving_rollup;
mod rank;
mod refused;
mod rounding;
mod throughput;
mod weighted_average;

use crate::query::tree::{Call, Expr, Value};

use super::frame::{Group, Timeline};

const FUNCTIONS: &[Function] = &[
    absolute::FUNCTION,
    clamp::FUNCTION,
    count_groups::FUNCTION,
    cutoff::FUNCTION,
    default_zero::FUNCTION,
    difference::FUNCTION,
    earlier::FUNCTION,
    exclude_null::FUNCTION,
    logarithm::FUNCTION,
    moving_median::FUNCTION,
    moving_rollup::FUNCTION,
    rank::FUNCTION,
    refused::FUNCTION,
    rounding::FUNCTION,
    throughput::FUNCTION,
    weighted_average::FUNCTION,
];

/// One function or a family of them.
struct Function {
    /// Every name that it answers to.
    names: &'static [&'static str],
    /// Reads the arguments behind the first; the error is the reason for refusing them.
    read: fn(&Arguments<'_>) -> Result<Applied, String>,
}

/// What a function does.
pub(super) enum Applied {
    /// Changes the values of each series, whatever other series there are.
    Each(EachSeries),
    /// The same; asked of a metric it is done to every source before they are combined (rule S5).
    EachSource(EachSeries),
    /// Looks at all groups at once; the groups that come out are others if `ungroups`.
    Groups { ungroups: bool, apply: AllGroups },
    /// The value so many seconds earlier.
    Earlier(i64),
    /// Empty buckets become what interpolation gives, else 0.
    DefaultZero,
    /// Changes nothing.
    Same,
}

pub(super) type AllGroups = Box<dyn Fn(&Timeline, Vec<Group>) -> Vec<Group> + Send + Sync>;
pub(super) type EachSeries = Box<dyn Fn(&Timeline, &[f64]) -> Vec<f64> + Send + Sync>;

/// Finds out what a call does.
///
/// # Errors
/// Why it cannot be evaluated.
pub(super) fn read(call: &Call) -> Result<Applied, String> {
    let arguments = Arguments { call };
    let name = call.function.as_str();
    let function = FUNCTIONS
        .iter()
        .find(|function| function.names.contains(&name));
    let function = function.ok_or("it is not among the functions whose result is documented")?;
    if let Some(name) = call.args.iter().find_map(|arg| arg.name.as_ref()) {
        return Err(format!("it has no argument `{name}`"));
    }
    (function.read)(&arguments)
}

/// The arguments of a call; the first one, number 0, is what it is applied to.
struct Arguments<'c> {
    call: &'c Call,
}

impl Arguments<'_> {
    fn name(&self) -> &str {
        &self.call.function
    }

    /// Refuses more or fewer arguments.
    fn exactly(&self, count: usize, shape: &str) -> Result<(), String> {
        match self.call.args.len() == count {
            true => Ok(()),
            false => Err(format!("it is written {shape}")),
        }
    }

    fn number(&self, index: usize) -> Result<f64, String> {
        let number = match self.value(index) {
            Some(Value::Expr(Expr::Number(number))) => Some(*number),
            Some(Value::Expr(Expr::Negate(inner))) => match **inner {
                Expr::Number(number) => Some(-number),
                _ => None,
            },
            _ => None,
        };
        number.ok_or_else(|| format!("its argument {} is not a number", index + 1))
    }

    /// A number of seconds or places.
    fn whole(&self, index: usize, least: i64, most: i64) -> Result<i64, String> {
        let number = self.number(index)?;
        let whole = number as i64;
        match whole as f64 == number && (least..=most).contains(&whole) {
            true => Ok(whole),
            false => Err(format!(
                "its argument {} is not a whole number from {least} to {most}",
                index + 1
            )),
        }
    }

    fn text(&self, index: usize) -> Result<&str, String> {
        match self.value(index) {
            Some(Value::Text(text)) => Ok(&text.content),
            Some(Value::Word(word)) => Ok(word),
            Some(Value::Expr(Expr::Variable(word))) => Ok(word),
            _ => Err(format!("its argument {} is not a text", index + 1)),
        }
    }

    fn value(&self, index: usize) -> Option<&Value> {
        self.call.args.get(index).map(|arg| &arg.value)
    }
}

/// Changes each value for itself.
fn each_value(change: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Applied {
    Applied::Each(Box::new(move |_, values| {
        values.iter().map(|value| change(*value)).collect()
    }))
}

//! One metric query over buckets: first over time within each source, then over the sources of each group (rules S3 to S10).

use std::collections::{BTreeMap, BTreeSet};

use crate::query::QueryError;
use crate::query::tree::SpaceAggregator;

use super::assumption::Assumption;
use super::fill::Fill;
use super::filter;
use super::frame::{Group, Timeline};
use super::functions::EachSeries;
use super::grid::Grid;
use super::plan::{Counted, Leaf};
use super::series::{PointValue, RawSeries, SeriesKind};
use super::sketch::Sketch;
use super::space::{Combine, Running, of_sketch};

/// The query's groups with their values; those that are known but have no value stay, as rows of NaN.
pub(super) fn evaluate(
    leaf: &Leaf,
    all: &[RawSeries],
    time: &Timeline,
    each: Option<&EachSeries>,
    assumed: &mut BTreeSet<Assumption>,
) -> Result<Vec<Group>, QueryError> {
    let taken = || sources(leaf, all);
    let is_sketch = |series: &&RawSeries| series.kind == SeriesKind::Distribution;
    let sketches = taken().filter(is_sketch).count();
    if sketches > 0 && sketches < taken().count() {
        return Err(refused(
            leaf,
            "it was recorded both as a distribution and as numbers; choose one by its tags",
        ));
    }
    if sketches == 0 && taken().next().is_some() && combine_of(leaf.aggregator).is_none() {
        return Err(refused(
            leaf,
            "percentiles and counts of values need a distribution, and it was recorded as numbers",
        ));
    }
    let groups = by_group(leaf, taken());
    let mut found = Vec::with_capacity(groups.len());
    for (tags, sources) in groups {
        let mut values = match sketches {
            0 => numbers(leaf, &sources, time, each, assumed),
            _ => distribution(leaf, &sources, time, assumed)?,
        };
        // Of a distribution there is one series a group.
        if let (Some(each), 1..) = (each, sketches) {
            values = each(time, &values);
        }
        found.push(Group { tags, values });
    }
    Ok(found)
}

/// The series that the scope takes.
pub(super) fn sources<'s>(
    leaf: &Leaf,
    all: &'s [RawSeries],
) -> impl Iterator<Item = &'s RawSeries> {
    all.iter()
        .filter(|series| filter::takes(&leaf.query.filter, &series.tags))
}

fn by_group<'s>(
    leaf: &Leaf,
    sources: impl Iterator<Item = &'s RawSeries>,
) -> BTreeMap<Vec<String>, Vec<&'s RawSeries>> {
    let mut groups: BTreeMap<Vec<String>, Vec<&RawSeries>> = BTreeMap::new();
    for series in sources {
        for tags in filter::groups(&series.tags, &leaf.by) {
            groups.entry(tags).or_default().push(series);
        }
    }
    groups
}

fn refused(leaf: &Leaf, reason: &str) -> QueryError {
    QueryError {
        at: leaf.at.clone(),
        message: format!("`{}` cannot be evaluated: {reason}", leaf.query.name),
    }
}

fn combine_of(aggregator: SpaceAggregator) -> Option<Combine> {
    match aggregator {
        SpaceAggregator::Avg => Some(Combine::Avg),
        SpaceAggregator::Sum => Some(Combine::Sum),
        SpaceAggregator::Min => Some(Combine::Min),
        SpaceAggregator::Max => Some(Combine::Max),
        SpaceAggregator::Count
        | SpaceAggregator::Percentile(_)
        | SpaceAggregator::CountWhere(_) => None,
    }
}

fn numbers(
    leaf: &Leaf,
    sources: &[&RawSeries],
    time: &Timeline,
    each: Option<&EachSeries>,
    assumed: &mut BTreeSet<Assumption>,
) -> Vec<f64> {
    let counts = sources.iter().any(|series| series.kind.is_counted());
    if counts && leaf.counted == Counted::No {
        assumed.insert(Assumption::BareCount);
    }
    let interpolated = sources.len() > 1 && !(counts && leaf.counted != Counted::No);
    let fill = leaf.fill.or(interpolated.then_some(Fill::DEFAULT));
    let (grid, past) = time.grid.with_past(fill.map_or(0, |fill| fill.limit_s));
    let mut rows = Vec::with_capacity(sources.len());
    let mut real = vec![false; time.grid.count];
    for series in sources {
        let mut row = bucketed(leaf, series, &grid, past);
        for (real, value) in real.iter_mut().zip(&row[past..]) {
            *real |= !value.is_nan();
        }
        if let Some(fill) = fill {
            if fill.reaches_not_far(&grid, &row) {
                assumed.insert(Assumption::Function);
            }
            row = fill.apply(&grid, &row);
        }
        row.drain(..past);
        rows.push(match each {
            Some(each) => each(time, &row),
            None => row,
        });
    }
    let combine = combine_of(leaf.aggregator).unwrap_or(Combine::Avg);
    let values = (0..time.grid.count).map(|index| {
        // Sources are brought together where one of them has a point; only an explicit fill goes on between.
        let wanted = real[index] || (leaf.fill.is_some() && time.active[index]);
        match wanted {
            true => combine.of(rows.iter().map(|row| row[index])),
            false => f64::NAN,
        }
    });
    values.collect()
}

/// One source over time.
fn bucketed(leaf: &Leaf, series: &RawSeries, grid: &Grid, past: usize) -> Vec<f64> {
    let counted = match series.kind.is_counted() {
        true => leaf.counted,
        false => Counted::No,
    };
    let interval = f64::from(series.interval_s.max(1));
    let factor = match (counted, series.kind) {
        (Counted::Count | Counted::Rate, SeriesKind::Rate) => interval,
        _ => 1.0,
    };
    let mut sums = vec![Running::default(); grid.count];
    for (at, value) in within(series, grid) {
        if let (PointValue::Number(value), Some(index)) = (value, grid.index(*at, past)) {
            sums[index].add(*value * factor);
        }
    }
    let (combine, divisor) = match counted {
        Counted::No => (leaf.time, 1.0),
        Counted::Count => (Combine::Sum, 1.0),
        Counted::Rate => (Combine::Sum, interval.max(grid.width as f64)),
    };
    let values = sums.iter();
    values.map(|sum| sum.value(combine) / divisor).collect()
}

/// The points that may fall into the grid.
fn within<'s>(series: &'s RawSeries, grid: &Grid) -> &'s [(i64, PointValue)] {
    let points = &series.points;
    let begin = points.partition_point(|(at, _)| *at < grid.start);
    let end = points.partition_point(|(at, _)| *at < grid.at(grid.count));
    &points[begin..end.max(begin)]
}

/// All values of a group are merged over time and sources at once (rule S6).
fn distribution(
    leaf: &Leaf,
    sources: &[&RawSeries],
    time: &Timeline,
    assumed: &mut BTreeSet<Assumption>,
) -> Result<Vec<f64>, QueryError> {
    if leaf.time != Combine::Avg && Some(leaf.time) != combine_of(leaf.aggregator) {
        return Err(refused(
            leaf,
            "a distribution is merged over time; leave the aggregator out of `.rollup(…)`",
        ));
    }
    let (grid, past) = time
        .grid
        .with_past(leaf.fill.map_or(0, |fill| fill.limit_s));
    let mut merged = vec![Sketch::default(); grid.count];
    let mut interval = 1_u32;
    for series in sources {
        interval = interval.max(series.interval_s);
        for (at, value) in within(series, &grid) {
            if let (PointValue::Sketch(sketch), Some(index)) = (value, grid.index(*at, past)) {
                merged[index].merge(sketch);
            }
        }
    }
    if matches!(
        leaf.aggregator,
        SpaceAggregator::Percentile(_) | SpaceAggregator::CountWhere(_)
    ) && merged.iter().any(|sketch| !sketch.is_exact())
    {
        assumed.insert(Assumption::Sketch);
    }
    let divisor = match leaf.counted {
        Counted::Rate if is_amount(leaf.aggregator) => f64::from(interval).max(grid.width as f64),
        _ => 1.0,
    };
    let values = merged
        .iter()
        .map(|sketch| of_sketch(sketch, leaf.aggregator) / divisor);
    let mut values: Vec<f64> = values.collect();
    if let Some(fill) = leaf.fill {
        values = fill.apply(&grid, &values);
    }
    values.drain(..past);
    let real = values.into_iter().zip(&time.active);
    Ok(real
        .map(|(value, active)| if *active { value } else { f64::NAN })
        .collect())
}

/// Whether it grows with the number of values.
fn is_amount(aggregator: SpaceAggregator) -> bool {
    matches!(
        aggregator,
        SpaceAggregator::Sum | SpaceAggregator::Count | SpaceAggregator::CountWhere(_)
    )
}

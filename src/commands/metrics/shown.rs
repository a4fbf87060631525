//! A query's groups as text, JSON and CSV.

use alerting::evaluate::{Evaluated, Group};
use serde_json::{Value, json};

use super::moments::Moments;
use super::{Figures, Form, plot};
use crate::commands::Output;
use crate::redact::Shown;

/// Groups in the table; those with the largest maxima.
const ROWS_MAX: usize = 50;
/// Groups that are plotted.
const PLOTS_MAX: usize = 4;

/// What a query came to.
pub(super) struct Answer<'a> {
    pub(super) query: &'a str,
    /// Of the values; empty if it is not known.
    pub(super) unit: String,
    pub(super) found: &'a Evaluated,
    pub(super) moments: &'a Moments,
}

impl Answer<'_> {
    pub(super) fn write(
        &self,
        form: Form,
        columns: usize,
        output: &mut Output<'_>,
    ) -> anyhow::Result<()> {
        match form {
            Form::Json => output.json(&self.json())?,
            Form::Csv => self.csv(output)?,
            Form::Text => write!(output.out, "{}", Shown::from(self.text(columns)))?,
        }
        for assumed in &self.found.assumed {
            writeln!(output.err, "assumed: {assumed}")?;
        }
        Ok(())
    }

    /// Seconds since the load began.
    fn offset(&self, bucket: usize) -> i64 {
        self.found.grid.at(bucket) - self.moments.start_s
    }

    fn json(&self) -> Value {
        let grid = self.found.grid;
        let assumed = self.found.assumed.iter();
        let assumed = assumed
            .map(|assumed| json!({"label": assumed.label(), "explanation": assumed.explanation()}));
        json!({
            "query": self.query,
            "unit": self.unit,
            "load_started_s": self.moments.start_s,
            "bucket_s": grid.width,
            "groups": self.found.groups.iter().map(|group| self.group(group)).collect::<Vec<_>>(),
            "assumed": assumed.collect::<Vec<_>>(),
        })
    }

    fn group(&self, group: &Group) -> Value {
        let figures = Figures::of(group);
        let values = group.values.iter().enumerate();
        let points = values
            .filter(|(_, value)| !value.is_nan())
            .map(|(bucket, value)| json!([self.offset(bucket), value]));
        json!({
            "group": group.name(),
            "tags": group.tags,
            "min": figures.min,
            "avg": figures.avg,
            "max": figures.max,
            "last": figures.last,
            "points": points.collect::<Vec<_>>(),
        })
    }

    fn csv(&self, output: &mut Output<'_>) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(&mut *output.out);
        writer.write_record(["group", "offset_s", "unix_s", "value"])?;
        for group in &self.found.groups {
            for (bucket, value) in group.values.iter().enumerate() {
                if !value.is_nan() {
                    let offset = self.offset(bucket).to_string();
                    let at = self.found.grid.at(bucket).to_string();
                    writer.write_record([&group.name(), &offset, &at, &value.to_string()])?;
                }
            }
        }
        writer.flush()?;
        Ok(())
    }

    fn text(&self, columns: usize) -> String {
        let grid = self.found.grid;
        let unit = match self.unit.is_empty() {
            true => String::new(),
            false => format!(" [{}]", self.unit),
        };
        let groups = self.largest_first();
        let mut text = format!(
            "{}{unit}, {} buckets of {} s from {} s to {} s after the load began\n\n",
            self.query,
            grid.count,
            grid.width,
            self.offset(0),
            self.offset(grid.count)
        );
        text.push_str(&self.table(&groups));
        let range = Figures::range(self.found);
        for group in groups.iter().take(PLOTS_MAX) {
            text.push('\n');
            if groups.len() > 1 {
                text.push_str(&format!("{}\n", group.name()));
            }
            let rows = if groups.len() > 1 { 5 } else { 12 };
            text.push_str(&plot::plot(group, &grid, range, columns, rows));
        }
        text.push_str(&plot::ruler(self.found, self.moments, columns));
        if groups.len() > PLOTS_MAX {
            text.push_str(&format!(
                "plotted: the {PLOTS_MAX} of {} groups with the largest maxima\n",
                groups.len()
            ));
        }
        text
    }

    fn largest_first(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.found.groups.iter().collect();
        groups.sort_by(|a, b| Figures::of(b).max.total_cmp(&Figures::of(a).max));
        groups
    }

    fn table(&self, groups: &[&Group]) -> String {
        let names = groups
            .iter()
            .take(ROWS_MAX)
            .map(|group| group.name().chars().count());
        let name = names.max().unwrap_or(0).max("group".len());
        let head = ["min", "avg", "max", "last"].map(|head| format!("{head:>10}"));
        let mut text = format!("{:name$}  {}\n", "group", head.join("  "));
        for group in groups.iter().take(ROWS_MAX) {
            let figures = Figures::of(group);
            let figures = [figures.min, figures.avg, figures.max, figures.last];
            let figures = figures.map(|figure| format!("{:>10}", plot::number(figure)));
            text.push_str(&format!("{:name$}  {}\n", group.name(), figures.join("  ")));
        }
        if groups.len() > ROWS_MAX {
            text.push_str(&format!("and {} more groups\n", groups.len() - ROWS_MAX));
        }
        text
    }
}

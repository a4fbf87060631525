//! The list of what was recorded.

use alerting::evaluate::series::MetricInfo;
use serde_json::{Value, json};

use super::Form;
use crate::commands::Output;
use crate::redact::Shown;

pub(super) fn write(
    metrics: &[MetricInfo],
    form: Form,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    match form {
        Form::Json => output.json(&metrics.iter().map(object).collect())?,
        Form::Csv => csv(metrics, output)?,
        Form::Text => text(metrics, output)?,
    }
    Ok(())
}

fn object(info: &MetricInfo) -> Value {
    json!({
        "metric": info.metric,
        "kind": info.kind.text(),
        "unit": info.unit,
        "series": info.series,
        "tags": info.tag_keys,
    })
}

fn csv(metrics: &[MetricInfo], output: &mut Output<'_>) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(&mut *output.out);
    writer.write_record(["metric", "kind", "unit", "series", "tags"])?;
    for info in metrics {
        let series = info.series.to_string();
        let tags = info.tag_keys.join(" ");
        writer.write_record([&info.metric, info.kind.text(), &info.unit, &series, &tags])?;
    }
    writer.flush()?;
    Ok(())
}

fn text(metrics: &[MetricInfo], output: &mut Output<'_>) -> anyhow::Result<()> {
    if metrics.is_empty() {
        writeln!(output.out, "no metric was recorded")?;
    }
    let widest = |of: fn(&MetricInfo) -> usize| metrics.iter().map(of).max().unwrap_or(0);
    let name = widest(|info| info.metric.chars().count()).max("metric".len());
    let unit = widest(|info| info.unit.chars().count()).max("unit".len());
    if !metrics.is_empty() {
        writeln!(
            output.out,
            "{:name$}  {:12}  {:unit$}  series  tags",
            "metric", "kind", "unit"
        )?;
    }
    for info in metrics {
        let line = format!(
            "{:name$}  {:12}  {:unit$}  {:>6}  {}",
            info.metric,
            info.kind.text(),
            info.unit,
            info.series,
            info.tag_keys.join(", ")
        );
        writeln!(output.out, "{}", Shown::from(line.trim_end()))?;
    }
    Ok(())
}

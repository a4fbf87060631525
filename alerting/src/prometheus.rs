//! The same alerts as Prometheus rules, as far as they can be said there. What cannot is listed with its reason and
//! never approximated silently. Must not know where the rules are written.

mod promql;

use serde_json::{Map, Value, json};

use crate::definition::{Monitor, MonitorType, Slo, SloType};
use crate::query::tree::{
    Alert, Condition, Expr, MetricAlert, Reference, SloAlert, TimeAggregator, span,
};
use crate::query::{Expression, Query};
use crate::set::{Definition, Item, Set, text_at};
pub(crate) use promql::{Promql, Range};

/// How a subquery samples what it looks back on; two scrapes at the usual interval.
const STEP: &str = "30s";
/// How long a target must be gone: the condition of ServiceDown.
const DOWN_FOR: &str = "2m";

/// A rule file and what is not in it.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `groups:` as Prometheus reads it.
    pub document: Value,
    /// Names of monitors that Prometheus cannot express, and why.
    pub left_out: Vec<(String, String)>,
}

/// One group of rules per file of definitions.
pub fn rules(set: &Set) -> Rules {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    let mut left_out = Vec::new();
    let slices = slices(set, &mut left_out);
    if !slices.is_empty() {
        groups.push(("slo-slices".to_owned(), slices));
    }
    for item in &set.items {
        let Definition::Monitor(monitor) = &item.definition else {
            continue;
        };
        match rule(item, monitor, set) {
            Ok(rule) => {
                let group = group_name(&item.object.origin.file);
                match groups.last_mut().filter(|(name, _)| *name == group) {
                    Some((_, rules)) => rules.push(rule),
                    None => groups.push((group, vec![rule])),
                }
            }
            Err(reason) => left_out.push((item.name().to_owned(), reason)),
        }
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(name, rules)| json!({ "name": name, "rules": rules }))
        .collect();
    Rules {
        document: json!({ "groups": groups }),
        left_out,
    }
}

/// Why something cannot be said in PromQL.
pub(crate) type Unsayable = String;

fn group_name(file: &str) -> String {
    let stem = file.rsplit('/').next().unwrap_or(file);
    stem.split('.').next().unwrap_or(stem).to_owned()
}

/// `high-error-rate` is `HighErrorRate`, as rules are named in Prometheus.
pub fn alert_name(name: &str) -> String {
    let words = name.split(['-', '_']).filter(|word| !word.is_empty());
    words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn rule(item: &Item, monitor: &Monitor, set: &Set) -> Result<Value, Unsayable> {
    let text = text_at(&item.object.payload, "query");
    let query = Query::parse(text).map_err(|error| error.message)?;
    let mut hold = None;
    let expr = match &query.alert {
        Alert::Metric(metric) => metric_alert(metric)?,
        Alert::Check(check) if check.check.content == "http.can_connect" => {
            hold = Some(DOWN_FOR);
            "up == 0".to_owned()
        }
        Alert::Check(_) => return Err("Prometheus has no such service check".to_owned()),
        Alert::Composite(condition) => composite(condition)?,
        Alert::Slo(alert) => slo_alert(alert, set)?,
        Alert::Search(search) => return Err(format!("Prometheus cannot search {}", search.source)),
        Alert::Formula(_) if monitor.kind == MonitorType::Rum => {
            return Err("Prometheus cannot search rum".to_owned());
        }
        Alert::Formula(_) => return Err("the formula is over searches".to_owned()),
    };
    let mut rule = Map::new();
    rule.insert("alert".into(), Value::String(alert_name(item.name())));
    rule.insert("expr".into(), Value::String(expr));
    if let Some(hold) = hold {
        rule.insert("for".into(), hold.into());
    }
    rule.insert("labels".into(), labels(item, monitor));
    rule.insert("annotations".into(), annotations(item));
    Ok(Value::Object(rule))
}

fn labels(item: &Item, monitor: &Monitor) -> Value {
    let mut labels = Map::new();
    let tags = item.object.payload["tags"].as_array();
    for tag in tags.into_iter().flatten().filter_map(Value::as_str) {
        // The service comes with the series where it is grouped, and `all` is none.
        if let Some((key @ ("severity" | "team"), value)) = tag.split_once(':') {
            labels.insert(key.to_owned(), value.into());
        }
    }
    if let Some(priority) = &monitor.priority {
        labels.insert("priority".into(), Value::String(format!("P{priority}")));
    }
    Value::Object(labels)
}

fn annotations(item: &Item) -> Value {
    let payload = &item.object.payload;
    let message = text_at(payload, "message");
    let body = message
        .split("{{#is_alert}}")
        .nth(1)
        .and_then(|rest| rest.split("{{/is_alert}}").next());
    let threshold = payload["options"]["thresholds"]["critical"]
        .as_f64()
        .map(|number| number.to_string());
    let threshold = threshold.unwrap_or_default();
    // The links are Datadog's; the runbook has an annotation of its own.
    let body = body.unwrap_or(message).split(" · [dashboard]").next();
    let text = |text: &str| template(text.trim(), &threshold);
    let mut annotations = json!({
        "summary": text(text_at(payload, "name")),
        "description": text(body.unwrap_or_default()),
    });
    let runbook = message
        .split("[runbook](")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    if let Some(runbook) = runbook {
        annotations["runbook_url"] = runbook.into();
    }
    annotations
}

/// Datadog's template variables in Prometheus' template language.
fn template(text: &str, threshold: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("{{");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some((name, rest)) = part.split_once("}}") else {
            continue;
        };
        match name.trim() {
            "value" => out.push_str("{{ printf \"%.4g\" $value }}"),
            "threshold" => out.push_str(threshold),
            name => match name.trim_matches(['[', ']']).strip_suffix(".name") {
                Some(label) => out.push_str(&format!("{{{{ $labels.{} }}}}", promql::label(label))),
                None => out.push_str(name),
            },
        }
        out.push_str(rest);
    }
    out
}

fn metric_alert(alert: &MetricAlert) -> Result<String, Unsayable> {
    let window = format!(
        "{}{}",
        alert.window.span().count,
        alert.window.span().unit.text()
    );
    let promql = Promql::new(Range::Window(window.clone()));
    let inner = promql.expr(&alert.expr)?;
    let over_range = alert
        .expr
        .metrics()
        .iter()
        .any(|metric| promql::is_over_range(metric));
    let value = |offset: &str| match alert.aggregator {
        _ if over_range && offset.is_empty() => Ok(inner.clone()),
        _ if over_range => Err("Prometheus cannot shift a sum of counters as a whole".to_owned()),
        aggregator => Ok(format!(
            "{}(({inner})[{window}:{STEP}]{offset})",
            over_time(aggregator)?
        )),
    };
    let value = match &alert.change {
        None => value("")?,
        Some(change) => {
            let span = change.against.span();
            let before = value(&format!(" offset {}{}", span.count, span.unit.text()))?;
            let now = value("")?;
            if change.relative {
                format!("100 * ({now} - {before}) / {before}")
            } else {
                format!("({now} - {before})")
            }
        }
    };
    Ok(format!(
        "{value} {} {}",
        alert.comparison.comparator.text(),
        alert.comparison.threshold
    ))
}

fn over_time(aggregator: TimeAggregator) -> Result<&'static str, Unsayable> {
    Ok(match aggregator {
        TimeAggregator::Avg => "avg_over_time",
        TimeAggregator::Sum => "sum_over_time",
        TimeAggregator::Min => "min_over_time",
        TimeAggregator::Max => "max_over_time",
        TimeAggregator::Percentile => {
            return Err("a percentile over time needs a distribution".to_owned());
        }
    })
}

/// Prometheus keeps its own firing alerts as a metric; a composite asks that.
fn composite(condition: &Condition) -> Result<String, Unsayable> {
    let firing = |reference: &Reference| match reference {
        Reference::Key(name) => Ok(format!(
            "ALERTS{{alertname=\"{}\",alertstate=\"firing\"}}",
            alert_name(name)
        )),
        Reference::Id(_) => Err("a member is kept elsewhere".to_owned()),
    };
    let all = |items: &[Condition], operator: &str| {
        let parts: Result<Vec<String>, Unsayable> = items.iter().map(composite).collect();
        Ok(parts?.join(operator))
    };
    match condition {
        Condition::Monitor(reference) => Ok(format!("(count({}) > 0)", firing(reference)?)),
        Condition::Not(inner) => match &**inner {
            Condition::Monitor(reference) => Ok(format!("absent({})", firing(reference)?)),
            _ => Err("only a single member can be negated".to_owned()),
        },
        Condition::Group(inner) => Ok(format!("({})", composite(inner)?)),
        Condition::All(items) => all(items, " and "),
        Condition::Any(items) => all(items, " or "),
    }
}

fn slo_alert(alert: &SloAlert, set: &Set) -> Result<String, Unsayable> {
    let Reference::Key(name) = &alert.slo else {
        return Err("the SLO is kept elsewhere".to_owned());
    };
    let found = set.items.iter().find_map(|item| match &item.definition {
        Definition::Slo(slo) if item.name() == name => Some((item, slo)),
        _ => None,
    });
    let (item, slo) = found.ok_or("the SLO is not defined")?;
    let target = slo
        .thresholds
        .first()
        .map(|target| target.target)
        .ok_or("the SLO has no target")?;
    // 100 − 99.9 is not exactly 0.1 in binary; nine decimals are exact enough for a target.
    let allowed = ((100.0 - target) / 100.0 * 1e9).round() / 1e9;
    let window = |name: &str| {
        span(&alert.chain, name).map(|span| format!("{}{}", span.count, span.unit.text()))
    };
    let (comparator, threshold) = (
        alert.comparison.comparator.text(),
        alert.comparison.threshold,
    );
    let missing = || "a window is missing".to_owned();
    if !alert.burn_rate {
        let bad = bad_share(item, slo, &window("over").ok_or_else(missing)?)?;
        return Ok(format!(
            "100 * ({bad}) / {allowed} {comparator} {threshold}"
        ));
    }
    let part = |window: Option<String>| -> Result<String, Unsayable> {
        let bad = bad_share(item, slo, &window.ok_or_else(missing)?)?;
        Ok(format!("(({bad}) / {allowed} {comparator} {threshold})"))
    };
    Ok(format!(
        "{} and {}",
        part(window("long_window"))?,
        part(window("short_window"))?
    ))
}

/// The share of bad events, or of bad time, in a window.
fn bad_share(item: &Item, slo: &Slo, window: &str) -> Result<String, Unsayable> {
    let payload = &item.object.payload;
    match slo.kind {
        SloType::Metric => {
            let side = |name: &str| -> Result<String, Unsayable> {
                parsed(payload["query"][name].as_str())?
                    .iter()
                    .map(|expr| Promql::new(Range::Window(window.into())).expr(expr))
                    .collect()
            };
            Ok(format!(
                "1 - ({}) / ({})",
                side("numerator")?,
                side("denominator")?
            ))
        }
        SloType::TimeSlice => Ok(format!("1 - avg_over_time({}[{window}])", slice_name(item))),
        SloType::Monitor => Err("the SLO counts the time of monitors".to_owned()),
    }
}

/// What the recording rule of a time-slice SLO is called.
fn slice_name(item: &Item) -> String {
    format!("slo:{}:good", promql::label(item.name()))
}

/// Whether the present slice is good, as 0 or 1: recorded, because long windows over quantiles are too dear to compute.
fn slice(item: &Item) -> Result<Value, Unsayable> {
    let slice = &item.object.payload["sli_specification"]["time_slice"];
    let comparator = slice["comparator"]
        .as_str()
        .ok_or("the slice has no comparator")?;
    let promql =
        Promql::new(Range::Window("5m".into())).with_variables(variables(&slice["query"])?);
    let formula = parsed(slice["query"]["formulas"][0]["formula"].as_str())?;
    let formula = formula.first().ok_or("the slice has no formula")?;
    // Without traffic a quantile is NaN, which is neither good nor bad.
    let value = format!("({} >= 0)", promql.expr(formula)?);
    let expr = format!("{value} {comparator} bool {}", slice["threshold"]);
    Ok(json!({ "record": slice_name(item), "expr": expr }))
}

fn slices(set: &Set, left_out: &mut Vec<(String, String)>) -> Vec<Value> {
    let slos = set.items.iter().filter(|item| match &item.definition {
        Definition::Slo(slo) => slo.kind == SloType::TimeSlice,
        _ => false,
    });
    let mut rules = Vec::new();
    for item in slos {
        match slice(item) {
            Ok(rule) => rules.push(rule),
            Err(reason) => left_out.push((item.name().to_owned(), reason)),
        }
    }
    rules
}

/// The good share of an SLO in a window, in per cent, for dashboards.
pub(crate) fn slo_percent(item: &Item, slo: &Slo, window: &str) -> Result<String, Unsayable> {
    Ok(format!("100 * (1 - ({}))", bad_share(item, slo, window)?))
}

fn parsed(text: Option<&str>) -> Result<Vec<Expr>, Unsayable> {
    let expression =
        Expression::parse(text.ok_or("a query is missing")?).map_err(|error| error.message)?;
    Ok(expression.exprs)
}

/// Named queries of the API's newer JSON form.
pub(crate) fn variables(query: &Value) -> Result<Vec<(String, Expr)>, Unsayable> {
    let queries = query["queries"].as_array().ok_or("there are no queries")?;
    queries
        .iter()
        .map(|query| {
            if query["data_source"] != "metrics" {
                return Err(format!("Prometheus has no {}", query["data_source"]));
            }
            let expr = parsed(query["query"].as_str())?
                .into_iter()
                .next()
                .ok_or("a query is empty")?;
            Ok((query["name"].as_str().unwrap_or_default().to_owned(), expr))
        })
        .collect()
}

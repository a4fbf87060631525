//! Definitions as the rules see them: what the API would get, read once, beside the places in the file. Must not know
//! which rules there are.

use checked_yaml::{Document, Place};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::definition::{Monitor, MonitorType};
use crate::query::tree::{Alert, Comparison, MetricQuery};
use crate::query::{Expression, Query, QueryError};
use crate::set::item::{Definition, Item, text_at};
use crate::set::placeholders::has_unknown;

/// Groups nest once; deeper structures are not dashboards.
const NESTING_MAX: usize = 32;

/// What a rule may look at besides the definition itself.
pub(crate) struct Everything<'a> {
    pub(crate) items: &'a [Item],
    /// The files, by [`Item::file`].
    pub(crate) documents: &'a [Document],
    pub(crate) runbooks: Option<&'a [String]>,
    pub(crate) catalogue: &'a Catalogue,
    /// The project's services; empty leaves them unchecked.
    pub(crate) services: &'a [String],
}

/// A definition of any kind, its queries read.
pub(super) struct ItemView<'a> {
    pub(super) item: &'a Item,
    pub(super) queries: Vec<WrittenQuery<'a>>,
}

/// One query of a definition.
pub(super) struct WrittenQuery<'a> {
    pub(super) place: Place,
    /// With its variables put in.
    pub(super) text: &'a str,
    /// As the file has it.
    pub(super) written: &'a str,
    pub(super) parsed: Result<ParsedQuery, QueryError>,
}

/// What a text is read as depends on where it stands.
pub(super) enum ParsedQuery {
    /// A monitor's own query.
    Monitor(Query),
    /// Any other: of a widget, an SLO, a monitor's formula.
    Expression(Expression),
}

impl<'a> ItemView<'a> {
    pub(super) fn new(item: &'a Item) -> Self {
        let mut queries = Vec::new();
        match &item.definition {
            Definition::Monitor(monitor) => {
                queries.extend(monitor_query(item, monitor));
                queries.extend(formula_queries(item, monitor).map(expression));
            }
            Definition::Slo(_) => queries.extend(slo_queries(item).into_iter().map(expression)),
            Definition::Dashboard(_) => {
                let mut found = Vec::new();
                let widgets = &item.object.payload["widgets"];
                widget_queries(widgets, &item.place.key("widgets"), 0, &mut found);
                queries.extend(found.into_iter().map(expression));
            }
        }
        Self { item, queries }
    }

    /// The metric queries of all texts that can be read.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (&Place, &MetricQuery)> {
        self.queries.iter().flat_map(|query| {
            let metrics = match &query.parsed {
                Ok(ParsedQuery::Monitor(parsed)) => parsed.metrics(),
                Ok(ParsedQuery::Expression(parsed)) => parsed.metrics(),
                Err(_) => Vec::new(),
            };
            metrics.into_iter().map(|metric| (&query.place, metric))
        })
    }

    /// The expressions that can be read.
    pub(super) fn expressions(&self) -> impl Iterator<Item = (&Place, &Expression)> {
        self.queries
            .iter()
            .filter_map(|query| match query.parsed.as_ref().ok()? {
                ParsedQuery::Expression(parsed) => Some((&query.place, parsed)),
                ParsedQuery::Monitor(_) => None,
            })
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        tags(self.item)
    }
}

fn tags(item: &Item) -> impl Iterator<Item = &str> {
    let tags = item.object.payload.get("tags").and_then(Value::as_array);
    tags.into_iter().flatten().filter_map(Value::as_str)
}

fn expression((place, text): (Place, &str)) -> WrittenQuery<'_> {
    WrittenQuery {
        place,
        text,
        written: text,
        parsed: Expression::parse(text).map(ParsedQuery::Expression),
    }
}

fn monitor_query<'a>(item: &'a Item, definition: &'a Monitor) -> Option<WrittenQuery<'a>> {
    let text = text_at(&item.object.payload, "query");
    let parsed = Query::parse(text).map(ParsedQuery::Monitor);
    // The query of a synthetic test's monitor is made by the server. What an unknown variable should have been decides
    // what the query is; that is told already.
    if parsed.is_err() && (definition.kind == MonitorType::Synthetics || has_unknown(text)) {
        return None;
    }
    Some(WrittenQuery {
        place: item.place.key("query"),
        text,
        written: &definition.query,
        parsed,
    })
}

/// A formula's queries stand in the variables of the options.
fn formula_queries<'a>(
    item: &Item,
    definition: &'a Monitor,
) -> impl Iterator<Item = (Place, &'a str)> {
    let place = item.place.key("options").key("variables");
    let variables = definition.options.variables.iter().flatten().enumerate();
    variables.filter_map(move |(index, variable)| {
        let text = variable.get("query")?.as_str()?;
        Some((place.index(index).key("query"), text))
    })
}

/// The queries of a metric or time-slice SLO.
fn slo_queries(item: &Item) -> Vec<(Place, &str)> {
    let payload = &item.object.payload;
    let mut texts: Vec<(Place, &str)> = Vec::new();
    if payload.get("query").is_some() {
        let place = item.place.key("query");
        let text = |side: &str| payload["query"][side].as_str().unwrap_or_default();
        texts.push((place.key("numerator"), text("numerator")));
        texts.push((place.key("denominator"), text("denominator")));
    }
    let specification = item.place.key("sli_specification");
    for (form, at) in [("time_slice", "/time_slice/query"), ("count", "/count")] {
        let here = specification.key(form);
        let here = if form == "count" {
            here
        } else {
            here.key("query")
        };
        let found = payload["sli_specification"].pointer(at);
        let found = found.and_then(|found| found["queries"].as_array());
        let metrics = found.into_iter().flatten().enumerate();
        for (index, query) in metrics.filter(|(_, query)| query["data_source"] == "metrics") {
            let text = query["query"].as_str().unwrap_or_default();
            texts.push((here.key("queries").index(index).key("query"), text));
        }
    }
    texts
}

/// The metric queries of all widgets: `q` of the older form, `query` of the newer one where it is about metrics.
fn widget_queries<'v>(
    value: &'v Value,
    place: &Place,
    depth: usize,
    found: &mut Vec<(Place, &'v str)>,
) {
    if depth > NESTING_MAX {
        return;
    }
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| widget_queries(item, &place.index(at), depth + 1, found));
        }
        Value::Object(map) => {
            let metrics = map.get("data_source").and_then(Value::as_str) == Some("metrics");
            // Overlays of events have a `q` too, in the language of event searches.
            for (field, item) in map.iter().filter(|(field, _)| *field != "events") {
                match item.as_str() {
                    Some(text) if field == "q" || (field == "query" && metrics) => {
                        found.push((place.key(field), text))
                    }
                    _ => widget_queries(item, &place.key(field), depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

/// A monitor, its query read.
pub(super) struct MonitorView<'a> {
    pub(super) item: &'a Item,
    pub(super) definition: &'a Monitor,
    /// Absent when it does not parse, which is a finding of its own.
    query: Option<&'a Query>,
}

impl<'a> MonitorView<'a> {
    pub(super) fn new(view: &'a ItemView<'_>, definition: &'a Monitor) -> Self {
        let query = view.queries.iter().find_map(|query| match &query.parsed {
            Ok(ParsedQuery::Monitor(parsed)) => Some(parsed),
            _ => None,
        });
        Self {
            item: view.item,
            definition,
            query,
        }
    }

    pub(super) fn alert(&self) -> Option<&Alert> {
        self.query.map(|query| &query.alert)
    }

    /// What the query compares its value with; a composite compares nothing.
    pub(super) fn comparison(&self) -> Option<Comparison> {
        match self.alert()? {
            Alert::Metric(metric) => Some(metric.comparison),
            Alert::Check(check) => check.comparison,
            Alert::Search(search) => Some(search.comparison),
            Alert::Formula(formula) => Some(formula.comparison),
            Alert::Slo(slo) => Some(slo.comparison),
            Alert::Composite(_) => None,
        }
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        tags(self.item)
    }

    pub(super) fn place(&self, field: &str) -> Place {
        self.item.place.key(field)
    }

    pub(super) fn option_place(&self, field: &str) -> Place {
        self.item.place.key("options").key(field)
    }

    pub(super) fn threshold_place(&self, field: &str) -> Place {
        self.item.place.key("thresholds").key(field)
    }

    pub(super) fn message(&self) -> &str {
        text_at(&self.item.object.payload, "message")
    }

    /// A threshold as a number.
    pub(super) fn threshold(&self, name: &str) -> Option<f64> {
        self.threshold_value(name)?.as_f64()
    }

    pub(super) fn threshold_value(&self, name: &str) -> Option<&Value> {
        self.item
            .object
            .payload
            .get("options")?
            .get("thresholds")?
            .get(name)
    }

    pub(super) fn is_metric(&self) -> bool {
        matches!(
            self.definition.kind,
            MonitorType::Metric | MonitorType::Query
        )
    }
}

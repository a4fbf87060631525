//! A monitor as the rules see it: the payload that the API would get, read once, beside the definition's places.

use checked_yaml::Place;
use serde_json::Value;

use super::Finding;
use crate::catalogue::Catalogue;
use crate::definition::{Monitor, MonitorType};
use crate::query::tree::Alert;
use crate::query::{Query, QueryError};
use crate::set::{Item, has_unknown, text_at};

/// What a rule may look at besides the item itself.
pub(super) struct Everything<'a> {
    pub(super) items: &'a [Item],
    pub(super) runbooks: Option<&'a [String]>,
    pub(super) catalogue: &'a Catalogue,
    /// The project's services; empty leaves them unchecked.
    pub(super) services: &'a [String],
}

pub(super) struct MonitorView<'a> {
    pub(super) item: &'a Item,
    pub(super) definition: &'a Monitor,
    /// Absent when it does not parse, which is a finding of its own.
    pub(super) query: Option<Query>,
}

impl<'a> MonitorView<'a> {
    pub(super) fn new(item: &'a Item, definition: &'a Monitor) -> (Self, Option<Finding>) {
        let text = text_at(&item.object.payload, "query");
        let (query, finding) = match Query::parse(text) {
            Ok(query) => (Some(query), None),
            // The query of a synthetic test's monitor is made by the server.
            Err(_) if definition.kind == MonitorType::Synthetics => (None, None),
            // What the variable should have been decides what the query is; that is told already.
            Err(_) if has_unknown(text) => (None, None),
            Err(error) => (
                None,
                Some(syntax(
                    item.place.key("query"),
                    &error,
                    text,
                    &definition.query,
                )),
            ),
        };
        (
            Self {
                item,
                definition,
                query,
            },
            finding,
        )
    }

    pub(super) fn alert(&self) -> Option<&Alert> {
        self.query.as_ref().map(|query| &query.alert)
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

/// A query that does not parse, at the offending bytes if the file has them as they are.
pub(super) fn syntax(place: Place, error: &QueryError, text: &str, written: &str) -> Finding {
    let finding = Finding::new("query-syntax", place, error.message.clone());
    let near = text.get(error.at.clone()).filter(|near| !near.is_empty());
    let column = text[..error.at.start.min(text.len())].chars().count() + 1;
    let finding = match near {
        Some(near) => finding.help(format!(
            "correct the query at `{near}`, its column {column}"
        )),
        None => finding.help("complete the query at its end"),
    };
    if text == written && near.is_some() {
        finding.within(error.at.clone())
    } else {
        finding
    }
}

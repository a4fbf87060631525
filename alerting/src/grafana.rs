//! The dashboards as Grafana's JSON over Prometheus, as far as they can be said there. Panels that cannot are listed
//! with their reason. Must not know where the files are written.

use serde_json::{Value, json};

use crate::object::links_in;
use crate::prometheus::{Promql, Range, alert_name, slo_percent, variables};
use crate::query::Expression;
use crate::set::{Definition, Item, Set, text_at};

/// Grafana's grid is 24 columns wide; two panels stand side by side.
const PANEL_WIDTH: u64 = 12;
const PANEL_HEIGHT: u64 = 8;
/// The schema of dashboards that is written; Grafana migrates it upwards.
const SCHEMA_VERSION: u64 = 39;
/// The name of the provisioned data source.
const DATASOURCE: &str = "prometheus";

/// A dashboard and what is not in it.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// Logical name.
    pub name: String,
    /// What Grafana imports.
    pub document: Value,
    /// Titles of panels that cannot be shown from Prometheus, and why.
    pub left_out: Vec<(String, String)>,
}

/// Every dashboard that has at least one panel left.
pub fn dashboards(set: &Set) -> Vec<Dashboard> {
    let dashboards = set
        .items
        .iter()
        .filter(|item| matches!(item.definition, Definition::Dashboard(_)));
    dashboards
        .map(|item| dashboard(item, set))
        .filter(|dashboard| has_panels(&dashboard.document))
        .collect()
}

fn has_panels(document: &Value) -> bool {
    document["panels"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|panel| panel["type"] != "row")
}

fn dashboard(item: &Item, set: &Set) -> Dashboard {
    let payload = &item.object.payload;
    let templates = templates(payload);
    let mut board = Board {
        set,
        templates: &templates,
        panels: Vec::new(),
        left_out: Vec::new(),
        x: 0,
        y: 0,
    };
    board.widgets(&payload["widgets"]);
    let description = text_at(payload, "description")
        .lines()
        .next()
        .unwrap_or_default();
    let document = json!({
        "uid": format!("loadgen-{}", item.name()),
        "title": text_at(payload, "title"),
        "description": description,
        "tags": ["loadgen"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": false,
        "refresh": "10s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": templates.iter().map(template).collect::<Vec<_>>() },
        "panels": board.panels,
    });
    Dashboard {
        name: item.name().to_owned(),
        document,
        left_out: board.left_out,
    }
}

/// Names and tag keys of the template variables.
fn templates(payload: &Value) -> Vec<(String, String)> {
    let list = payload["template_variables"]
        .as_array()
        .into_iter()
        .flatten();
    list.filter_map(|variable| {
        Some((
            variable["name"].as_str()?.to_owned(),
            variable["prefix"].as_str()?.to_owned(),
        ))
    })
    .collect()
}

fn template((name, key): &(String, String)) -> Value {
    json!({
        "name": name,
        "label": name,
        "type": "query",
        "datasource": { "type": "prometheus", "uid": DATASOURCE },
        "query": { "query": format!("label_values({key})"), "refId": name },
        "refresh": 2,
        "includeAll": true,
        "allValue": ".*",
        "multi": true,
        "current": { "text": "All", "value": "$__all" },
    })
}

struct Board<'a> {
    set: &'a Set,
    templates: &'a [(String, String)],
    panels: Vec<Value>,
    left_out: Vec<(String, String)>,
    x: u64,
    y: u64,
}

impl Board<'_> {
    fn widgets(&mut self, widgets: &Value) {
        for widget in widgets.as_array().into_iter().flatten() {
            let definition = &widget["definition"];
            let title = text_at(definition, "title").to_owned();
            if definition["type"] == "group" {
                self.row(&title);
                self.widgets(&definition["widgets"]);
                continue;
            }
            match self.panel(definition) {
                Ok(panel) => self.place(&title, panel),
                Err(reason) => self.left_out.push((title, reason)),
            }
        }
    }

    fn row(&mut self, title: &str) {
        self.wrap();
        let id = self.panels.len() + 1;
        let grid = json!({ "h": 1, "w": 2 * PANEL_WIDTH, "x": 0, "y": self.y });
        self.panels.push(json!({ "id": id, "type": "row", "title": title, "collapsed": false, "gridPos": grid, "panels": [] }));
        self.y += 1;
    }

    fn wrap(&mut self) {
        if self.x > 0 {
            self.x = 0;
            self.y += PANEL_HEIGHT;
        }
    }

    fn place(&mut self, title: &str, mut panel: Value) {
        panel["id"] = (self.panels.len() + 1).into();
        panel["title"] = title.into();
        panel["gridPos"] = json!({ "h": PANEL_HEIGHT, "w": PANEL_WIDTH, "x": self.x, "y": self.y });
        panel["datasource"] = json!({ "type": "prometheus", "uid": DATASOURCE });
        self.panels.push(panel);
        self.x += PANEL_WIDTH;
        if self.x >= 2 * PANEL_WIDTH {
            self.wrap();
        }
    }

    fn panel(&self, definition: &Value) -> Result<Value, String> {
        match definition["type"].as_str().unwrap_or_default() {
            "timeseries" => self.graph("timeseries", definition, Range::Interval),
            "query_value" => self.graph("stat", definition, Range::Shown),
            "toplist" => self.graph("bargauge", definition, Range::Shown),
            "note" => Ok(json!({
                "type": "text",
                "options": { "mode": "markdown", "content": definition["content"] },
            })),
            "alert_graph" => self.alert(definition),
            "slo" => self.slo(definition),
            other => Err(format!("Grafana has no `{other}` here")),
        }
    }

    fn graph(&self, kind: &str, definition: &Value, range: Range) -> Result<Value, String> {
        let instant = kind != "timeseries";
        let mut targets = Vec::new();
        for request in definition["requests"].as_array().into_iter().flatten() {
            let promql = Promql::new(range.clone())
                .with_variables(variables(request)?)
                .with_templates(self.templates.to_vec());
            for formula in request["formulas"].as_array().into_iter().flatten() {
                let text = formula["formula"].as_str().ok_or("a formula is missing")?;
                let expression = Expression::parse(text).map_err(|error| error.message)?;
                let expr = expression.exprs.first().ok_or("a formula is empty")?;
                targets.push(target(targets.len(), &promql.expr(expr)?, text, instant));
            }
        }
        let unit = definition["custom_unit"]
            .as_str()
            .map_or("short", |unit| if unit == "%" { "percent" } else { unit });
        let mut panel = json!({
            "type": kind,
            "targets": targets,
            "fieldConfig": { "defaults": { "unit": unit }, "overrides": [] },
        });
        if kind == "bargauge" {
            panel["options"] = json!({ "orientation": "horizontal", "displayMode": "basic" });
        }
        Ok(panel)
    }

    /// Where Datadog draws a monitor, Grafana lists the alert of that name.
    fn alert(&self, definition: &Value) -> Result<Value, String> {
        let id = text_at(definition, "alert_id");
        let (_, link) = links_in(id)
            .into_iter()
            .next()
            .ok_or("the monitor is kept elsewhere")?;
        let known = crate::prometheus::rules(self.set);
        if known.left_out.iter().any(|(name, _)| *name == link.name) {
            return Err(format!("Prometheus has no alert `{}`", link.name));
        }
        let expr = format!(
            "sum by (alertstate)(ALERTS{{alertname=\"{}\"}}) or vector(0)",
            alert_name(&link.name)
        );
        Ok(json!({ "type": "timeseries", "targets": [target(0, &expr, "alerts", false)] }))
    }

    fn slo(&self, definition: &Value) -> Result<Value, String> {
        let id = text_at(definition, "slo_id");
        let (_, link) = links_in(id)
            .into_iter()
            .next()
            .ok_or("the SLO is kept elsewhere")?;
        let found = self
            .set
            .items
            .iter()
            .find_map(|item| match &item.definition {
                Definition::Slo(slo) if item.name() == link.name => Some((item, slo)),
                _ => None,
            });
        let (item, slo) = found.ok_or("the SLO is not defined")?;
        let expr = slo_percent(item, slo, "$__range")?;
        Ok(json!({
            "type": "stat",
            "targets": [target(0, &expr, "good", true)],
            "fieldConfig": { "defaults": { "unit": "percent", "decimals": 3 }, "overrides": [] },
        }))
    }
}

/// Reference ids are letters; 26 queries in one panel are more than anyone reads.
fn target(index: usize, expr: &str, legend: &str, instant: bool) -> Value {
    let letter = char::from(b'A' + u8::try_from(index % 26).unwrap_or_default());
    json!({
        "refId": letter.to_string(),
        "expr": expr,
        "legendFormat": if expr.contains(" by (") { "__auto" } else { legend },
        "instant": instant,
        "range": !instant,
    })
}

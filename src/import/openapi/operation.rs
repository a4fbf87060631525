//! One operation: the request that it demands.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::Tally;
use super::super::draft::{DraftBody, DraftRequest, Item};
use super::super::route;
use super::super::text::{percent, url_safe};
use super::super::vault::is_left_to_the_client;
use super::document::Document;
use super::example::{of_holder, of_schema};
use super::links::Lists;
use super::security::{Environment, WayIn, text};

const METHODS: [&str; 7] = ["get", "head", "options", "post", "put", "patch", "delete"];

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    /// With `{…}` in it.
    pub(super) path: String,
    /// Its first tag; empty for none.
    pub(super) tag: String,
    shape: Value,
    parameters: Vec<Value>,
}

impl Operation {
    /// All operations: by tag, and of a tag those that read and need the least first.
    pub(super) fn all(document: &Document, skipped: &mut Tally) -> Vec<Self> {
        let mut found = Vec::new();
        let paths = document.at("/paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            let item = document.resolved(item);
            if !path.starts_with('/') {
                skipped.add("paths that do not begin with `/`");
                continue;
            }
            let common = item.get("parameters").and_then(Value::as_array);
            for (method, shape) in METHODS
                .iter()
                .filter_map(|method| Some((*method, item.get(*method)?)))
            {
                if item.get("servers").is_some() || shape.get("servers").is_some() {
                    skipped.add("servers of single operations, which go to the target instead");
                }
                let own = shape.get("parameters").and_then(Value::as_array);
                let parameters = parameters(document, own, common);
                found.push(Self::new(method, path, shape.clone(), parameters));
            }
        }
        let mut tags: Vec<String> = Vec::new();
        for operation in &found {
            if !tags.contains(&operation.tag) {
                tags.push(operation.tag.clone());
            }
        }
        let tag = |operation: &Self| tags.iter().position(|tag| *tag == operation.tag);
        found.sort_by_key(|operation| (tag(operation), !operation.is_read(), operation.holes()));
        found
    }

    pub(super) fn new(
        method: &'static str,
        path: &str,
        shape: Value,
        parameters: Vec<Value>,
    ) -> Self {
        let tag = shape.pointer("/tags/0").and_then(Value::as_str);
        Self {
            method,
            path: path.trim_end_matches('/').to_owned(),
            tag: tag.unwrap_or_default().to_owned(),
            shape,
            parameters,
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_read(&self) -> bool {
        ["get", "head", "options"].contains(&self.method)
    }

    /// How many values its path lacks.
    pub(super) fn holes(&self) -> usize {
        self.path.matches('{').count()
    }

    /// The schema of what it answers with if all is well.
    pub(super) fn answer<'d>(&'d self, document: &'d Document) -> Option<&'d Value> {
        let responses = self.shape.get("responses")?.as_object()?;
        let (_, response) = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))?;
        let response = document.resolved(response);
        let content = response.get("content").and_then(Value::as_object);
        let json = content
            .into_iter()
            .flatten()
            .find(|(kind, _)| kind.contains("json"));
        json.and_then(|(_, media)| media.get("schema"))
            .or_else(|| response.get("schema"))
    }

    /// The request.
    pub(super) fn request(
        &self,
        document: &Document,
        lists: &mut Lists,
        items: &mut [Item],
        environment: &mut Environment,
        is_sent: bool,
    ) -> DraftRequest {
        let mut draft = DraftRequest {
            method: self.method.to_owned(),
            statuses: self.statuses(),
            go_on: true,
            ..DraftRequest::default()
        };
        let summary = self
            .shape
            .get("summary")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let summary: String = summary
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(160)
            .collect();
        if !summary.trim().is_empty() {
            draft.remarks.push(summary.trim().to_owned());
        }
        let mut query = Vec::new();
        let mut cookies = Vec::new();
        let path = self.filled(document, lists, items, &mut draft, is_sent);
        for parameter in &self.parameters {
            let name = text(parameter, "name");
            let is_required = parameter.get("required") == Some(&json!(true));
            if !is_required {
                continue;
            }
            let value = || self.value(document, parameter, name);
            match text(parameter, "in") {
                "query" => query.push(format!("{}={}", percent(name), in_url(&value()))),
                "header" if !is_left_to_the_client(&name.to_ascii_lowercase()) => {
                    let secret = environment.is_secret(name)
                        && !name.to_ascii_lowercase().contains("idempotenc");
                    let value = match secret {
                        true => environment.hole(name, &format!("the header `{name}`"), is_sent),
                        false => value(),
                    };
                    draft.headers.push((name.to_ascii_lowercase(), value));
                }
                "cookie" => cookies.push(format!("{name}={}", value())),
                _ => {}
            }
        }
        let mut way_in = WayIn {
            environment,
            draft: &mut draft,
            query: &mut query,
            cookies: &mut cookies,
            is_sent,
        };
        way_in.fill(document, self.shape.get("security"));
        if !cookies.is_empty() {
            draft
                .headers
                .push(("cookie".to_owned(), cookies.join("; ")));
        }
        self.body(document, &mut draft);
        let mark = if query.is_empty() { "" } else { "?" };
        draft.url = format!("{path}{mark}{}", query.join("&"));
        draft.name = (self.holes() > 0)
            .then(|| format!("{} {}", self.method.to_ascii_uppercase(), self.path));
        if draft.name.is_none() {
            draft.name = route::name(self.method, &draft.url, None);
        }
        draft
    }

    /// The path with values.
    fn filled(
        &self,
        document: &Document,
        lists: &mut Lists,
        items: &mut [Item],
        draft: &mut DraftRequest,
        is_sent: bool,
    ) -> String {
        let mut out = String::new();
        let mut rest = self.path.as_str();
        while let Some((before, name, after)) = hole(rest) {
            out.push_str(&url_safe(before));
            let base = &self.path[..self.path.len() - rest.len() + before.len()];
            let is_segment = before.ends_with('/');
            let linked = is_segment
                .then(|| lists.variable(base, name, items))
                .flatten();
            match linked.filter(|_| is_sent) {
                Some(variable) => out.push_str(&format!("${{{variable}}}")),
                None => {
                    let parameter = self
                        .parameters
                        .iter()
                        .find(|parameter| text(parameter, "name") == name);
                    let value = parameter.map(|parameter| self.value(document, parameter, name));
                    out.push_str(&in_url(&value.unwrap_or_else(|| "1".to_owned())));
                    draft
                        .remarks
                        .push(format!("`{name}` is an example: put one in that exists."));
                }
            }
            rest = after;
        }
        out.push_str(&url_safe(rest));
        if out.is_empty() { "/".to_owned() } else { out }
    }

    /// A text for a parameter.
    fn value(&self, document: &Document, parameter: &Value, name: &str) -> String {
        if name.to_ascii_lowercase().contains("idempotenc") {
            return "${uuid}".to_owned();
        }
        match of_holder(document, parameter) {
            Value::String(text) => text,
            Value::Array(items) => match items.into_iter().next() {
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => String::new(),
            },
            other => other.to_string(),
        }
    }

    fn statuses(&self) -> Vec<u16> {
        let responses = self.shape.get("responses").and_then(Value::as_object);
        let codes = responses
            .into_iter()
            .flatten()
            .filter_map(|(status, _)| status.parse::<u16>().ok());
        codes.filter(|status| (200..300).contains(status)).collect()
    }

    fn body(&self, document: &Document, draft: &mut DraftRequest) {
        if ["get", "head"].contains(&self.method) {
            return;
        }
        if let Some(body) = self
            .shape
            .get("requestBody")
            .map(|body| document.resolved(body))
        {
            let content = body.get("content").and_then(Value::as_object);
            let content: Vec<(&String, &Value)> = content.into_iter().flatten().collect();
            let json = content.iter().find(|(kind, _)| kind.contains("json"));
            if let Some((kind, media)) = json.or_else(|| content.first()) {
                put_body(document, kind, media, draft);
            }
            return;
        }
        let of_kind = |kind: &str| {
            self.parameters
                .iter()
                .filter(|parameter| text(parameter, "in") == kind)
                .collect::<Vec<_>>()
        };
        if let Some(body) = of_kind("body").first() {
            draft.body = Some(DraftBody::Json(of_holder(document, body)));
            return;
        }
        let fields = of_kind("formData");
        if !fields.is_empty() {
            let fields = fields.into_iter().map(|field| {
                let name = text(field, "name");
                (name.to_owned(), json!(self.value(document, field, name)))
            });
            draft.body = Some(DraftBody::Form(fields.collect()));
        }
    }
}

/// Those of the operation go before those of the path.
fn parameters(
    document: &Document,
    own: Option<&Vec<Value>>,
    common: Option<&Vec<Value>>,
) -> Vec<Value> {
    let mut seen = HashSet::new();
    let all = own.into_iter().chain(common).flatten();
    let all = all.map(|parameter| document.resolved(parameter));
    let first = all.filter(|parameter| {
        let text = |key: &str| parameter.get(key).map(ToString::to_string);
        seen.insert((text("in"), text("name")))
    });
    first.cloned().collect()
}

fn put_body(document: &Document, kind: &str, media: &Value, draft: &mut DraftRequest) {
    let value = match media.get("example").or_else(|| media.get("examples")) {
        Some(_) => of_holder(document, media),
        None => of_schema(document, media.get("schema").unwrap_or(&Value::Null)),
    };
    if kind.contains("json") {
        if kind != "application/json" {
            draft
                .headers
                .push(("content-type".to_owned(), kind.to_owned()));
        }
        draft.body = Some(DraftBody::Json(value));
        return;
    }
    match (kind, value) {
        ("application/x-www-form-urlencoded", Value::Object(fields)) => {
            let fields = fields.into_iter().map(|(name, value)| match value {
                Value::String(_) => (name, value),
                other => (name, json!(other.to_string())),
            });
            draft.body = Some(DraftBody::Form(fields.collect()));
        }
        (kind, Value::String(text)) if kind.starts_with("text/") => {
            draft.body = Some(DraftBody::Text(kind.to_owned(), text));
        }
        (kind, _) => draft.remarks.push(format!(
            "Its body is of the type {kind} and is still to be written."
        )),
    }
}

/// A text of a value, `${…}` left alone, in a URL.
fn in_url(value: &str) -> String {
    match value.contains("${") {
        true => value.to_owned(),
        false => percent(value),
    }
}

/// What stands before the first `{…}`, in it, and behind.
fn hole(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

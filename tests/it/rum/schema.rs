//! The keywords of JSON Schema (draft 7) that the schemas of RUM events use. One that is not known here fails the test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

const FOLDER: &str = "tests/rum-events-format/schemas";

/// What says nothing about validity.
const REMARKS: [&str; 9] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "readOnly",
    "deprecated",
    "default",
    "type",
];

/// The schemas by the names of their files.
pub(super) struct Schemas {
    files: BTreeMap<String, Value>,
    patterns: BTreeMap<String, Regex>,
}

impl Schemas {
    pub(super) fn read() -> Self {
        let file = |path: &Path| {
            let text = fs::read_to_string(path).expect("a schema");
            let name = path.file_name().and_then(|name| name.to_str());
            let schema: Value = serde_json::from_str(&text).expect("JSON");
            (name.expect("a name").to_owned(), schema)
        };
        let entries = fs::read_dir(FOLDER).expect("the schemas");
        let mut schemas = Self {
            files: entries
                .map(|entry| file(&entry.expect("an entry").path()))
                .collect(),
            patterns: BTreeMap::new(),
        };
        let files: Vec<Value> = schemas.files.values().cloned().collect();
        files.iter().for_each(|schema| schemas.compile(schema));
        schemas
    }

    fn compile(&mut self, schema: &Value) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::String(pattern)) = fields.get("pattern") {
                    let regex = Regex::new(pattern).expect("a pattern");
                    self.patterns.insert(pattern.clone(), regex);
                }
                fields.values().for_each(|field| self.compile(field));
            }
            Value::Array(items) => items.iter().for_each(|item| self.compile(item)),
            _ => {}
        }
    }

    /// What is wrong with an event, by its type.
    pub(super) fn problems(&self, event: &Value) -> Vec<String> {
        let kind = event["type"].as_str().unwrap_or_default();
        let Some(schema) = self.files.get(&format!("{kind}-schema.json")) else {
            return vec![format!("'{kind}' is no type of an event")];
        };
        let mut problems = Vec::new();
        self.check(schema, event, "", &mut problems);
        problems
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut problems = Vec::new();
        self.check(schema, value, "", &mut problems);
        problems.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        let fields = schema.as_object().expect("a schema");
        for (keyword, what) in fields {
            if let Err(problem) = self.keyword(keyword, what, fields, value, at, problems) {
                problems.push(format!("{at}: {problem}: {value}"));
            }
        }
        if let Some(kind) = fields.get("type")
            && !is_of(kind.as_str().expect("one type"), value)
        {
            problems.push(format!("{at}: is no {kind}: {value}"));
        }
    }

    fn keyword(
        &self,
        keyword: &str,
        what: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
        problems: &mut Vec<String>,
    ) -> Result<(), String> {
        let list = || what.as_array().expect("a list");
        let holds = match keyword {
            "$ref" => {
                let name = what.as_str().expect("a name").trim_start_matches("./");
                self.check(&self.files[name], value, at, problems);
                true
            }
            "allOf" => {
                let all = list().iter();
                all.for_each(|schema| self.check(schema, value, at, problems));
                true
            }
            "anyOf" => list().iter().any(|schema| self.fits(schema, value)),
            "oneOf" => {
                let fitting = list().iter().filter(|schema| self.fits(schema, value));
                fitting.count() == 1
            }
            "properties" => {
                self.properties(what, value, at, problems);
                true
            }
            "additionalProperties" => match what {
                Value::Bool(true) => true,
                Value::Bool(false) => !value.as_object().is_some_and(|fields| {
                    let known = |name: &String| !schema["properties"][name].is_null();
                    fields.keys().any(|name| !known(name))
                }),
                other => {
                    let fields = value.as_object().into_iter().flatten();
                    let known = |name: &String| {
                        schema
                            .get("properties")
                            .is_some_and(|all| all.get(name).is_some())
                    };
                    let others = fields.filter(|(name, _)| !known(name));
                    others.for_each(|(name, field)| {
                        self.check(other, field, &format!("{at}/{name}"), problems);
                    });
                    true
                }
            },
            "items" => {
                let items = value.as_array().into_iter().flatten();
                items.for_each(|item| self.check(what, item, at, problems));
                true
            }
            "required" => list().iter().all(|name| {
                let name = name.as_str().expect("a name");
                value
                    .as_object()
                    .is_none_or(|fields| fields.contains_key(name))
            }),
            "enum" => list().contains(value),
            "const" => what == value,
            "pattern" => value
                .as_str()
                .is_none_or(|text| self.patterns[what.as_str().expect("a pattern")].is_match(text)),
            "minimum" => value.as_f64() >= what.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= what.as_f64() || !value.is_number(),
            remark if REMARKS.contains(&remark) => true,
            unknown => panic!("the keyword '{unknown}' is not known here"),
        };
        match holds {
            true => Ok(()),
            false => Err(format!("`{keyword}` does not hold")),
        }
    }

    fn properties(&self, what: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        let Some(fields) = value.as_object() else {
            return;
        };
        for (name, schema) in what.as_object().expect("properties") {
            if let Some(field) = fields.get(name) {
                self.check(schema, field, &format!("{at}/{name}"), problems);
            }
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        unknown => panic!("the type '{unknown}' is not known here"),
    }
}

//! One definition of a set, as written and as the API takes it. Must not know how it is read, checked or used.

use std::collections::BTreeMap;

use checked_yaml::Place;
use serde_json::Value;

use crate::definition::{Dashboard, Monitor, Slo};
use crate::object::{Kind, Link, Object};

/// One definition with what became of it.
#[derive(Debug, Clone)]
pub struct Item {
    /// As written.
    pub definition: Definition,
    /// As the API takes it.
    pub object: Object,
    /// Where it stands in its file.
    pub place: Place,
    /// The runbook, its own or the file's.
    pub runbook: Option<String>,
    /// The variables that it may use.
    pub(crate) values: BTreeMap<String, String>,
    /// Index of its file.
    pub(crate) file: usize,
}

/// A definition of any kind.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Definition {
    Monitor(Box<Monitor>),
    Slo(Box<Slo>),
    Dashboard(Box<Dashboard>),
}

impl Definition {
    pub(super) fn runbook(&self) -> Option<&String> {
        match self {
            Self::Monitor(monitor) => monitor.runbook.as_ref(),
            Self::Slo(_) | Self::Dashboard(_) => None,
        }
    }

    pub(super) fn team(&self) -> Option<&String> {
        match self {
            Self::Monitor(monitor) => monitor.team.as_ref(),
            Self::Slo(slo) => slo.team.as_ref(),
            Self::Dashboard(dashboard) => dashboard.team.as_ref(),
        }
    }

    pub(super) fn service(&self) -> Option<&String> {
        match self {
            Self::Monitor(monitor) => monitor.service.as_ref(),
            Self::Slo(slo) => slo.service.as_ref(),
            Self::Dashboard(_) => None,
        }
    }
}

impl Item {
    /// The object's name in the files.
    pub fn name(&self) -> &str {
        &self.object.key.name
    }

    /// How others link to it.
    pub(crate) fn link(&self) -> Link {
        let kind = match self.definition {
            Definition::Monitor(_) => Kind::Monitor,
            Definition::Slo(_) => Kind::Slo,
            Definition::Dashboard(_) => Kind::Dashboard,
        };
        Link {
            kind,
            name: self.name().to_owned(),
        }
    }
}

/// A string at a dotted place of a payload.
pub(crate) fn text_at<'a>(payload: &'a Value, field: &str) -> &'a str {
    payload
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

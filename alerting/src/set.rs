//! All definition files of a project, read for one environment: variables put in, objects made, links and rules
//! checked. The one way from file texts to [`Object`]s; nothing that fails a rule comes out. Must not know where
//! the texts come from.

mod build;
mod inputs;
pub(crate) mod item;
pub(crate) mod placeholders;
mod variables;

use checked_yaml::{Document, Place, Problems};

use crate::catalogue::Catalogue;
use crate::definition::{Definitions, Profile};
use crate::object::Object;
use crate::rules::{self, Everything, Finding};
use variables::Variables;

pub use build::{dashboard_file, monitor_file, slo_file};
pub use inputs::{Inputs, Source};
pub(crate) use item::text_at;
pub use item::{Definition, Item};
pub use placeholders::BUILT_IN as BUILT_IN_VARIABLES;
pub use variables::site_url;

/// The definitions of one environment, all of them sound.
#[derive(Debug, Clone)]
pub struct Set {
    /// Marks the objects.
    pub namespace: String,
    /// The environment's name.
    pub environment: String,
    /// The API's address, if the project names one.
    pub api_url: Option<String>,
    /// The metrics that definitions may query.
    pub catalogue: Catalogue,
    /// What to provision, in the order of the files.
    pub objects: Vec<Object>,
    /// The same with their definitions, for generators.
    pub items: Vec<Item>,
}

/// Reads and checks everything.
///
/// # Errors
///
/// Every problem of every file, one report per file.
pub fn load(inputs: &Inputs) -> Result<Set, Vec<Problems>> {
    let scope = variables::scope(inputs)?;
    let mut reports = Vec::new();
    let mut documents = Vec::new();
    let mut items = Vec::new();
    for source in inputs
        .files
        .iter()
        .filter(|source| scope.applies(&source.path))
    {
        match read(source, &scope.variables, documents.len()) {
            Ok((document, found)) => {
                items.extend(found);
                documents.push(document);
            }
            Err(problems) => reports.push(problems),
        }
    }
    let findings = rules::check(&Everything {
        items: &items,
        documents: &documents,
        runbooks: inputs.runbooks.as_deref(),
        catalogue: &scope.catalogue,
        services: &scope.services,
    });
    let mut findings = rules::waive(&items, findings);
    if scope.profile == Profile::Essential {
        findings.retain(|(_, finding)| !finding.is_house());
    }
    reports.extend(report(&documents, &items, findings));
    if !reports.is_empty() {
        return Err(reports);
    }
    let objects = items.iter().map(|item| item.object.clone()).collect();
    Ok(Set {
        namespace: scope.variables.namespace,
        environment: scope.variables.environment,
        api_url: scope.api_url,
        catalogue: scope.catalogue,
        objects,
        items,
    })
}

fn read(
    source: &Source,
    variables: &Variables,
    file: usize,
) -> Result<(Document, Vec<Item>), Problems> {
    let document = Document::parse(&source.path, &source.text)?;
    let definitions: Definitions = document.check()?;
    let mut items = Vec::new();
    let defaults = &definitions.defaults;
    for (section, name, definition) in all(&definitions) {
        let place = Place::root().key(section).key(name);
        let (mut object, values) = build::object(name, &definition, defaults, variables);
        let start = document.key_span(&place).range().start;
        object.origin.file.clone_from(&source.path);
        object.origin.line = checked_yaml::problem::line_and_column(&source.text, start).0;
        let runbook = definition.runbook().or(defaults.runbook.as_ref()).cloned();
        items.push(Item {
            definition,
            object,
            place,
            runbook,
            values,
            file,
        });
    }
    Ok((document, items))
}

fn all(definitions: &Definitions) -> impl Iterator<Item = (&'static str, &String, Definition)> {
    let monitors = definitions.monitors.iter().map(|(name, monitor)| {
        (
            "monitors",
            name,
            Definition::Monitor(Box::new(monitor.clone())),
        )
    });
    let slos = definitions
        .slos
        .iter()
        .map(|(name, slo)| ("slos", name, Definition::Slo(Box::new(slo.clone()))));
    let dashboards = definitions.dashboards.iter().map(|(name, dashboard)| {
        (
            "dashboards",
            name,
            Definition::Dashboard(Box::new(dashboard.clone())),
        )
    });
    monitors.chain(slos).chain(dashboards)
}

/// Findings become problems of their documents.
fn report(
    documents: &[Document],
    items: &[Item],
    findings: Vec<(usize, Finding)>,
) -> Vec<Problems> {
    let mut by_file: Vec<Vec<_>> = vec![Vec::new(); documents.len()];
    for (index, finding) in findings {
        let file = items[index].file;
        by_file[file].push(finding.into_problem(&documents[file], &items[index]));
    }
    let with_problems = documents
        .iter()
        .zip(by_file)
        .filter(|(_, problems)| !problems.is_empty());
    with_problems
        .map(|(document, problems)| document.problems(problems))
        .collect()
}

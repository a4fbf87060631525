//! The environment's variables: which one is chosen, what they hold there, which files belong to it. What a text does
//! with them is in `placeholders`.

use std::collections::BTreeMap;

use checked_yaml::{Document, Place, Problems};

use super::inputs::{Inputs, Source};
use super::item::Definition;
use crate::catalogue::Catalogue;
use crate::definition::{Defaults, Metrics, Profile, Project, ProjectMetric};

/// The environment's variables.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    pub(super) namespace: String,
    pub(super) environment: String,
    values: BTreeMap<String, String>,
}

/// The chosen environment: its variables and which files belong to it.
pub(super) struct Scope {
    pub(super) variables: Variables,
    pub(super) api_url: Option<String>,
    pub(super) profile: Profile,
    pub(super) catalogue: Catalogue,
    pub(super) services: Vec<String>,
    left_out: Vec<String>,
}

impl Scope {
    pub(super) fn applies(&self, path: &str) -> bool {
        !self
            .left_out
            .iter()
            .any(|folder| path.starts_with(&format!("{}/", folder.trim_end_matches('/'))))
    }
}

pub(super) fn scope(inputs: &Inputs) -> Result<Scope, Vec<Problems>> {
    match &inputs.project {
        Some(source) => project_scope(source, inputs).map_err(|problems| vec![problems]),
        None => bare_scope(inputs).map_err(|problems| vec![problems]),
    }
}

fn metrics(inputs: &Inputs) -> Result<BTreeMap<String, ProjectMetric>, Problems> {
    let Some(source) = &inputs.metrics else {
        return Ok(BTreeMap::new());
    };
    let document = Document::parse(&source.path, &source.text)?;
    Ok(document.check::<Metrics>()?.metrics)
}

/// Without a project there is one environment, and variables come from the command line alone.
fn bare_scope(inputs: &Inputs) -> Result<Scope, Problems> {
    let or_default = |name: &Option<String>| name.clone().unwrap_or_else(|| "default".to_owned());
    let mut values = site_variable(inputs, None);
    values.extend(inputs.variables.iter().cloned());
    let variables = Variables {
        namespace: or_default(&inputs.namespace),
        environment: or_default(&inputs.environment),
        values,
    };
    Ok(Scope {
        variables,
        api_url: None,
        profile: Profile::default(),
        catalogue: Catalogue::new(metrics(inputs)?),
        services: Vec::new(),
        left_out: Vec::new(),
    })
}

/// The site is where requests go, unless the project says otherwise: at an address of its own there may be any site.
fn site_variable(inputs: &Inputs, api_url: Option<&str>) -> BTreeMap<String, String> {
    let site = match (inputs.site.as_deref(), api_url) {
        (Some(site), _) => Some(site),
        (None, None) => Some(SITE_DEFAULT),
        (None, Some(url)) => url
            .trim_end_matches('/')
            .strip_prefix("https://api.")
            .filter(|site| site.ends_with("datadoghq.com") || site.ends_with("datadoghq.eu")),
    };
    let url = site.map(site_url);
    url.map(|url| ("site".to_owned(), url))
        .into_iter()
        .collect()
}

/// Where requests go when nothing says otherwise.
const SITE_DEFAULT: &str = "datadoghq.com";

/// Where people open a site: those with a name of their own need no `app.` in front.
pub fn site_url(site: &str) -> String {
    let own_name = site.split('.').count() > 2;
    if own_name {
        format!("https://{site}")
    } else {
        format!("https://app.{site}")
    }
}

fn project_scope(source: &Source, inputs: &Inputs) -> Result<Scope, Problems> {
    let document = Document::parse(&source.path, &source.text)?;
    let project: Project = document.check()?;
    let name = environment_name(&project, &document, inputs.environment.as_deref())?;
    let environment = project.environments.get(&name).cloned().unwrap_or_default();
    let api_url = environment.api_url.or(project.api_url.clone());
    let mut values = site_variable(inputs, api_url.as_deref());
    values.extend(project.variables.clone());
    values.extend(environment.variables);
    values.extend(inputs.variables.iter().cloned());
    let namespace = inputs.namespace.clone().or(environment.namespace);
    let namespace = namespace.unwrap_or_else(|| format!("{}-{name}", project.namespace));
    let problems = project_problems(&document, &project, &namespace);
    if !problems.is_empty() {
        return Err(document.problems(problems));
    }
    let mut catalogue = project.metrics;
    catalogue.extend(metrics(inputs)?);
    let left_out = project
        .optional_folders
        .into_iter()
        .filter(|folder| !environment.folders.contains(folder))
        .collect();
    Ok(Scope {
        variables: Variables {
            namespace,
            environment: name,
            values,
        },
        api_url,
        profile: project.profile,
        catalogue: Catalogue::new(catalogue),
        services: project.services,
        left_out,
    })
}

fn environment_name(
    project: &Project,
    document: &Document,
    asked: Option<&str>,
) -> Result<String, Problems> {
    let names: Vec<&str> = project.environments.keys().map(String::as_str).collect();
    let place = Place::root().key("environments");
    let marked = project.default_environment.as_deref();
    if let Some(marked) = marked.filter(|marked| !names.contains(marked)) {
        let place = Place::root().key("default_environment");
        let problem = document
            .problem(&place, format!("there is no environment `{marked}`"))
            .help_maybe(checked_yaml::did_you_mean(marked, names.iter().copied()))
            .help(format!("environments: {}", names.join(", ")));
        return Err(document.problems(vec![problem]));
    }
    let problem = match (asked.or(marked), names.as_slice()) {
        (Some(asked), _) if names.contains(&asked) => return Ok(asked.to_owned()),
        (None, [only]) => return Ok((*only).to_owned()),
        (Some(asked), _) => document
            .problem(&place, format!("there is no environment `{asked}`"))
            .help_maybe(checked_yaml::did_you_mean(asked, names.iter().copied())),
        (None, []) => document.problem(&place, "the project has no environment"),
        (None, _) => document.problem(
            &place,
            "the project has several environments; choose one with --env or DD_ENV, or name the usual one in `default_environment`",
        ),
    };
    Err(document.problems(vec![
        problem.help(format!("environments: {}", names.join(", "))),
    ]))
}

fn project_problems(
    document: &Document,
    project: &Project,
    namespace: &str,
) -> Vec<checked_yaml::Problem> {
    let mut problems = Vec::new();
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if namespace.is_empty() || !namespace.chars().all(sound) {
        let message = format!("the namespace `{namespace}` cannot be part of a tag");
        let help = "use lower-case letters, digits, `-` and `_`";
        problems.push(
            document
                .problem(&Place::root().key("namespace"), message)
                .help(help),
        );
    }
    for (name, environment) in &project.environments {
        let place = Place::root().key("environments").key(name).key("folders");
        let unknown = environment.folders.iter().enumerate();
        for (index, folder) in
            unknown.filter(|(_, folder)| !project.optional_folders.contains(folder))
        {
            let message = format!("`{folder}` is not an optional folder");
            let help = "folders that are not listed in `optional_folders` always apply";
            problems.push(document.problem(&place.index(index), message).help(help));
        }
    }
    problems
}

impl Variables {
    /// These and what one definition adds to them.
    pub(super) fn with(
        &self,
        name: &str,
        definition: &Definition,
        defaults: &Defaults,
    ) -> BTreeMap<String, String> {
        let mut values = self.values.clone();
        values.insert("env".into(), self.environment.clone());
        values.insert("namespace".into(), self.namespace.clone());
        values.insert("key".into(), name.to_owned());
        let mut set = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                values.insert(name.to_owned(), value.clone());
            }
        };
        set("team", definition.team().or(defaults.team.as_ref()));
        set(
            "service",
            definition.service().or(defaults.service.as_ref()),
        );
        if let Definition::Monitor(monitor) = definition {
            set(
                "severity",
                monitor.severity.as_ref().or(defaults.severity.as_ref()),
            );
            let runbook = monitor.runbook.as_ref().or(defaults.runbook.as_ref());
            set(
                "runbook",
                runbook
                    .map(|runbook| format!("${{runbooks}}/{runbook}.md"))
                    .as_ref(),
            );
            let dashboard = monitor.dashboard.as_ref().or(defaults.dashboard.as_ref());
            set(
                "dashboard",
                dashboard
                    .map(|dashboard| format!("${{site}}/dashboard/lists?q={dashboard}"))
                    .as_ref(),
            );
        }
        values
    }
}

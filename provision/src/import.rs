//! From an org to definition files that plan to no change. Pure: callers fetch and write. Must not
//! know where files lie.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use alerting::definition::{Definitions, Waiver};
use alerting::object::{Kind, Remote};
use alerting::rules;
use alerting::set::{self, Inputs, Source, dashboard_file, monitor_file, slo_file};
use alerting::yaml;
use checked_yaml::Problems;
use serde_json::{Value, json};

use crate::project::PROJECT_FILE;
use crate::tidy;

/// The only environment of an imported project.
pub const ENVIRONMENT: &str = "main";
/// Why imported definitions may break rules.
const WAIVER_REASON: &str = "as found when it was imported; review and correct";
/// How often files are checked and mended; each round waives or leaves out at least one thing.
const ROUNDS_MAX: usize = 20;

/// What an import makes.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Files to write, the project file first.
    pub files: Vec<Source>,
    /// Objects that are in the files.
    pub count: usize,
    /// How many rules are waived in all.
    pub waivers: usize,
    /// Objects that definitions cannot express, each with the reason.
    pub left_out: Vec<String>,
}

/// Definitions by file; a file is a kind.
#[derive(Debug, Clone, Default)]
struct Draft {
    files: BTreeMap<String, Definitions>,
}

/// Writes objects as definitions of a project. `marked` is the namespace that the objects carry already, if they do.
///
/// # Errors
///
/// Never for what an org may hold; only when the files cannot be mended within bounds, with what is wrong then.
pub fn import(
    remotes: &[Remote],
    namespace: &str,
    marked: Option<&str>,
) -> Result<Imported, Vec<Problems>> {
    let names = names::names(remotes);
    let links = names
        .iter()
        .filter(|((kind, _), _)| *kind != Kind::Dashboard)
        .map(|((_, id), name)| (id.clone(), name.clone()))
        .collect();
    let mut left_out = Vec::new();
    let mut draft = Draft::default();
    for remote in remotes {
        let name = &names[&(remote.kind, remote.id.clone())];
        if let Err(error) = draft.add(remote, name, &links) {
            left_out.push(format!(
                "{} {} ({}): {error}",
                remote.kind,
                remote.id,
                remote.title()
            ));
        }
    }
    let project = project(namespace, marked);
    mend(&mut draft, &project, &mut left_out)?;
    let mut files = vec![project];
    for source in draft.sources() {
        let text = tidy::tidy(&source.path, &source.text).map_err(|problems| vec![problems])?;
        let text = spaced(&text);
        files.push(Source { text, ..source });
    }
    Ok(Imported {
        count: draft.count(),
        waivers: draft.waivers(),
        files,
        left_out,
    })
}

impl Draft {
    fn add(
        &mut self,
        remote: &Remote,
        name: &str,
        links: &BTreeMap<String, String>,
    ) -> Result<(), serde_json::Error> {
        let name = name.to_owned();
        match remote.kind {
            Kind::Monitor => {
                let definition = monitor_file(remote, links)?;
                self.file("monitors/imported.yaml")
                    .monitors
                    .insert(name, definition);
            }
            Kind::Slo => {
                let definition = slo_file(remote, links)?;
                self.file("slos/imported.yaml")
                    .slos
                    .insert(name, definition);
            }
            Kind::Dashboard => {
                let definition = dashboard_file(remote, links)?;
                let path = format!("dashboards/{name}.yaml");
                self.file(&path).dashboards.insert(name, definition);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str) -> &mut Definitions {
        self.files.entry(path.to_owned()).or_default()
    }

    fn sources(&self) -> Vec<Source> {
        let full = self
            .files
            .iter()
            .filter(|(_, definitions)| count(definitions) > 0);
        full.map(|(path, definitions)| Source {
            path: path.clone(),
            text: yaml::write_short(&serde_json::to_value(definitions).unwrap_or(Value::Null)),
        })
        .collect()
    }

    fn count(&self) -> usize {
        self.files.values().map(count).sum()
    }

    fn waivers(&self) -> usize {
        let all = self.files.values().map(|file| {
            let monitors = file.monitors.values().map(|monitor| monitor.waive.len());
            let slos = file.slos.values().map(|slo| slo.waive.len());
            let dashboards = file
                .dashboards
                .values()
                .map(|dashboard| dashboard.waive.len());
            monitors.chain(slos).chain(dashboards).sum::<usize>()
        });
        all.sum()
    }

    /// Waives a rule in a definition; false when it is waived already or there is no such definition.
    fn waive(&mut self, path: &str, name: &str, rule: &str) -> bool {
        let file = self.file(path);
        let lists = [
            file.monitors
                .get_mut(name)
                .map(|monitor| &mut monitor.waive),
            file.slos.get_mut(name).map(|slo| &mut slo.waive),
            file.dashboards
                .get_mut(name)
                .map(|dashboard| &mut dashboard.waive),
        ];
        let mut changed = false;
        for list in lists.into_iter().flatten() {
            if !list.iter().any(|waiver| waiver.rule == rule) {
                list.push(Waiver {
                    rule: rule.to_owned(),
                    reason: WAIVER_REASON.to_owned(),
                });
                changed = true;
            }
        }
        changed
    }

    fn remove(&mut self, path: &str, name: &str) -> bool {
        let file = self.file(path);
        let monitor = file.monitors.shift_remove(name).is_some();
        let slo = file.slos.shift_remove(name).is_some();
        monitor | slo | file.dashboards.shift_remove(name).is_some()
    }
}

fn count(definitions: &Definitions) -> usize {
    definitions.monitors.len() + definitions.slos.len() + definitions.dashboards.len()
}

fn project(namespace: &str, environment: Option<&str>) -> Source {
    let environment = environment.map_or_else(|| json!({}), |own| json!({ "namespace": own }));
    let project = json!({ "namespace": namespace, "environments": { ENVIRONMENT: environment } });
    Source {
        path: PROJECT_FILE.to_owned(),
        text: yaml::write_short(&project),
    }
}

/// A blank line between definitions: nothing else is indented by two.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut first = true;
    for line in text.lines() {
        let definition = line.starts_with("  ") && !line.starts_with("   ");
        if definition && !first {
            out.push('\n');
        }
        first = if definition {
            false
        } else {
            first || !line.starts_with(' ') && !line.is_empty()
        };
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Checks the files as `monitors check` would, waives the rules that may be broken and takes out what may not be.
fn mend(
    draft: &mut Draft,
    project: &Source,
    left_out: &mut Vec<String>,
) -> Result<(), Vec<Problems>> {
    let mut reports = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let inputs = Inputs {
            project: Some(project.clone()),
            files: draft.sources(),
            ..Inputs::default()
        };
        reports = match set::load(&inputs) {
            Ok(_) => return Ok(()),
            Err(reports) => reports,
        };
        let mut changed = false;
        let mut gone = BTreeSet::new();
        for report in &reports {
            for problem in report.iter() {
                let name = problem.label.as_str();
                let rule = rule_of(&problem.message);
                let waivable = rule.and_then(rules::find).filter(|rule| rule.waivable);
                changed |= match waivable {
                    Some(rule) => draft.waive(report.name(), name, rule.name),
                    None => {
                        let removed = draft.remove(report.name(), name);
                        if removed && gone.insert(name.to_owned()) {
                            left_out.push(format!("{name}: {}", problem.message));
                        }
                        removed
                    }
                };
            }
        }
        if !changed {
            break;
        }
    }
    Err(reports)
}

/// The name in brackets at the end of a finding.
fn rule_of(message: &str) -> Option<&str> {
    message
        .strip_suffix(']')?
        .rsplit_once('[')
        .map(|(_, rule)| rule)
}

/// Whether a name fits a pattern in which `*` stands for anything.
pub fn fits(pattern: &str, name: &str) -> bool {
    alerting::plan::matches(pattern, name)
}

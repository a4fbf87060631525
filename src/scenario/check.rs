//! From the loose shapes of a file to a valid [`Scenario`], or to every mistake at once.
//!
//! Each part of a file has a module; all write into one [`Report`]. A part that is wrong is replaced by a harmless
//! value so that the rest can be checked as well; the caller throws the result away when there are problems.
//!
//! Must not know: the terminal, the network. Reads feeders, replayed curves, certificates, and what `${env.…}` names, nothing
//! else.

mod condition;
mod feeder;
mod files;
mod journey;
mod load;
mod names;
mod persona;
mod possible;
mod reach;
mod replay;
mod report;
mod request;
mod response;
mod settings;
mod slip;
mod template;
mod threshold;
pub(crate) mod units;
mod variables;

use std::path::Path;

use checked_yaml::{Document, Place, Problem, Problems};
use indexmap::IndexMap;

use super::change::{self, Changes};
use super::file::File;
use super::{Credentials, Scenario, Secrets, Source, Threshold};
use crate::run_id::RunId;
use names::Names;
use report::Report;
use request::Tables;

/// Compiles a file. Feeders and curves are looked up relative to `folder`.
///
/// # Errors
/// Changes that do not fit the load.
pub(super) fn compile(
    document: &Document,
    file: &File,
    folder: &Path,
    source: Source,
    changes: &Changes,
    secrets: &[String],
) -> Result<(Scenario, Vec<Problem>), Problems> {
    let report = Report::new(document, folder);
    let mut names = Names::default();
    names.feeders = feeder::read(&report, file, folder);
    names.popularity = settings::popularity(&report, file);
    names.personas = persona::names(&report, file);
    variables::declare(&report, file, &mut names);

    let mut load = load::compile(&report, &file.load, folder);
    change::load(&mut load, changes)?;
    let mut tables = Tables::default();
    let (prepare, prepared) = journey::prepare(&report, &names, file, &mut tables);
    let (personas, start) = persona::compile(&report, file, &names, prepared);
    let journeys = journey::compile(&report, &names, file, &personas, &start, &mut tables);
    tables.report_clashes(&report, &names);

    let known = names.known_secrets();
    let mut scenario = Scenario {
        name: file.name.0.clone(),
        about: file
            .about
            .as_deref()
            .map(str::trim)
            .unwrap_or_default()
            .to_owned(),
        source,
        seed: file.seed.unwrap_or(1),
        run_id: RunId::default(),
        target: settings::target(&report, file),
        load,
        warm_up: settings::warm_up(&report, file),
        browser: settings::browser(&report, file),
        http: settings::http(&report, file, &names, folder),
        personas,
        journeys,
        steps: tables.steps,
        figures: tables.figures,
        counters: tables.counters.into_keys().collect(),
        variables: names.variable_names(),
        feeders: names.feeders,
        popularity: names.popularity,
        thresholds: Vec::new(),
        limits: settings::limits(&report, file),
        prepare,
        secrets: Secrets::default(),
    };
    scenario.secrets = Secrets::of(&scenario, changes, secrets, &known);
    aim(&report, &mut scenario);
    scenario.thresholds = thresholds(&report, file, &scenario);
    reach::check(&report, file, &scenario);
    show_names(&mut scenario);
    Ok((scenario, report.into_problems()))
}

/// Takes credentials out of the target's URL.
fn aim(report: &Report<'_>, scenario: &mut Scenario) {
    let Some(target) = scenario.target.take() else {
        return;
    };
    let explicit = scenario.http.auth.is_some();
    let (_, credentials) = Credentials::taken_from(&target);
    if credentials.is_some() && explicit {
        let place = Place::root().key("target");
        let problem = report.at(&place, "the target's URL and `http.auth` both name a user");
        report.add(
            problem
                .label("take the user out of the URL, or remove `http.auth`")
                .also(
                    report
                        .document()
                        .key_span(&Place::root().key("http").key("auth")),
                    "and here",
                ),
        );
    }
    scenario.aim_at(&target);
}

/// Everything that reports show by name: secrets and what steers a terminal is taken out, the same way in every run.
fn show_names(scenario: &mut Scenario) {
    let redactor = &scenario.secrets.redactor;
    let show = |text: &mut String| *text = redactor.name(text);
    scenario
        .figures
        .iter_mut()
        .for_each(|figure| show(&mut figure.name));
    scenario
        .thresholds
        .iter_mut()
        .for_each(|threshold| show(&mut threshold.text));
    let checks = scenario.steps.iter_mut().flat_map(|step| &mut step.checks);
    checks.for_each(|check| show(&mut check.name));
}

/// Reads a threshold that was given by flag; none if it may only seem wrong, because not all of the scenario could be read.
pub(super) fn threshold(
    text: &str,
    scenario: &Scenario,
    is_whole: bool,
) -> Result<Option<Threshold>, Problems> {
    let parsed = threshold::parse(text, scenario).map(|threshold| Threshold {
        text: scenario.secrets.redactor.name(&threshold.text),
        ..threshold
    });
    let slips = match parsed {
        Ok(threshold) => return Ok(Some(threshold)),
        Err(slips) => slips,
    };
    let problems = slips.into_iter().map(|slip| slip.in_text());
    let problems: Vec<Problem> = problems
        .filter(|problem| is_whole || problem.concerns.is_none())
        .collect();
    match problems.is_empty() {
        true => Ok(None),
        false => Err(Problems::in_text("--threshold", text, problems)),
    }
}

fn thresholds(report: &Report<'_>, file: &File, scenario: &Scenario) -> Vec<Threshold> {
    let place = Place::root().key("thresholds");
    let mut seen: IndexMap<String, Place> = IndexMap::new();
    let mut compiled = Vec::new();
    for (index, text) in file.thresholds.iter().flatten().enumerate() {
        let place = place.index(index);
        if let Some(first) = seen.insert(text.as_str().trim().to_owned(), place.clone()) {
            let problem = report.at(&place, "this threshold stands in the list twice");
            report.add(
                problem
                    .label("again here")
                    .also(report.document().span(&first), "first here")
                    .help("remove one of them"),
            );
        }
        let parsed = threshold::parse(text.as_str(), scenario);
        compiled.extend(report.take(&place, parsed));
    }
    compiled
}

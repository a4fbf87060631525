//! From a scenario's name to a valid [`Scenario`].

use checked_yaml::{Document, Problems};
use sha2::{Digest, Sha256};

use super::change::{self, Changes};
use super::check;
use super::file::File;
use super::find::ScenarioRef;
use super::{Scenario, Source, Threshold};
use crate::redact::Redactor;

/// Reads, changes and checks a scenario.
///
/// # Errors
/// Every mistake in the file and in the changes, each with its place.
pub fn load(origin: &ScenarioRef, changes: &Changes) -> Result<Scenario, Problems> {
    load_text(origin, &origin.text()?, changes)
}

/// The same, with thresholds that are given by flag: their mistakes are told together with those of the file.
///
/// # Errors
/// Every mistake in the file, in the changes, and in the thresholds.
pub fn load_judged(
    origin: &ScenarioRef,
    changes: &Changes,
    thresholds: &[String],
) -> Result<Scenario, Vec<Problems>> {
    let text = origin.text().map_err(|problems| vec![problems])?;
    let mut secrets = changes.secrets.clone();
    let mut flags = Flags {
        thresholds,
        problems: Vec::new(),
    };
    let read = read(origin, &text, changes, &mut secrets, &mut flags);
    let problems = flags.problems.into_iter();
    let problems = problems.map(|problems| hidden(problems, &secrets));
    match read {
        Err(of_file) => Err([hidden(of_file, &secrets)]
            .into_iter()
            .chain(problems)
            .collect()),
        Ok(_) if problems.len() > 0 => Err(problems.collect()),
        Ok(scenario) => Ok(scenario),
    }
}

/// Thresholds by flag, and what is wrong with them.
#[derive(Default)]
struct Flags<'f> {
    thresholds: &'f [String],
    problems: Vec<Problems>,
}

impl Flags<'_> {
    /// Adds them to a scenario; of one that was read in part, no name is unknown for sure.
    fn judge(&mut self, scenario: &mut Scenario, is_whole: bool) {
        for text in self.thresholds {
            match check::threshold(text, scenario, is_whole) {
                Ok(threshold) => scenario.thresholds.extend(threshold),
                Err(problems) => self.problems.push(problems),
            }
        }
    }
}

/// The same for a text that is at hand.
pub(super) fn load_text(
    origin: &ScenarioRef,
    text: &str,
    changes: &Changes,
) -> Result<Scenario, Problems> {
    let mut secrets = changes.secrets.clone();
    let read = read(origin, text, changes, &mut secrets, &mut Flags::default());
    read.map_err(|problems| hidden(problems, &secrets))
}

/// Problems quote what people wrote; secrets in it are hidden there as everywhere.
pub(super) fn hidden(problems: Problems, secrets: &[String]) -> Problems {
    let mut redactor = Redactor::new(secrets);
    problems.rewritten(|text, is_source| {
        if is_source {
            // Messages may repeat them.
            redactor
                .secrets_in_source(text)
                .into_iter()
                .for_each(|secret| redactor.learn(secret));
        }
        redactor.edits(text, is_source)
    })
}

/// `secrets` takes up the names that the file adds, as soon as they are known.
fn read(
    origin: &ScenarioRef,
    text: &str,
    changes: &Changes,
    secrets: &mut Vec<String>,
    flags: &mut Flags<'_>,
) -> Result<Scenario, Problems> {
    let mut document = Document::parse(&origin.origin(), text)?;
    change::set(&mut document, &changes.set);
    let reading = document.read::<File>();
    let Some(file) = &reading.value else {
        return Err(conclude_without_value(reading));
    };
    secrets.extend(file.secrets.iter().flatten().map(|name| name.0.clone()));
    let source = Source {
        origin: origin.origin(),
        hash: hash(text),
    };
    let (mut scenario, found) = check::compile(
        &reading.document,
        file,
        origin.folder(),
        source,
        changes,
        secrets,
    )?;
    flags.judge(&mut scenario, reading.is_whole());
    reading.conclude(found).map(|_| scenario)
}

impl Threshold {
    /// Reads a threshold given by flag, in the words of a scenario file.
    ///
    /// # Errors
    /// What is wrong with it, with its place in the text.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Self, Problems> {
        let parsed = check::threshold(text, scenario, true);
        // In a whole scenario a threshold is right or wrong.
        let parsed = parsed
            .and_then(|found| found.ok_or_else(|| Problems::without_text("--threshold", text, "")));
        parsed.map_err(|problems| hidden(problems, &[]))
    }
}

/// A reading without a value has problems of its own.
fn conclude_without_value(reading: checked_yaml::Reading<File>) -> Problems {
    let name = reading.document.name();
    match reading.conclude(Vec::new()) {
        Err(problems) => problems,
        Ok(_) => Problems::without_text(&name, "this file cannot be read", ""),
    }
}

fn hash(text: &str) -> String {
    telemetry::text::hex(Sha256::digest(text.as_bytes()))
}

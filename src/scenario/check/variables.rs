//! Which steps set which variables.

use checked_yaml::Place;

use super::names::Names;
use super::report::Report;
use super::template;
use crate::scenario::file::{File, RequestShape, StepShape};

/// Most variables: a slot is 16 bits wide.
const VARIABLES_MAX: usize = 10_000;

/// Takes note of every variable of a file.
pub(super) fn declare(report: &Report<'_>, file: &File, names: &mut Names) {
    let root = Place::root();
    let mut found: Vec<(String, Place)> = Vec::new();
    for name in file
        .variables
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
    {
        found.push((name.to_owned(), root.key("variables").key(name)));
    }
    for (index, persona) in file.personas.iter().flatten().enumerate() {
        let place = root.key("personas").index(index).key("set");
        found.extend(
            persona
                .set
                .iter()
                .flatten()
                .map(|(name, _)| (name.0.clone(), place.key(name.as_str()))),
        );
    }
    for (index, request) in file.prepare.iter().flatten().enumerate() {
        in_request(request, &root.key("prepare").index(index), &mut found);
    }
    for (index, journey) in file.journeys.iter().enumerate() {
        in_steps(
            &journey.steps,
            &root.key("journeys").index(index).key("steps"),
            &mut found,
        );
    }
    if found.len() > VARIABLES_MAX {
        report.add(report.at_key(
            &root.key("journeys"),
            format!("more than {VARIABLES_MAX} places set variables"),
        ));
    }
    for (name, place) in found.iter().take(VARIABLES_MAX) {
        if names.slot(name).is_none() && template::is_reserved(name) {
            report.add(
                report
                    .at_key(place, format!("`{name}` cannot be a variable"))
                    .label("loadgen makes a value of this name")
                    .help(format!("choose another name, such as `my_{name}`")),
            );
        }
        names.declare(name, place);
    }
}

/// Every variable that the steps may set, with its place.
pub(super) fn in_steps(steps: &[StepShape], place: &Place, found: &mut Vec<(String, Place)>) {
    for (index, step) in steps.iter().enumerate() {
        in_step(step, &place.index(index), found);
    }
}

fn in_step(step: &StepShape, place: &Place, found: &mut Vec<(String, Place)>) {
    match step {
        StepShape::Request(request) => in_request(request, place, found),
        StepShape::Set(step) => {
            let names = step
                .set
                .keys()
                .map(|name| (name.0.clone(), place.key("set").key(name.as_str())));
            found.extend(names);
        }
        StepShape::Together(step) => {
            for (index, request) in step.together.iter().enumerate() {
                in_request(request, &place.key("together").index(index), found);
            }
        }
        StepShape::Repeat(step) => in_steps(&step.steps, &place.key("steps"), found),
        StepShape::ForEach(step) => {
            let at = place.key("for-each");
            let names = step.for_each.keys();
            found.extend(names.map(|name| (name.0.clone(), at.key(name.as_str()))));
            found.push((list_of(place), at));
            in_steps(&step.steps, &place.key("steps"), found);
        }
        StepShape::While(step) => in_steps(&step.steps, &place.key("steps"), found),
        StepShape::Until(step) => in_steps(&step.steps, &place.key("steps"), found),
        StepShape::When(step) => {
            in_steps(&step.then, &place.key("then"), found);
            in_steps(
                step.r#else.as_deref().unwrap_or_default(),
                &place.key("else"),
                found,
            );
        }
        StepShape::Choose(step) => {
            for (index, branch) in step.choose.iter().enumerate() {
                in_steps(
                    &branch.steps,
                    &place.key("choose").index(index).key("steps"),
                    found,
                );
            }
        }
        StepShape::Think(_) | StepShape::Leave(_) => {}
    }
}

/// The name of the variable that holds the list of a `for-each`; no scenario can name one so.
pub(super) fn list_of(place: &Place) -> String {
    format!("list of {place:?}")
}

fn in_request(request: &RequestShape, place: &Place, found: &mut Vec<(String, Place)>) {
    let names = request.extract.iter().flatten();
    found.extend(names.map(|(name, _)| (name.0.clone(), place.key("extract").key(name.as_str()))));
}

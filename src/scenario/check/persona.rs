//! Personas: who the shoppers are.

use checked_yaml::{Place, did_you_mean};
use indexmap::IndexMap;

use super::names::{Names, Scope};
use super::report::Report;
use super::template::Meaning;
use super::units;
use crate::scenario::Persona;
use crate::scenario::file::{
    BrowsersShape, DevicesShape, File, PersonaShape, RepeatShape, Scalar, VariableName,
};
use crate::template::{Expr, Slot, Value};

/// Most pieces in a basket.
const BASKET_MAX: u32 = 1000;
/// The only persona of a file that names none.
const DEFAULT_NAME: &str = "shopper";

/// The personas' names, in order.
pub(super) fn names(report: &Report<'_>, file: &File) -> Vec<String> {
    let Some(personas) = &file.personas else {
        return vec![DEFAULT_NAME.to_owned()];
    };
    let mut seen = IndexMap::new();
    for (index, persona) in personas.iter().enumerate() {
        let place = Place::root().key("personas").index(index).key("name");
        report.unique("persona", &mut seen, persona.name.as_str(), &place);
    }
    personas
        .iter()
        .map(|persona| persona.name.0.clone())
        .collect()
}

/// Compiles all personas; also gives the variables that may be set when a journey begins.
pub(super) fn compile(
    report: &Report<'_>,
    file: &File,
    names: &Names,
    mut start: Scope,
) -> (Vec<Persona>, Scope) {
    let place = Place::root().key("variables");
    let common = assignments(report, names, file.variables.as_ref(), &place, &mut start);
    let own_weights: Vec<f64> = journey_weights(report, file);
    let compiler = Compiler {
        report,
        names,
        file,
        common,
        own_weights,
    };
    let Some(shapes) = &file.personas else {
        return (vec![compiler.default()], start);
    };
    let mut after = start.clone();
    let mut personas = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let mut scope = start.clone();
        personas.push(compiler.one(
            shape,
            &Place::root().key("personas").index(index),
            &mut scope,
        ));
        after.join(&scope);
    }
    report_idle_journeys(report, file, &personas);
    (personas, after)
}

/// `name: value` settings in order; each may use those before it.
pub(super) fn assignments(
    report: &Report<'_>,
    names: &Names,
    values: Option<&IndexMap<VariableName, Scalar>>,
    place: &Place,
    scope: &mut Scope,
) -> Vec<(Slot, Expr)> {
    let mut compiled = Vec::new();
    for (name, value) in values.into_iter().flatten() {
        let Some(slot) = names.slot(name.as_str()) else {
            continue;
        };
        let expr = value_of(
            report,
            Meaning { names, scope },
            value,
            &place.key(name.as_str()),
        );
        compiled.push((slot, expr));
        scope.set(slot);
    }
    compiled
}

/// Compiles a scalar to a value that keeps its type.
pub(super) fn value_of(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    value: &Scalar,
    place: &Place,
) -> Expr {
    match value {
        Scalar::Plain => Expr::Constant(report.value_of(value, place)),
        Scalar::Text(text) => report
            .take(place, meaning.value(text))
            .unwrap_or(Expr::Constant(Value::Unset)),
    }
}

fn journey_weights(report: &Report<'_>, file: &File) -> Vec<f64> {
    let place = Place::root().key("journeys");
    let weights = file.journeys.iter().enumerate().map(|(index, journey)| {
        let what = format!("journey `{}`", journey.name.as_str());
        report.weight(journey.weight, &what, &place.index(index).key("weight"))
    });
    weights.collect()
}

struct Compiler<'a> {
    report: &'a Report<'a>,
    names: &'a Names,
    file: &'a File,
    common: Vec<(Slot, Expr)>,
    own_weights: Vec<f64>,
}

impl Compiler<'_> {
    fn default(&self) -> Persona {
        Persona {
            name: DEFAULT_NAME.to_owned(),
            weight: 1.0,
            journeys: self.own_weights.clone(),
            returning: 0.0,
            devices: default_devices(),
            browsers: default_browsers(),
            countries: default_countries(),
            basket: (1, 1),
            declined_cards: 0.0,
            pace: 1.0,
            defaults: self.common.clone(),
            set: Vec::new(),
        }
    }

    fn one(&self, shape: &PersonaShape, place: &Place, scope: &mut Scope) -> Persona {
        let report = self.report;
        let name = shape.name.0.clone();
        let set = assignments(
            report,
            self.names,
            shape.set.as_ref(),
            &place.key("set"),
            scope,
        );
        Persona {
            defaults: self.common.clone(),
            weight: report.weight(
                shape.weight,
                &format!("persona `{name}`"),
                &place.key("weight"),
            ),
            journeys: self.journeys(shape, place),
            returning: report.share_or(shape.returning.as_ref(), &place.key("returning"), 0.0),
            devices: shape.devices.map_or_else(default_devices, |mix| {
                let DevicesShape {
                    desktop,
                    mobile,
                    tablet,
                } = mix;
                let given = [("desktop", desktop), ("mobile", mobile), ("tablet", tablet)];
                self.mix(&named(&given), &place.key("devices"))
            }),
            browsers: shape.browsers.map_or_else(default_browsers, |mix| {
                let BrowsersShape {
                    chrome,
                    safari,
                    firefox,
                    edge,
                } = mix;
                let given = [
                    ("chrome", chrome),
                    ("safari", safari),
                    ("firefox", firefox),
                    ("edge", edge),
                ];
                self.mix(&named(&given), &place.key("browsers"))
            }),
            countries: self.countries(shape, &place.key("countries")),
            basket: shape.basket.as_ref().map_or((1, 1), |basket| {
                repeat(report, basket, BASKET_MAX, &place.key("basket"))
            }),
            declined_cards: report.share_or(
                shape.declined_cards.as_ref(),
                &place.key("declined-cards"),
                0.0,
            ),
            pace: shape.pace.unwrap_or(1.0),
            set,
            name,
        }
    }

    fn journeys(&self, shape: &PersonaShape, place: &Place) -> Vec<f64> {
        let Some(weights) = &shape.journeys else {
            return self.own_weights.clone();
        };
        let place = place.key("journeys");
        let known: Vec<&str> = self
            .file
            .journeys
            .iter()
            .map(|journey| journey.name.as_str())
            .collect();
        for name in weights
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            let mut problem = self
                .report
                .at_key(&place.key(name), format!("there is no journey `{name}`"))
                .label("unknown journey")
                .help_maybe(did_you_mean(name, known.iter().copied()))
                .help(format!("journeys: {}", known.join(", ")));
            problem.concerns = Some(name.clone());
            self.report.add(problem);
        }
        self.mix(weights, &place);
        known
            .iter()
            .map(|name| weights.get(*name).copied().unwrap_or(0.0))
            .collect()
    }

    fn countries(&self, shape: &PersonaShape, place: &Place) -> Vec<(String, f64)> {
        for code in shape.countries.iter().flatten().map(|(code, _)| code) {
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                let problem = self
                    .report
                    .at_key(&place.key(code), format!("`{code}` is not a country code"));
                self.report.add(
                    problem
                        .label("expected two capital letters")
                        .help("ISO 3166 codes, such as DE or US"),
                );
            }
        }
        shape
            .countries
            .as_ref()
            .map_or_else(default_countries, |mix| self.mix(mix, place))
    }

    /// Weights by name: zero is allowed for some, not for all.
    fn mix(&self, weights: &IndexMap<String, f64>, place: &Place) -> Vec<(String, f64)> {
        for (name, weight) in weights {
            if !weight.is_finite() || *weight < 0.0 || *weight > 1e9 {
                let message = format!("`{name}` has the weight {weight}");
                let problem = self.report.at(&place.key(name), message);
                self.report
                    .add(problem.label("must be from 0 to 1000000000"));
            }
        }
        if weights.values().all(|weight| *weight == 0.0) {
            let problem = self.report.at_key(place, "all weights here are zero");
            self.report.add(
                problem
                    .label("nothing to choose from")
                    .help("give at least one a weight above 0"),
            );
        }
        weights
            .iter()
            .map(|(name, weight)| (name.clone(), *weight))
            .collect()
    }
}

/// The weights that are given.
fn named(given: &[(&str, Option<f64>)]) -> IndexMap<String, f64> {
    given
        .iter()
        .filter_map(|(name, weight)| Some(((*name).to_owned(), (*weight)?)))
        .collect()
}

/// `3` or `1..3` → both ends.
pub(super) fn repeat(
    report: &Report<'_>,
    shape: &RepeatShape,
    most: u32,
    place: &Place,
) -> (u32, u32) {
    let (from, to) = match shape {
        RepeatShape::Exactly(count) => (*count, *count),
        RepeatShape::Range(text) => units::range(text.as_str()).unwrap_or((0, u32::MAX)),
    };
    if from > to {
        report.add(
            report
                .at(place, "this range runs backwards")
                .label(format!("{from} is above {to}"))
                .help("the smaller number comes first"),
        );
        return (to, from);
    }
    if to > most || to == 0 {
        report.add(
            report
                .at(place, "this range goes too far")
                .label(format!("must end from 1 to {most}")),
        );
        return (1, 1);
    }
    (from, to)
}

fn report_idle_journeys(report: &Report<'_>, file: &File, personas: &[Persona]) {
    for (index, journey) in file.journeys.iter().enumerate() {
        let walked = personas.iter().any(|persona| {
            persona
                .journeys
                .get(index)
                .is_some_and(|weight| *weight > 0.0)
        });
        if !walked {
            let place = Place::root().key("journeys").index(index);
            report.add(
                report
                    .at(&place.key("name"), format!("nobody walks the journey `{}`", journey.name.as_str()))
                    .label("unreachable")
                    .help("give it a weight above 0 under `journeys` of at least one persona, or remove it"),
            );
        }
    }
}

fn weighted(all: &[(&str, f64)]) -> Vec<(String, f64)> {
    all.iter()
        .map(|(name, weight)| ((*name).to_owned(), *weight))
        .collect()
}

fn default_devices() -> Vec<(String, f64)> {
    weighted(&[("mobile", 6.0), ("desktop", 4.0)])
}

fn default_browsers() -> Vec<(String, f64)> {
    weighted(&[
        ("chrome", 65.0),
        ("safari", 20.0),
        ("edge", 10.0),
        ("firefox", 5.0),
    ])
}

fn default_countries() -> Vec<(String, f64)> {
    weighted(&[("DE", 4.0), ("FR", 3.0), ("US", 3.0)])
}

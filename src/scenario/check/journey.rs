//! Journeys: from nested steps to flat programs with jumps, and what can be set or reached on the way.

mod ways;

use std::collections::BTreeSet;
use std::time::Duration;

use checked_yaml::Place;
use indexmap::IndexMap;

use super::names::{Names, Scope};
use super::persona;
use super::report::Report;
use super::request::{self, Tables};
use super::template::Meaning;
use super::units;
use crate::journey::{Op, Program};
use crate::scenario::file::{File, NormalShape, RequestShape, StepShape, ThinkShape};
use crate::scenario::{Journey, Persona, StepId, StepNameId, Think};

/// Most operations of one journey: a jump is 16 bits wide.
const OPS_MAX: usize = 60_000;
/// Most rounds of one loop.
const ROUNDS_MAX: u32 = 1_000_000;
/// Rounds of `while` and `until` without `at-most`.
const ROUNDS_DEFAULT: u32 = 10;

/// Compiles all journeys. `start` holds what personas and `variables` set.
pub(super) fn compile(
    report: &Report<'_>,
    names: &Names,
    file: &File,
    personas: &[Persona],
    start: &Scope,
    tables: &mut Tables,
) -> Vec<Journey> {
    let mut seen = IndexMap::new();
    let mut journeys = Vec::new();
    for (index, shape) in file.journeys.iter().enumerate() {
        let place = Place::root().key("journeys").index(index);
        report.unique(
            "journey",
            &mut seen,
            shape.name.as_str(),
            &place.key("name"),
        );
        let mut compiler = Compiler::new(report, names, personas, start.clone(), tables);
        compiler.steps(&shape.steps, &place.key("steps"));
        let (program, funnel) = compiler.finish(&place);
        journeys.push(Journey {
            name: shape.name.0.clone(),
            program,
            funnel,
        });
    }
    journeys
}

/// Compiles the requests made before the load. They share one set of variables; those that they extract, which are given too, are
/// known to every shopper that arrives.
pub(super) fn prepare(
    report: &Report<'_>,
    names: &Names,
    file: &File,
    tables: &mut Tables,
) -> (Vec<StepId>, Scope) {
    let (mut scope, mut extracted) = (Scope::default(), Scope::default());
    for name in file
        .variables
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
    {
        names
            .slot(name)
            .into_iter()
            .for_each(|slot| scope.set(slot));
    }
    let mut ids = Vec::new();
    for (index, shape) in file.prepare.iter().flatten().enumerate() {
        let place = Place::root().key("prepare").index(index);
        if shape.leave.is_some() {
            report.add(
                report
                    .at_key(&place.key("leave"), "nobody can leave before the load")
                    .label("not in `prepare`"),
            );
        }
        report_unmeasured(report, shape, &place);
        ids.extend(request::compile(
            report,
            Meaning {
                names,
                scope: &scope,
            },
            tables,
            shape,
            &place,
        ));
        set_extracted(names, shape, &mut scope);
        set_extracted(names, shape, &mut extracted);
    }
    (ids, extracted)
}

/// Keys that say how a request is measured: one before the load is not.
fn report_unmeasured(report: &Report<'_>, shape: &RequestShape, place: &Place) {
    let keys = [
        ("service", shape.service.is_some()),
        ("tags", shape.tags.is_some()),
        ("count", shape.count.is_some()),
        ("promise", shape.promise.is_some()),
    ];
    for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` has no effect before the load");
        report.add(
            report
                .at_key(&place.key(key), message)
                .label("not in `prepare`")
                .help("what `prepare` sends is not part of the measurement; leave the key out"),
        );
    }
}

fn set_extracted(names: &Names, shape: &RequestShape, scope: &mut Scope) {
    for name in shape
        .extract
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
    {
        names
            .slot(name)
            .into_iter()
            .for_each(|slot| scope.set(slot));
    }
}

struct Compiler<'a> {
    report: &'a Report<'a>,
    names: &'a Names,
    personas: &'a [Persona],
    tables: &'a mut Tables,
    scope: Scope,
    /// Outcomes that a step before this point can have.
    outcomes: BTreeSet<String>,
    ops: Vec<Op>,
    depth: usize,
    counters: usize,
    funnel: Vec<StepNameId>,
}

impl<'a> Compiler<'a> {
    fn new(
        report: &'a Report<'a>,
        names: &'a Names,
        personas: &'a [Persona],
        scope: Scope,
        tables: &'a mut Tables,
    ) -> Self {
        let (ops, funnel, outcomes) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self {
            report,
            names,
            personas,
            tables,
            scope,
            outcomes,
            ops,
            depth: 0,
            counters: 0,
            funnel,
        }
    }

    fn finish(self, place: &Place) -> (Program, Vec<StepNameId>) {
        if self.ops.len() > OPS_MAX {
            let problem = self.report.at_key(place, "this journey has too many steps");
            self.report
                .add(problem.label(format!("at most {OPS_MAX} operations")));
        }
        let counters = u8::try_from(self.counters).unwrap_or(u8::MAX);
        (
            Program {
                ops: self.ops,
                counters,
            },
            self.funnel,
        )
    }

    /// Where the next operation will be. Journeys beyond [`OPS_MAX`] are refused, so that places fit.
    fn here(&self) -> u16 {
        u16::try_from(self.ops.len()).unwrap_or(u16::MAX)
    }

    /// Compiles steps in order; says whether a shopper can come out at their end.
    fn steps(&mut self, steps: &[StepShape], place: &Place) -> bool {
        let mut ended_by: Option<Place> = None;
        for (index, step) in steps.iter().enumerate() {
            let place = place.index(index);
            if let Some(end) = ended_by.take() {
                self.report.add(
                    self.report
                        .at_key(&place, "this step is never reached")
                        .label("unreachable")
                        .also(
                            self.report.document().head_span(&end),
                            "everybody has left here",
                        )
                        .help("remove it, or let fewer shoppers leave"),
                );
                // One message tells enough: what follows is as unreachable.
                return false;
            }
            if !self.step(step, &place) {
                ended_by = Some(place);
            }
        }
        ended_by.is_none()
    }

    fn step(&mut self, step: &StepShape, place: &Place) -> bool {
        match step {
            StepShape::Request(shape) => self.request(shape, place),
            StepShape::Think(step) => {
                let think = self.think(&step.think, &place.key("think"));
                self.ops.push(Op::Think(think));
                true
            }
            StepShape::Set(step) => {
                let place = place.key("set");
                let all = persona::assignments(
                    self.report,
                    self.names,
                    Some(&step.set),
                    &place,
                    &mut self.scope,
                );
                self.ops
                    .extend(all.into_iter().map(|(slot, expr)| Op::Set(slot, expr)));
                true
            }
            StepShape::Together(step) => self.together(&step.together, &place.key("together")),
            StepShape::Leave(step) => {
                let share = self.report.share(&step.leave, &place.key("leave"));
                self.leave(share)
            }
            StepShape::Repeat(step) => {
                let rounds =
                    persona::repeat(self.report, &step.repeat, ROUNDS_MAX, &place.key("repeat"));
                self.repeat(rounds, &step.steps, place)
            }
            StepShape::ForEach(step) => self.for_each(step, place),
            StepShape::While(step) => self.while_holds(
                &step.r#while,
                step.at_most.unwrap_or(ROUNDS_DEFAULT),
                &step.steps,
                place,
            ),
            StepShape::Until(step) => self.until_holds(
                &step.until,
                step.at_most.unwrap_or(ROUNDS_DEFAULT),
                &step.steps,
                place,
            ),
            StepShape::When(step) => {
                self.when(&step.when, &step.then, step.r#else.as_deref(), place)
            }
            StepShape::Choose(step) => {
                let ways: Vec<_> = step
                    .choose
                    .iter()
                    .map(|way| (way.weight, way.steps.as_slice()))
                    .collect();
                self.choose(&ways, &place.key("choose"))
            }
        }
    }

    fn request(&mut self, shape: &RequestShape, place: &Place) -> bool {
        if let Some(id) = self.send(shape, place) {
            self.ops.push(Op::Send(id));
        }
        set_extracted(self.names, shape, &mut self.scope);
        match &shape.leave {
            Some(share) => {
                let share = self.report.share(share, &place.key("leave"));
                self.leave(share)
            }
            None => true,
        }
    }

    /// Compiles a request without sending it yet.
    fn send(&mut self, shape: &RequestShape, place: &Place) -> Option<StepId> {
        let meaning = Meaning {
            names: self.names,
            scope: &self.scope,
        };
        let id = request::compile(self.report, meaning, self.tables, shape, place)?;
        self.outcomes.extend(
            shape
                .outcomes
                .iter()
                .flatten()
                .map(|outcome| outcome.name.0.clone()),
        );
        let figure = self.tables.steps.get(usize::from(id.0))?.figure;
        if !self.funnel.contains(&figure) {
            self.funnel.push(figure);
        }
        Some(id)
    }

    fn together(&mut self, shapes: &[RequestShape], place: &Place) -> bool {
        let mut ids = Vec::new();
        for (index, shape) in shapes.iter().enumerate() {
            let place = place.index(index);
            if shape.leave.is_some() {
                self.report.add(
                    self.report
                        .at_key(
                            &place.key("leave"),
                            "a request sent together with others cannot be left",
                        )
                        .label("not under `together`")
                        .help("put `- leave: …` after the `together` step"),
                );
            }
            ids.extend(self.send(shape, &place));
        }
        // Nothing that one of them extracts is known to the others.
        shapes
            .iter()
            .for_each(|shape| set_extracted(self.names, shape, &mut self.scope));
        self.ops.push(Op::Together(ids));
        true
    }

    fn leave(&mut self, share: f64) -> bool {
        self.ops.push(Op::Leave(share));
        share < 1.0
    }

    fn think(&self, shape: &ThinkShape, place: &Place) -> Think {
        match shape {
            ThinkShape::Text(text) => match units::duration_range(text.as_str()) {
                Some((from, to)) if from > to => {
                    let problem = self.report.at(place, "this range runs backwards");
                    self.report.add(
                        problem
                            .label("the end is below the beginning")
                            .help("the smaller duration comes first"),
                    );
                    Think::Constant(from)
                }
                Some((from, to)) => Think::Uniform(from, to),
                None => Think::Constant(units::duration(text.as_str()).unwrap_or_else(|| {
                    self.report.add(
                        self.report
                            .at(place, "this pause is too long")
                            .label("at most 366 days"),
                    );
                    Duration::ZERO
                })),
            },
            ThinkShape::Exponential(shape) => Think::Exponential(
                self.report
                    .positive_duration(&shape.exponential, &place.key("exponential")),
            ),
            ThinkShape::Normal(NormalShape { normal }) => {
                let place = place.key("normal");
                Think::Normal {
                    mean: self
                        .report
                        .positive_duration(&normal.mean, &place.key("mean")),
                    deviation: self.report.duration(&normal.sd, &place.key("sd")),
                }
            }
            ThinkShape::LogNormal(shape) => {
                let place = place.key("lognormal").key("median");
                let median = self
                    .report
                    .positive_duration(&shape.lognormal.median, &place);
                Think::LogNormal {
                    median,
                    sigma: shape.lognormal.sigma,
                }
            }
        }
    }
}

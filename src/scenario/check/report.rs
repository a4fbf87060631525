//! Collects the problems of one file while its parts are compiled.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use checked_yaml::{Document, Place, Problem, Span};
use indexmap::IndexMap;

use super::files::BodyFiles;
use super::slip::Slip;
use super::units;
use crate::scenario::file::{DurationText, PercentText, RateText, Scalar};
use crate::template::Value;

/// Highest rate accepted, in arrivals a second.
pub(super) const RATE_MAX: f64 = 1_000_000.0;

/// The problems found so far, and the document they are in.
pub(super) struct Report<'d> {
    document: &'d Document,
    folder: &'d Path,
    body_files: BodyFiles,
    problems: RefCell<Vec<Problem>>,
}

impl<'d> Report<'d> {
    pub(super) fn new(document: &'d Document, folder: &'d Path) -> Self {
        Self {
            document,
            folder,
            body_files: BodyFiles::default(),
            problems: RefCell::default(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    /// What is in a file that a body is made of, which the text at `place` names; none if it cannot be read, which is reported.
    pub(super) fn body_file(&self, file: &str, place: &Place) -> Option<Bytes> {
        if file.contains("${") {
            self.fixed("the name of a file", file, self.document.span(place));
            return None;
        }
        let read = self.body_files.read(self.folder.join(file));
        read.map_err(|reason| {
            self.add(
                self.at(place, format!("the body's file `{file}` cannot be sent: {reason}"))
                    .label("this file")
                    .help("it is looked for beside the scenario; a text that begins with `@` is written `@@…`"),
            );
        })
        .ok()
    }

    pub(super) fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// A problem of the value at `place`; give it to [`Report::add`].
    pub(super) fn at(&self, place: &Place, message: impl Into<String>) -> Problem {
        Problem::new(self.document.span(place), message)
    }

    /// A problem of the key at `place`, or of an item's first key.
    pub(super) fn at_key(&self, place: &Place, message: impl Into<String>) -> Problem {
        let mut problem = Problem::new(self.document.head_span(place), message);
        problem.lacking = Some(place.clone());
        problem
    }

    pub(super) fn slip(&self, place: &Place, slip: Slip) {
        self.add(slip.at(self.document, place));
    }

    /// Unwraps, or reports all slips of the text at `place`.
    pub(super) fn take<T>(&self, place: &Place, outcome: Result<T, Vec<Slip>>) -> Option<T> {
        outcome
            .map_err(|slips| slips.into_iter().for_each(|slip| self.slip(place, slip)))
            .ok()
    }

    /// Unwraps, or reports all slips of the text that is the key at `place`.
    pub(super) fn take_key<T>(&self, place: &Place, outcome: Result<T, Vec<Slip>>) -> Option<T> {
        let report = |slip: Slip| {
            let span = self.document.key_span(place);
            self.add(Problem {
                span,
                ..slip.in_text()
            });
        };
        outcome
            .map_err(|slips| slips.into_iter().for_each(report))
            .ok()
    }

    /// Reports a text in which `${…}` would stand for itself: `what` is the same for all shoppers. `span` is where it stands.
    pub(super) fn fixed(&self, what: &str, text: &str, span: Span) {
        if text.contains("${") {
            self.add(
                Problem::new(span, format!("{what} takes no `${{…}}`"))
                    .label("would be taken as it stands")
                    .help("it is the same for all shoppers: write it out"),
            );
        }
    }

    /// The text of a scalar: as it is written, whatever type YAML has for it.
    pub(super) fn text_of(&self, scalar: &Scalar, place: &Place) -> String {
        match scalar {
            Scalar::Text(text) => text.clone(),
            Scalar::Plain => self.document.written(place).to_owned(),
        }
    }

    /// The value of a scalar: its type is that which JSON gives to what is written.
    pub(super) fn value_of(&self, scalar: &Scalar, place: &Place) -> Value {
        match scalar {
            Scalar::Text(text) => Value::Text(text.as_str().into()),
            Scalar::Plain => Value::of_plain(self.document.written(place)),
        }
    }

    /// Reports a name that was used before for the same kind of thing.
    pub(super) fn unique(
        &self,
        kind: &str,
        seen: &mut IndexMap<String, Place>,
        name: &str,
        place: &Place,
    ) {
        if let Some(first) = seen.get(name) {
            self.add(
                self.at(place, format!("two {kind}s are called `{name}`"))
                    .label("again here")
                    .also(self.document.span(first), "first here")
                    .help(format!("give each {kind} a name of its own")),
            );
            return;
        }
        seen.insert(name.to_owned(), place.clone());
    }

    pub(super) fn duration(&self, text: &DurationText, place: &Place) -> Duration {
        units::duration(text.as_str()).unwrap_or_else(|| {
            self.add(
                self.at(place, format!("`{}` is too long", text.as_str()))
                    .label("at most 366 days"),
            );
            Duration::from_secs(1)
        })
    }

    /// A duration that must not be zero.
    pub(super) fn positive_duration(&self, text: &DurationText, place: &Place) -> Duration {
        let duration = self.duration(text, place);
        if duration.is_zero() {
            self.add(
                self.at(place, "a duration of zero does nothing here")
                    .label("must be above 0"),
            );
            return Duration::from_secs(1);
        }
        duration
    }

    pub(super) fn share(&self, text: &PercentText, place: &Place) -> f64 {
        let share = units::share(text.as_str()).unwrap_or_default();
        if share > 1.0 {
            self.add(
                self.at(place, format!("`{}` is more than 100%", text.as_str()))
                    .label("at most 100%"),
            );
            // Not 1: nothing else follows from a mistake.
            return 0.5;
        }
        share
    }

    pub(super) fn share_or(&self, text: Option<&PercentText>, place: &Place, default: f64) -> f64 {
        text.map_or(default, |text| self.share(text, place))
    }

    /// A rate that may be zero.
    pub(super) fn rate(&self, text: &RateText, place: &Place) -> f64 {
        let rate = units::rate(text.as_str()).unwrap_or_default();
        if rate > RATE_MAX {
            self.add(
                self.at(
                    place,
                    format!("`{}` is more than one generator can send", text.as_str()),
                )
                .label("at most 1000000/s")
                .help("split the run over several machines with `--segment`"),
            );
            return 1.0;
        }
        rate
    }

    pub(super) fn positive_rate(&self, text: &RateText, place: &Place) -> f64 {
        let rate = self.rate(text, place);
        if rate <= 0.0 {
            self.add(
                self.at(place, "a rate of zero sends nothing")
                    .label("must be above 0")
                    .help("for a pause, use a phase with a very small rate such as 1/h"),
            );
            return 1.0;
        }
        rate
    }

    /// A weight: above zero, and a number one can add up.
    pub(super) fn weight(&self, weight: Option<f64>, what: &str, place: &Place) -> f64 {
        let weight = weight.unwrap_or(1.0);
        if weight.is_finite() && weight > 0.0 && weight <= 1e9 {
            return weight;
        }
        let problem = self.at(place, format!("{what} has the weight {weight}"));
        self.add(if weight == 0.0 {
            problem
                .label("never happens")
                .help("give it a weight above 0, or remove it")
        } else {
            problem.label("must be above 0 and at most 1000000000")
        });
        1.0
    }
}

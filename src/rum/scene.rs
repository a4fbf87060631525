//! What all sessions of a run share: the application, the names of pages and buttons, and what may be shown.

use std::time::Duration;

use super::event::Configuration;
use super::record::Answered;
use super::view::Page;
use super::visitor::Application;
use crate::redact::Redactor;
use crate::scenario::{Scenario, StepKind};

/// What stands before a page's path where its data come from.
const API_PREFIX: &str = "/api";

/// Longest word and number in a URL that are taken for no secret without a closer look: a UUID is as long.
const PLAIN_BYTES_MAX: usize = 36;
const PLAIN_DIGITS_MAX: usize = 11;

/// What all sessions of a run share.
#[derive(Debug)]
pub struct Scene {
    pub(super) application: Application,
    pub(super) seed: u64,
    /// The run id's key.
    pub(super) run: u64,
    /// When the run began, milliseconds since 1970.
    epoch_ms: u64,
    steps: Vec<StepLabel>,
    personas: Vec<String>,
    redactor: Redactor,
}

/// What pages and buttons are called after a step.
#[derive(Debug)]
struct StepLabel {
    /// Such as `/api/products/{id}`.
    route: String,
    /// Such as `/products/{id}`.
    page: String,
    /// Such as `Products`.
    button: String,
    /// Whether the path itself holds a secret: then the route stands for it.
    is_secret: bool,
}

impl Scene {
    /// Of a run that began so many milliseconds after 1970.
    pub fn new(scenario: &Scenario, application: Application, epoch_ms: u64) -> Self {
        let label = |step: &crate::scenario::Step| {
            let StepKind::Http(request) = &step.kind;
            let figure = scenario.figures.get(usize::from(step.figure.0));
            StepLabel::of(
                figure.map_or("", |figure| &figure.name),
                scenario.secrets.are_in_text(&request.url),
            )
        };
        Self {
            seed: scenario.seed,
            run: scenario.run_id.key(),
            epoch_ms,
            steps: scenario.steps.iter().map(label).collect(),
            personas: scenario
                .personas
                .iter()
                .map(|persona| persona.name.clone())
                .collect(),
            redactor: scenario.secrets.redactor.clone(),
            application,
        }
    }

    pub(super) fn configuration(&self) -> Configuration {
        Configuration {
            session_sample_rate: self.application.session_sample_rate,
            session_replay_sample_rate: 0.0,
            trace_sample_rate: self.application.trace_sample_rate,
        }
    }

    /// A time of the run as a date, milliseconds since 1970.
    pub(super) fn date(&self, at: u64) -> u64 {
        self.epoch_ms + at / 1_000_000
    }

    pub(super) fn persona(&self, index: usize) -> &str {
        self.personas.get(index).map_or("", String::as_str)
    }

    /// The URL that was asked, as it may be shown.
    pub(super) fn url(&self, answered: &Answered) -> String {
        let label = self.label(answered);
        let path = match label {
            Some(label) if label.is_secret => label.route.as_str(),
            _ => answered.path.as_str(),
        };
        let url = [&answered.origin, path].concat();
        // A closer look costs more than all the rest of an event.
        match is_plain(path, &self.redactor) && !self.redactor.knows(&url) {
            true => url,
            false => self.redactor.show_line(&url).to_string(),
        }
    }

    /// The page that shows what came from a URL.
    pub(super) fn page(&self, answered: &Answered, url: &str) -> Page {
        let path = url.strip_prefix(&*answered.origin).unwrap_or("/");
        Page {
            url: [&*answered.origin, page_of(path)].concat(),
            name: self
                .label(answered)
                .map_or_else(String::new, |label| label.page.clone()),
        }
    }

    /// What the shopper clicked at.
    pub(super) fn button(&self, answered: &Answered) -> &str {
        self.label(answered).map_or("Go", |label| &label.button)
    }

    fn label(&self, answered: &Answered) -> Option<&StepLabel> {
        self.steps.get(usize::from(answered.step))
    }
}

impl StepLabel {
    fn of(name: &str, is_secret: bool) -> Self {
        let route = match name.find('/') {
            Some(slash) => &name[slash..],
            None => "/",
        };
        let segments = page_of(route).split(['/', '?']);
        let mut words = segments.filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
        let word = words.next_back().unwrap_or("home").replace(['-', '_'], " ");
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        Self {
            page: page_of(route).to_owned(),
            button: first.unwrap_or_default() + letters.as_str(),
            route: route.to_owned(),
            is_secret,
        }
    }
}

/// Whether a path and its query cannot hold a secret that has its name or its shape: short words without escapes or long numbers,
/// under innocent names.
fn is_plain(path: &str, redactor: &Redactor) -> bool {
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte);
        let mut numbers = word.split(|c: char| !c.is_ascii_digit());
        word.len() <= PLAIN_BYTES_MAX
            && word.bytes().all(fits)
            && numbers.all(|number| number.len() <= PLAIN_DIGITS_MAX)
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    path.split('/').all(is_word)
        && query.split('&').all(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            is_word(name) && is_word(value) && !redactor.is_secret(name)
        })
}

/// The path of the page whose data come from this path.
fn page_of(path: &str) -> &str {
    match path.strip_prefix(API_PREFIX) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Nanoseconds of a time.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_plain() {
        let redactor = Redactor::default();
        let plain = |path| is_plain(path, &redactor);
        assert!(plain("/api/products?limit=20&page=2"));
        assert!(plain("/api/orders/5321b434-51a5-4c4d-8d6a-a0eebc999c0b"));
        for path in [
            "/api/x?token=1",
            "/api/x?q=a%3Db",
            "/pay/4111111111111111",
            "/confirm/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        ] {
            assert!(!plain(path), "{path}");
        }
    }

    #[test]
    fn pages_and_buttons_are_named_after_routes() {
        let of = |name| {
            let label = StepLabel::of(name, false);
            (label.page, label.button)
        };
        let named = |page: &str, button: &str| (page.to_owned(), button.to_owned());
        assert_eq!(
            of("GET /api/products/{id}"),
            named("/products/{id}", "Products")
        );
        assert_eq!(
            of("POST /api/payment/create-intent"),
            named("/payment/create-intent", "Create intent")
        );
        assert_eq!(of("look around"), named("/", "Home"));
        assert_eq!(of("GET /apiary"), named("/apiary", "Apiary"));
    }
}

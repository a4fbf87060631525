//! The smallest scenario that shoppers can live in, for the tests of this crate.

use std::sync::Arc;
use std::time::Duration;

use crate::journey::Program;
use crate::run_id::RunId;
use crate::scenario::*;
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Template, Value};

/// A time of day for tests.
pub(crate) fn noon() -> time::OffsetDateTime {
    time::macros::datetime!(2026-11-27 12:00 UTC)
}

/// One persona, one journey without steps, one popularity, one feeder of three rows and four variables `a`…`d`.
pub(crate) fn scenario(seed: u64) -> Scenario {
    let duration = Duration::from_secs(10);
    Scenario {
        name: "fixture".into(),
        about: String::new(),
        source: Source::default(),
        seed,
        run_id: RunId::default(),
        target: None,
        load: Load::Open {
            phases: vec![Phase {
                name: "only".into(),
                duration,
                curve: Curve::Constant(1.0),
            }],
            spacing: Spacing::Even,
        },
        warm_up: Duration::ZERO,
        browser: Browser {
            propagators: Vec::new(),
            named: true,
            style: Some(TraceStyle::Off),
            session_sample: 1.0,
            trace_sample: 1.0,
            rum_events: true,
            inject_all: false,
            baggage: false,
            preflight: false,
        },
        http: Http {
            timeout: duration,
            connections: Connections::PerShopper { max: 6 },
            body_bytes_max: 1 << 20,
            redirects_max: 0,
            headers: Vec::new(),
            auth: None,
            connect_to: Vec::new(),
            proxies: Default::default(),
            version: Default::default(),
            tls: Default::default(),
        },
        personas: vec![persona()],
        journeys: vec![Journey {
            name: "only".into(),
            program: Program::default(),
            funnel: Vec::new(),
        }],
        steps: Vec::new(),
        figures: Vec::new(),
        counters: Vec::new(),
        variables: ["a", "b", "c", "d"].map(String::from).into(),
        feeders: vec![feeder()],
        popularity: vec![Popularity {
            name: "products".into(),
            items: 100,
            exponent: 1.0,
            hot: None,
        }],
        thresholds: Vec::new(),
        limits: Limits {
            shoppers_max: 10,
            connections_max: 10,
            drain: Duration::ZERO,
            start_lag_max: Duration::from_millis(5),
        },
        prepare: Vec::new(),
        secrets: Secrets::default(),
    }
}

pub(crate) fn persona() -> Persona {
    Persona {
        name: "regular".into(),
        weight: 1.0,
        journeys: vec![1.0],
        returning: 0.5,
        devices: vec![("mobile".into(), 1.0), ("desktop".into(), 1.0)],
        browsers: vec![("chrome".into(), 1.0), ("firefox".into(), 1.0)],
        countries: vec![("DE".into(), 1.0), ("GB".into(), 1.0)],
        basket: (1, 4),
        declined_cards: 0.1,
        pace: 1.0,
        defaults: Vec::new(),
        set: Vec::new(),
    }
}

pub(crate) fn feeder() -> Feeder {
    let rows = ["ada", "ben", "cleo"]
        .map(|name| vec![Value::Text(name.into())])
        .into();
    let (order, exhausted) = (FeederOrder::Sequential, Exhausted::Wrap);
    Feeder {
        name: "users".into(),
        columns: vec!["name".into()],
        rows,
        order,
        exhausted,
    }
}

/// A step that asks for nothing and checks nothing.
pub(crate) fn step() -> Step {
    Step {
        figure: StepNameId(0),
        kind: StepKind::Http(HttpRequest {
            method: http::Method::GET,
            url: Template::text("/"),
            headers: Vec::new(),
            body: None,
            redirects: None,
        }),
        timeout: None,
        extract: Vec::new(),
        checks: Vec::new(),
        outcomes: Vec::new(),
        counts: Vec::new(),
        promise: None,
        go_on_after_error: false,
    }
}

/// The world of a scenario and its first shopper.
pub(crate) fn world(scenario: Scenario) -> (ScenarioData, Shopper) {
    let world = ScenarioData::new(Arc::new(scenario), noon);
    let shopper = Shopper::arrive(&world, 0).expect("a row for everyone");
    (world, shopper)
}

//! Sections about the run as a whole: target, browser, http, limits, popularity.

use std::path::Path;
use std::time::Duration;

use checked_yaml::Place;

use super::names::{Names, Scope};
use super::report::Report;
use super::request;
use super::slip::Slip;
use super::template::{self, Meaning};
use super::units;
use crate::scenario::file::{
    BrowserShape, ConnectionsShape, ConnectionsWord, File, HttpShape, InjectShape, LimitsShape,
    PersonaShape, PropagatorShape, Scalar, StyleShape, TlsShape,
};
use crate::scenario::{
    Browser, ConnectTo, Connections, Http, HttpVersion, Limits, Popularity, Propagator, Proxies,
    Tls, TlsFiles, TraceStyle,
};

const TIMEOUT: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: u64 = 16 << 20;
const REDIRECTS_MAX: u8 = 10;
/// What browsers open to one origin over HTTP/1.1.
const CONNECTIONS_PER_SHOPPER: u16 = 6;
const CONNECTIONS_SHARED: u32 = 1000;

/// The settings of a scenario that says nothing about HTTP.
pub(super) fn http_default() -> Http {
    Http {
        timeout: TIMEOUT,
        connections: Connections::PerShopper {
            max: CONNECTIONS_PER_SHOPPER,
        },
        body_bytes_max: BODY_BYTES_MAX,
        redirects_max: REDIRECTS_MAX,
        headers: Vec::new(),
        auth: None,
        connect_to: Vec::new(),
        proxies: Proxies::default(),
        version: HttpVersion::default(),
        tls: Tls::default(),
    }
}

/// The browser of a scenario that says nothing about it.
pub(super) fn browser_default() -> Browser {
    Browser {
        named: false,
        propagators: vec![Propagator::TraceContext, Propagator::Datadog],
        style: None,
        session_sample: 1.0,
        trace_sample: 1.0,
        rum_events: true,
        inject_all: false,
        baggage: true,
        preflight: false,
    }
}

/// The limits of a scenario that sets none.
pub(super) fn limits_default() -> Limits {
    Limits {
        shoppers_max: 100_000,
        connections_max: 10_000,
        drain: Duration::from_secs(30),
        start_lag_max: Duration::from_millis(5),
    }
}

pub(super) fn target(report: &Report<'_>, file: &File) -> Option<String> {
    let target = file.target.as_ref()?.as_str();
    if let Err(reason) = request::base_url(target) {
        report.add(
            report
                .at(
                    &Place::root().key("target"),
                    format!("`{target}` cannot be a target: {reason}"),
                )
                .label("not a base URL")
                .help("for example `http://127.0.0.1:5921`"),
        );
    }
    if let Some(at) = target.find(['?', '#']) {
        let place = Place::root().key("target");
        report.slip(
            &place,
            Slip::new(
                at..target.len(),
                "a target has neither a query nor a fragment",
            )
            .label("would not be sent")
            .help("put what all requests have in common into their own paths"),
        );
    }
    Some(target.trim_end_matches('/').to_owned())
}

pub(super) fn warm_up(report: &Report<'_>, file: &File) -> Duration {
    let place = Place::root().key("warm-up");
    file.warm_up
        .as_ref()
        .map_or(Duration::ZERO, |text| report.duration(text, &place))
}

pub(super) fn browser(report: &Report<'_>, file: &File) -> Browser {
    // Who says which devices and browsers shoppers have wants the target to see it.
    let describes = |shape: &PersonaShape| {
        shape.devices.is_some() || shape.browsers.is_some() || shape.countries.is_some()
    };
    let is_described = file.personas.iter().flatten().any(describes);
    let default = Browser {
        named: is_described,
        ..browser_default()
    };
    let Some(shape) = &file.browser else {
        return default;
    };
    let place = Place::root().key("browser");
    let BrowserShape {
        headers,
        style,
        session_sample,
        trace_sample,
        rum_events,
        inject,
        baggage,
        preflight,
    } = shape;
    let propagators = headers
        .as_ref()
        .map(|all| all.iter().copied().map(propagator).collect());
    let propagators: Vec<Propagator> = propagators.unwrap_or(default.propagators);
    if let Some(index) =
        (1..propagators.len()).find(|index| propagators[..*index].contains(&propagators[*index]))
    {
        let problem = report.at(
            &place.key("headers").index(index),
            "this header format stands in the list already",
        );
        report.add(problem.label("again here").help("remove one of them"));
    }
    if matches!(style, Some(StyleShape::Off)) {
        let keys = [
            ("headers", headers.is_some()),
            ("session-sample", session_sample.is_some()),
            ("trace-sample", trace_sample.is_some()),
            ("rum-events", rum_events.is_some()),
            ("inject", inject.is_some()),
            ("baggage", baggage.is_some()),
        ];
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` has no effect with `style: off`");
            report.add(
                report
                    .at_key(&place.key(key), message)
                    .label("no trace headers are sent")
                    .also(
                        report.document().key_span(&place.key("style")),
                        "switched off here",
                    )
                    .help("keep one of the two"),
            );
        }
    }
    let style = match style {
        Some(StyleShape::Synthetics) => TraceStyle::Synthetics,
        Some(StyleShape::Off) => TraceStyle::Off,
        Some(StyleShape::Rum) | None => TraceStyle::Rum,
    };
    Browser {
        named: is_described || style != TraceStyle::Off || *preflight == Some(true),
        propagators,
        style: Some(style),
        session_sample: report.share_or(session_sample.as_ref(), &place.key("session-sample"), 1.0),
        trace_sample: report.share_or(trace_sample.as_ref(), &place.key("trace-sample"), 1.0),
        rum_events: rum_events.unwrap_or(default.rum_events),
        inject_all: matches!(inject, Some(InjectShape::All)),
        baggage: baggage.unwrap_or(default.baggage),
        preflight: preflight.unwrap_or(default.preflight),
    }
}

fn propagator(shape: PropagatorShape) -> Propagator {
    match shape {
        PropagatorShape::TraceContext => Propagator::TraceContext,
        PropagatorShape::Datadog => Propagator::Datadog,
        PropagatorShape::B3 => Propagator::B3,
        PropagatorShape::B3Multi => Propagator::B3Multi,
    }
}

pub(super) fn http(report: &Report<'_>, file: &File, names: &Names, folder: &Path) -> Http {
    let default = http_default();
    let Some(shape) = &file.http else {
        return default;
    };
    let place = Place::root().key("http");
    let HttpShape {
        timeout,
        connections,
        body_max,
        redirects_max,
        headers,
        auth,
        connect_to,
        proxy,
        version,
        tls,
    } = shape;
    // Headers of all requests stand outside of journeys: only what every shopper starts with is set.
    let mut scope = Scope::default();
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
    let meaning = Meaning {
        names,
        scope: &scope,
    };
    Http {
        timeout: timeout.as_ref().map_or(TIMEOUT, |text| {
            report.positive_duration(text, &place.key("timeout"))
        }),
        connections: connections
            .as_ref()
            .map_or(default.connections, self::connections),
        body_bytes_max: body_max
            .as_ref()
            .and_then(|text| units::size(text.as_str()))
            .unwrap_or(BODY_BYTES_MAX),
        redirects_max: redirects_max.unwrap_or(REDIRECTS_MAX),
        headers: headers
            .as_ref()
            .map(|headers| request::headers(report, meaning, headers, &place.key("headers")))
            .unwrap_or_default(),
        auth: auth
            .as_ref()
            .and_then(|auth| request::authorization(report, meaning, auth, &place.key("auth"))),
        connect_to: connect_to
            .iter()
            .flatten()
            .filter_map(|(from, to)| redirected(report, from, to, &place.key("connect-to")))
            .collect(),
        proxies: proxy
            .as_ref()
            .map(|text| proxies(report, names, text, &place.key("proxy")))
            .unwrap_or_default(),
        version: version
            .as_ref()
            .map(|text| self::version(report, text, &place.key("version")))
            .unwrap_or_default(),
        tls: tls
            .as_ref()
            .map(|tls| self::tls(report, tls, folder, &place.key("tls")))
            .unwrap_or_default(),
    }
}

fn proxies(report: &Report<'_>, names: &Names, text: &str, place: &Place) -> Proxies {
    let refuse = |message: String| report.add(report.at(place, message).label("not a proxy"));
    let proxies = Proxies::of_text(text, |name| std::env::var(name).ok());
    let proxies = proxies.map_err(refuse).unwrap_or_default();
    proxies
        .secrets()
        .for_each(|secret| names.learn_secret(secret));
    proxies
}

fn version(report: &Report<'_>, text: &Scalar, place: &Place) -> HttpVersion {
    let refuse = |message: String| report.add(report.at(place, message).label("not a version"));
    let version = report.text_of(text, place).parse();
    version.map_err(refuse).unwrap_or_default()
}

fn redirected(report: &Report<'_>, from: &str, to: &str, place: &Place) -> Option<ConnectTo> {
    let place = place.key(from);
    let refuse = |message| report.add(report.at(&place, message).label("not a place"));
    ConnectTo::of_pair(from, to).map_err(refuse).ok()
}

fn tls(report: &Report<'_>, shape: &TlsShape, folder: &Path, place: &Place) -> Tls {
    let file = |name: &Option<String>| name.as_ref().map(|name| folder.join(name));
    let files = TlsFiles {
        ca: file(&shape.ca),
        insecure: shape.insecure.unwrap_or(false),
        client_cert: file(&shape.client_cert),
        client_key: file(&shape.client_key),
        min_version: shape
            .min_version
            .as_ref()
            .map(|version| report.text_of(version, &place.key("min-version"))),
    };
    Tls::default().with(&files).unwrap_or_else(|mistakes| {
        for (key, message) in mistakes {
            report.add(report.at(&place.key(key), message).label("here"));
        }
        Tls::default()
    })
}

fn connections(shape: &ConnectionsShape) -> Connections {
    match shape {
        ConnectionsShape::Word(ConnectionsWord::PerShopper) => Connections::PerShopper {
            max: CONNECTIONS_PER_SHOPPER,
        },
        ConnectionsShape::Word(ConnectionsWord::Shared) => Connections::Shared {
            max: CONNECTIONS_SHARED,
        },
        ConnectionsShape::PerShopper(shape) => Connections::PerShopper {
            max: shape.per_shopper,
        },
        ConnectionsShape::Shared(shape) => Connections::Shared { max: shape.shared },
    }
}

pub(super) fn limits(report: &Report<'_>, file: &File) -> Limits {
    let default = limits_default();
    let Some(LimitsShape {
        shoppers,
        connections,
        drain,
        start_lag,
    }) = &file.limits
    else {
        return default;
    };
    let place = Place::root().key("limits");
    Limits {
        shoppers_max: shoppers.unwrap_or(default.shoppers_max),
        connections_max: connections.unwrap_or(default.connections_max),
        drain: drain.as_ref().map_or(default.drain, |text| {
            report.duration(text, &place.key("drain"))
        }),
        start_lag_max: start_lag.as_ref().map_or(default.start_lag_max, |text| {
            report.positive_duration(text, &place.key("start-lag"))
        }),
    }
}

pub(super) fn popularity(report: &Report<'_>, file: &File) -> Vec<Popularity> {
    let root = Place::root().key("popularity");
    let mut all = Vec::new();
    for (name, shape) in file.popularity.iter().flatten() {
        let place = root.key(name.as_str());
        if template::is_reserved(name.as_str()) {
            let problem = report.at_key(
                &place,
                format!("`{}` is a value that loadgen makes", name.as_str()),
            );
            report.add(problem.label("choose another name"));
        }
        let hot = shape.hot.as_ref().map(|hot| {
            let place = place.key("hot");
            if hot.item > shape.items {
                let problem =
                    report.at(&place.key("item"), format!("there is no item {}", hot.item));
                report.add(problem.label(format!("ids run from 1 to {}", shape.items)));
            }
            (hot.item, report.share(&hot.share, &place.key("share")))
        });
        let exponent = shape.exponent.unwrap_or(1.0);
        all.push(Popularity {
            name: name.0.clone(),
            items: shape.items,
            exponent,
            hot,
        });
    }
    all
}

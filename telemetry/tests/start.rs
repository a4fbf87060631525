//! Telemetry as a program starts it: one log, several exporters, some of which fare badly. One test, because a process has
//! one log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use telemetry::catalogue::{Metric, attribute, metric};
use telemetry::exporter::{ExportError, Exporter, Signal, Wants};
use telemetry::metrics::{Collected, Collector, HttpMetrics, VALUES_MAX};
use telemetry::span::{Request, Tracer};
use telemetry::start::{EXPORT_FLUSH_MAX, StartError};
use telemetry::trace::IdSource;
use telemetry::{Config, Identity, start};

const EVERYTHING: Wants = Wants {
    spans: true,
    metrics_every: Some(Duration::from_millis(50)),
};

/// Keeps what it gets.
#[derive(Clone, Default)]
struct Keeping(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    signals: Vec<Signal>,
    increments: Vec<(Metric, f64)>,
    shown: Vec<(Metric, f64)>,
    observed: Vec<(Metric, Vec<f64>, u64)>,
}

impl Kept {
    fn increment(&self, metric: Metric) -> f64 {
        let own = self.increments.iter().filter(|(of, _)| *of == metric);
        own.map(|(_, rise)| rise).sum()
    }

    fn last_shown(&self, metric: Metric) -> Option<f64> {
        let mut own = self.shown.iter().rev().filter(|(of, _)| *of == metric);
        own.next().map(|(_, value)| *value)
    }

    /// All values of a distribution, and how many there were.
    fn observed(&self, metric: Metric) -> (Vec<f64>, u64) {
        let own = self.observed.iter().filter(|(of, ..)| *of == metric);
        own.fold((Vec::new(), 0), |(mut all, count), (_, values, more)| {
            all.extend_from_slice(values);
            (all, count + more)
        })
    }
}

impl Exporter for Keeping {
    fn name(&self) -> &'static str {
        "keeping"
    }

    fn wants(&self) -> Wants {
        EVERYTHING
    }

    fn export(&mut self, batch: &[Signal]) -> Result<(), ExportError> {
        self.0.lock().unwrap().signals.extend_from_slice(batch);
        Ok(())
    }

    fn export_metrics(&mut self, metrics: &Collector) -> Result<(), ExportError> {
        let mut kept = self.0.lock().unwrap();
        metrics.collect(|point| {
            let metric = point.metric;
            match point.value {
                Collected::Increment(rise) => kept.increments.push((metric, rise)),
                Collected::Value(value) => kept.shown.push((metric, value)),
                Collected::Observed { values, count } => {
                    kept.observed.push((metric, values.to_vec(), count));
                }
            }
        });
        Ok(())
    }
}

/// Is refused by whoever receives.
struct Refused;

impl Exporter for Refused {
    fn name(&self) -> &'static str {
        "refused"
    }

    fn wants(&self) -> Wants {
        Wants {
            metrics_every: None,
            ..EVERYTHING
        }
    }

    fn export(&mut self, batch: &[Signal]) -> Result<(), ExportError> {
        Err(ExportError {
            reason: "status",
            lost: batch.len(),
            message: "the receiver answers 403".to_owned(),
        })
    }
}

/// Never comes back from its first batch, nor from metrics.
struct Stuck;

impl Exporter for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn wants(&self) -> Wants {
        EVERYTHING
    }

    fn export(&mut self, _: &[Signal]) -> Result<(), ExportError> {
        loop {
            std::thread::park();
        }
    }

    fn export_metrics(&mut self, _: &Collector) -> Result<(), ExportError> {
        self.export(&[])
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One request whose caller has decided whether its trace is kept.
fn request(tracer: &Tracer, http: &HttpMetrics, sampled: bool) {
    let flags = if sampled { "01" } else { "00" };
    let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", parent.parse().unwrap());
    let span = tracer.server(&Request {
        method: &Method::POST,
        route: Some("/api/orders"),
        path: "/api/orders",
        headers: &headers,
    });
    span.open().fail(
        "timeout",
        "no answer from postgres://shop:hunter22secret@db/shop",
    );
    span.answered(http, StatusCode::OK, Duration::from_millis(3));
}

#[test]
fn everything_goes_where_it_was_asked_to_go_and_the_end_has_a_deadline() {
    let folder = std::env::temp_dir().join(format!("telemetry-start-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let span_file = folder.join("spans.jsonl");
    let (keeping, lines) = (Keeping::default(), Lines::default());
    let shop = Identity::new("rum-shop", "test", "1.2.3");
    let config = || Config {
        log: Box::new(lines.clone()),
        span_file: Some(span_file.clone()),
        exporters: vec![
            Box::new(keeping.clone()),
            Box::new(Refused),
            Box::new(Stuck),
        ],
        // Spans do not depend on what is logged.
        ..Config::new(shop.clone(), "warn")
    };
    let guard = start(config()).unwrap();
    assert!(
        matches!(start(config()), Err(StartError::Log(_))),
        "one log a process"
    );

    let orders = Identity::new("rum-shop-order-service", "test", "1.2.3");
    let registry = guard.sinks().registry(orders.clone()).unwrap();
    guard.sinks().show_drops_in(&registry);
    let http = HttpMetrics::new(&registry);
    let tracer = Tracer::new(orders, Arc::new(IdSource::seeded(7)));
    request(&tracer, &http, true);
    request(&tracer, &http, false);
    registry
        .distribution(metric::ORDERS_VALUE, &[("currency", "EUR")])
        .observe_times(9.5, 3);
    registry
        .gauge(metric::QUEUE_DEPTH, &[("queue", "payments")])
        .set(7.0);
    let reserved = registry.counter(metric::INVENTORY_RESERVED, &[]);
    let took = registry.distribution(metric::QUEUE_PROCESSING_TIME, &[("queue", "payments")]);
    // More spans than the queue of the stuck one takes, and no faster than the others empty their own; more values than a
    // series keeps.
    for _ in 0..40 {
        (0..250).for_each(|_| request(&tracer, &http, true));
        reserved.inc_by(250);
        (0..VALUES_MAX).for_each(|value| took.observe(value as f64));
        std::thread::sleep(Duration::from_millis(50));
    }
    tracing::info!("too quiet for this log");
    tracing::warn!("loud enough");

    let text = registry.render().unwrap();
    let begun = Instant::now();
    let summary = guard.finish();
    assert!(
        begun.elapsed() < EXPORT_FLUSH_MAX * 3,
        "{:?}",
        begun.elapsed()
    );
    let of = |name: &str| {
        summary
            .exporters
            .iter()
            .find(|one| one.exporter == name)
            .unwrap()
    };
    // The file of spans may be behind on a busy machine.
    assert!(of("keeping").complete && of("refused").complete);
    assert!(
        !of("stuck").complete && of("stuck").dropped > 1000,
        "{summary:?}"
    );
    assert_eq!(
        (of("refused").dropped, of("span_file").dropped),
        (10_001, 0)
    );
    assert!(
        text.contains("exporter=\"stuck\"") && text.contains("reason=\"queue_full\""),
        "{text}"
    );

    let kept = keeping.0.lock().unwrap();
    let spans: Vec<_> = kept.signals.iter().map(|Signal::Span(span)| span).collect();
    assert_eq!(
        spans.len(),
        10_001,
        "the trace that is not kept is not exported"
    );
    let span = spans[0];
    assert_eq!(
        (span.name.as_str(), span.kind.as_str()),
        ("POST /api/orders", "server")
    );
    assert_eq!(span.parent.to_string(), "b7ad6b7169203331");
    assert!(
        span.attributes
            .iter()
            .any(|(name, _)| *name == attribute::ERROR_TYPE)
    );
    assert_eq!(kept.observed(Metric::OrdersValue), (vec![9.5, 9.5, 9.5], 3));
    let (drawn, count) = kept.observed(Metric::QueueProcessingTime);
    assert_eq!(count, 40 * VALUES_MAX as u64);
    assert!(drawn.len() >= VALUES_MAX && drawn.len() <= 40 * VALUES_MAX);
    assert_eq!(kept.increment(Metric::InventoryReserved), 10_000.0);
    assert_eq!(kept.increment(Metric::HttpRequests), 10_002.0);
    assert_eq!(kept.increment(Metric::PaymentsFailed), 0.0);
    assert_eq!(kept.last_shown(Metric::QueueDepth), Some(7.0));
    assert!(kept.increment(Metric::ExportsDropped) > 1_000.0);
    #[cfg(target_os = "linux")]
    {
        assert!(kept.increment(Metric::ProcessCpuSeconds) > 0.0);
        assert!(kept.last_shown(Metric::ProcessResidentMemory) > Some(100_000.0));
    }
    assert!(text.contains("ecommerce_orders_value_count"), "{text}");

    let written = std::fs::read_to_string(&span_file).unwrap();
    let line = written.lines().next().expect("a line");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["service"], "rum-shop-order-service");
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(line["parent_id"], "b7ad6b7169203331");
    assert_eq!(line["attributes"]["http.route"], "/api/orders");
    assert!(!written.contains("hunter22secret"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&span_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("loud enough") && !log.contains("too quiet"),
        "{log}"
    );
    assert!(log.contains("the receiver answers 403"), "{log}");
    std::fs::remove_dir_all(&folder).unwrap();
}

//! What a scraper sees, and what an exporter sees.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};

use super::*;
use crate::catalogue::metric;

fn registry() -> Registry {
    Registry::new(Identity::new("rum-shop-cart", "test", "1.2.3")).unwrap()
}

fn has_line(text: &str, start: &str) -> bool {
    text.lines().any(|line| line.starts_with(start))
}

#[test]
fn a_scraper_sees_names_types_and_common_tags() {
    let registry = registry();
    registry
        .counter(metric::ORDERS_CREATED, &[("status", "pending")])
        .inc();
    registry
        .gauge(metric::QUEUE_DEPTH, &[("queue", "payments")])
        .set(7.0);
    registry
        .distribution(metric::ORDERS_VALUE, &[("currency", "EUR")])
        .observe(99.99);
    let text = registry.render().unwrap();
    for line in [
        "# HELP ecommerce_orders_created_total Orders accepted",
        "# TYPE ecommerce_orders_created_total counter",
        r#"ecommerce_orders_created_total{env="test",service="rum-shop-cart",status="pending",version="1.2.3"} 1"#,
        r#"ecommerce_queue_depth{env="test",queue="payments",service="rum-shop-cart",version="1.2.3"} 7"#,
        "# TYPE ecommerce_orders_value histogram",
        r#"ecommerce_orders_value_bucket{currency="EUR",env="test",service="rum-shop-cart",version="1.2.3",le="75"} 0"#,
        r#"ecommerce_orders_value_bucket{currency="EUR",env="test",service="rum-shop-cart",version="1.2.3",le="100"} 1"#,
        r#"ecommerce_orders_value_sum{currency="EUR",env="test",service="rum-shop-cart",version="1.2.3"} 99.99"#,
    ] {
        assert!(has_line(&text, line), "{line}\n{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_shown_under_the_catalogue_names() {
    let text = registry().render().unwrap();
    for metric in Metric::ALL
        .iter()
        .filter(|m| m.definition().is_process_metric())
    {
        let definition = metric.definition();
        let name = definition.prometheus_name();
        assert!(has_line(&text, &format!("{name}{{")), "{name}\n{text}");
        let kind = definition.kind.prometheus_type();
        assert!(
            has_line(&text, &format!("# TYPE {name} {kind}")),
            "{name}\n{text}"
        );
    }
    let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for name in shown.filter_map(|rest| rest.split(' ').next()) {
        assert!(
            Metric::by_prometheus_name(name).is_some(),
            "{name} is not in the catalogue"
        );
    }
}

#[test]
fn two_services_in_one_process_do_not_mix() {
    let (cart, auth) = (
        registry(),
        Registry::new(Identity::new("rum-shop-auth", "test", "1")).unwrap(),
    );
    cart.counter(metric::PAYMENTS_PROCESSED, &[]).inc();
    assert_eq!(auth.counter(metric::PAYMENTS_PROCESSED, &[]).get(), 0);
    assert!(!auth.render().unwrap().contains("rum-shop-cart"));
}

#[test]
fn tag_sets_beyond_the_bound_are_counted_together() {
    let registry = registry();
    for number in 0..TAG_SETS_MAX + 50 {
        let reason = number.to_string();
        registry
            .counter(metric::PAYMENTS_FAILED, &[("reason", &reason)])
            .inc();
    }
    let overflow = registry.counter(metric::PAYMENTS_FAILED, &[("reason", "new")]);
    assert_eq!(overflow.get(), 50);
    assert_eq!(
        registry
            .counter(metric::PAYMENTS_FAILED, &[("reason", "3")])
            .get(),
        1
    );
    let text = registry.render().unwrap();
    assert!(text.contains(r#"reason="overflow""#));
    let series = text
        .lines()
        .filter(|l| l.starts_with("ecommerce_payments_failed_total{"));
    assert_eq!(series.count(), TAG_SETS_MAX + 1);
}

#[test]
fn a_long_tag_value_is_cut_at_a_character() {
    let registry = registry();
    registry
        .counter(metric::PAYMENTS_FAILED, &[("reason", &"é".repeat(100))])
        .inc();
    let text = registry.render().unwrap();
    assert!(
        text.contains(&format!("reason=\"{}\"", "é".repeat(60))),
        "{text}"
    );
}

#[test]
fn http_metrics_share_series_and_bound_methods_and_routes() {
    let registry = registry();
    let http = HttpMetrics::new(&registry);
    let invented = Method::from_bytes(b"BREW").unwrap();
    http.observe(
        &Method::GET,
        Some("/api/cart/{id}"),
        StatusCode::OK,
        Duration::from_millis(3),
    );
    http.observe(
        &Method::GET,
        Some("/api/cart/{id}"),
        StatusCode::OK,
        Duration::from_millis(30),
    );
    http.observe(&invented, None, StatusCode::NOT_FOUND, Duration::ZERO);
    let open = http.connection();
    let text = registry.render().unwrap();
    assert!(
        text.contains(
            r#"route="/api/cart/{id}",service="rum-shop-cart",status="200",version="1.2.3"} 2"#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#"method="_OTHER",route="unmatched""#),
        "{text}"
    );
    assert!(text.contains(
        "active_connections{env=\"test\",service=\"rum-shop-cart\",version=\"1.2.3\"} 1"
    ));
    drop(open);
    assert_eq!(registry.gauge(metric::ACTIVE_CONNECTIONS, &[]).get(), 0.0);
}

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<Raw>>);

type Raw = (Metric, Vec<(&'static str, String)>, f64);

impl MetricSink for Seen {
    fn record(&self, observation: &Observation<'_>) {
        assert_eq!(observation.identity.service(), "rum-shop-cart");
        let seen = (
            observation.metric,
            observation.tags.to_vec(),
            observation.value,
        );
        self.0.lock().unwrap().push(seen);
    }
}

#[test]
fn an_exporter_sees_every_raw_value() {
    let seen = Arc::new(Seen::default());
    let identity = Identity::new("rum-shop-cart", "test", "1.2.3");
    let registry = Registry::with_sinks(identity, vec![seen.clone()]).unwrap();
    let queue = registry.distribution(metric::QUEUE_PROCESSING_TIME, &[("queue", "payments")]);
    queue.observe(1.5);
    queue.observe(f64::NAN);
    queue.observe(2.5);
    registry.counter(metric::INVENTORY_RESERVED, &[]).inc_by(3);
    let tags = vec![("queue", "payments".to_owned())];
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            (Metric::QueueProcessingTime, tags.clone(), 1.5),
            (Metric::QueueProcessingTime, tags, 2.5),
            (Metric::InventoryReserved, vec![], 3.0),
        ]
    );
}

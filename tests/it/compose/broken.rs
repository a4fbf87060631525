//! For each requirement, ways to break it: a check that cannot fail proves nothing.

use serde_json::{Value, json};

use super::rules::{Rule, findings};
use super::tool::{Compose, Merged, Shape};

/// A requirement, the shape it is broken in, where, and what stands there instead; `Null` takes the value away.
type Break = (Rule, Shape, &'static str, Value);

const P: Shape = Shape::Production;
const D: Shape = Shape::Development;

fn breaks() -> Vec<Break> {
    let mut all = hardening();
    all.extend(wiring());
    all
}

fn hardening() -> Vec<Break> {
    vec![
        (Rule::NonRoot, P, "/services/redis/user", Value::Null),
        (Rule::NonRoot, P, "/services/orders/user", json!("0:0")),
        (
            Rule::NonRoot,
            P,
            "/services/postgres/user",
            json!("postgres"),
        ),
        (
            Rule::NoNewPrivileges,
            P,
            "/services/cart/security_opt",
            Value::Null,
        ),
        (
            Rule::NoCapabilities,
            P,
            "/services/auth/cap_drop",
            json!(["NET_RAW"]),
        ),
        (
            Rule::NoCapabilities,
            P,
            "/services/auth/cap_add",
            json!(["SYS_ADMIN"]),
        ),
        (
            Rule::NoCapabilities,
            P,
            "/services/datadog/privileged",
            json!(true),
        ),
        (
            Rule::NoCapabilities,
            P,
            "/services/datadog/pid",
            json!("host"),
        ),
        (
            Rule::ReadOnlyRoot,
            P,
            "/services/queue/read_only",
            json!(false),
        ),
        (
            Rule::MemoryLimit,
            P,
            "/services/search/mem_limit",
            Value::Null,
        ),
        (
            Rule::MemoryLimit,
            P,
            "/services/search/mem_limit",
            json!("64g"),
        ),
        (Rule::CpuLimit, P, "/services/search/cpus", Value::Null),
        (
            Rule::ProcessLimit,
            P,
            "/services/gateway/pids_limit",
            json!(-1),
        ),
        (
            Rule::HealthCheck,
            P,
            "/services/payment/healthcheck",
            Value::Null,
        ),
        (
            Rule::HealthCheck,
            P,
            "/services/payment/healthcheck/test",
            json!(["NONE"]),
        ),
        (
            Rule::HealthCheck,
            P,
            "/services/orders/healthcheck/test",
            json!(["CMD", "shop", "health", "--service", "orders"]),
        ),
        (
            Rule::StartPeriod,
            P,
            "/services/payment/healthcheck/start_period",
            Value::Null,
        ),
        (
            Rule::LogRotation,
            P,
            "/services/migrate/logging",
            Value::Null,
        ),
        (
            Rule::LogRotation,
            P,
            "/services/redis/logging/options/max-size",
            json!("1g"),
        ),
        (
            Rule::LogRotation,
            P,
            "/services/redis/logging/options/max-file",
            json!("30"),
        ),
        (
            Rule::PinnedVersion,
            P,
            "/services/datadog/image",
            json!("datadog/agent:latest"),
        ),
        (
            Rule::PinnedVersion,
            P,
            "/services/datadog/image",
            json!("datadog/agent"),
        ),
        (
            Rule::PinnedVersion,
            P,
            "/services/datadog/image",
            json!("localhost:5000/agent"),
        ),
        (
            Rule::PinnedVersion,
            P,
            "/services/redis/image",
            json!("redis:7"),
        ),
        (Rule::Init, P, "/services/notifications/init", Value::Null),
        (
            Rule::GracePeriod,
            P,
            "/services/postgres/stop_grace_period",
            json!("1s"),
        ),
        (Rule::Restart, P, "/services/gateway/restart", Value::Null),
    ]
}

fn wiring() -> Vec<Break> {
    let postgres = "/services/postgres";
    let at =
        |rest: &str| -> &'static str { Box::leak(format!("{postgres}{rest}").into_boxed_str()) };
    vec![
        (
            Rule::EveryService,
            P,
            "/services/recommendations",
            Value::Null,
        ),
        (
            Rule::EveryService,
            P,
            "/services/cart/command",
            json!(["serve", "--service", "auth"]),
        ),
        (
            Rule::EveryService,
            P,
            "/services/gateway/command",
            json!(["serve", "--service", "gateway", "--bind", "0.0.0.0"]),
        ),
        (
            Rule::EveryService,
            P,
            "/services/gateway/environment/CART_URL",
            json!("http://cart:80"),
        ),
        (
            Rule::Networks,
            P,
            at("/networks"),
            json!({ "internal": {}, "public": {} }),
        ),
        (
            Rule::Networks,
            P,
            "/services/gateway/networks",
            json!({ "public": {} }),
        ),
        (
            Rule::InternalNetwork,
            P,
            "/networks/internal/internal",
            json!(false),
        ),
        (
            Rule::InternalNetwork,
            P,
            "/networks/internal/driver_opts",
            Value::Null,
        ),
        (
            Rule::InternalNetwork,
            D,
            "/networks/internal/internal",
            json!(true),
        ),
        (
            Rule::PublishedPorts,
            P,
            at("/ports"),
            json!(["127.0.0.1:5432:5432/tcp"]),
        ),
        (
            Rule::PublishedPorts,
            P,
            "/services/gateway/ports",
            Value::Null,
        ),
        (
            Rule::PublishedPorts,
            D,
            at("/ports"),
            json!(["5432:5432/tcp"]),
        ),
        (
            Rule::PublishedPorts,
            D,
            "/services/redis/ports",
            json!([{ "target": 6379, "published": "6379" }]),
        ),
        (
            Rule::PublishedPorts,
            D,
            "/services/cart/ports",
            json!(["0.0.0.0:3001:3001/tcp"]),
        ),
        (Rule::PublishedPorts, D, "/services/cart/ports", Value::Null),
        (
            Rule::Dependencies,
            P,
            "/services/cart/depends_on/redis/condition",
            json!("service_started"),
        ),
        (
            Rule::Dependencies,
            P,
            "/services/orders/depends_on/migrate/condition",
            json!("service_healthy"),
        ),
        (
            Rule::Dependencies,
            P,
            "/services/payment/depends_on",
            Value::Null,
        ),
        (
            Rule::Dependencies,
            P,
            "/services/auth/depends_on",
            Value::Null,
        ),
        (
            Rule::Dependencies,
            P,
            "/services/gateway/depends_on/search",
            Value::Null,
        ),
        (
            Rule::Postgres16,
            P,
            at("/image"),
            json!("postgres:15.9-bookworm"),
        ),
        (Rule::Postgres16, P, at("/command"), json!(["postgres"])),
        (Rule::Postgres16, P, at("/volumes"), Value::Null),
        (
            Rule::Redis7,
            P,
            "/services/redis/image",
            json!("redis:6.2.1-alpine"),
        ),
        (
            Rule::Redis7,
            P,
            "/services/redis/command",
            json!(["redis-server"]),
        ),
        (Rule::Queue, P, "/services/queue/volumes", Value::Null),
        (
            Rule::Queue,
            P,
            "/services/orders/environment/QUEUE_URL",
            Value::Null,
        ),
        (Rule::DatabaseMonitoring, P, at("/labels"), Value::Null),
        (
            Rule::DatabaseMonitoring,
            P,
            at("/labels/com.datadoghq.ad.checks"),
            json!(
                r#"{"postgres": {"instances": [{"dbm": true, "host": "%%host%%", "username": "datadog", "password": "x"}]}}"#
            ),
        ),
        (
            Rule::DatabaseMonitoring,
            P,
            "/services/migrate-monitoring/command",
            json!(["migrate", "up"]),
        ),
        (Rule::Agent, P, "/services/datadog/profiles", Value::Null),
        (
            Rule::Agent,
            P,
            "/services/datadog/environment/DD_LOGS_ENABLED",
            json!("false"),
        ),
        (Rule::Agent, P, "/services/orders/volumes", Value::Null),
        (
            Rule::Observability,
            P,
            "/services/grafana/profiles",
            Value::Null,
        ),
        (
            Rule::Observability,
            D,
            "/services/prometheus/command",
            json!(["--storage.tsdb.retention.time=30d"]),
        ),
        (
            Rule::Observability,
            P,
            "/services/worker/environment/OTEL_EXPORTER_OTLP_ENDPOINT",
            Value::Null,
        ),
        (
            Rule::SecretsByNeed,
            P,
            "/services/notifications/environment/MAIL_PROVIDER_KEY",
            Value::Null,
        ),
        (
            Rule::SecretsByNeed,
            P,
            "/services/gateway/environment/DATABASE_URL",
            json!("postgres://x"),
        ),
        (
            Rule::DemoAccount,
            P,
            "/services/auth/environment/SHOP_DEMO_ACCOUNT",
            json!("true"),
        ),
        (
            Rule::DemoAccount,
            P,
            "/services/auth/environment/SHOP_DEMO_ACCOUNT",
            Value::Null,
        ),
    ]
}

/// Puts a value where the path says, or takes it away.
fn put(merged: &mut Merged, path: &str, value: &Value) {
    let (parent, key) = path.rsplit_once('/').expect("a path");
    let parent = merged.0.pointer_mut(parent).expect(path);
    let parent = parent.as_object_mut().expect(path);
    if value.is_null() {
        parent.remove(key).expect(path);
    } else {
        parent.insert(key.to_owned(), value.clone());
    }
}

#[test]
fn every_requirement_that_is_broken_is_reported() {
    let compose = Compose::new();
    let whole = [compose.shape(P), compose.shape(D)];
    let breaks = breaks();
    for (rule, shape, path, value) in &breaks {
        let mut merged = whole[usize::from(*shape == D)].clone();
        put(&mut merged, path, value);
        let found = findings(&merged, *shape);
        let named = |container: &str| container == "all together" || path.contains(container);
        let reported = found.iter().any(|f| f.rule == *rule && named(&f.container));
        assert!(
            reported,
            "{rule:?} was broken at {path} with {value}, and only {found:?} was found"
        );
    }
    for rule in Rule::ALL {
        assert!(
            breaks.iter().any(|(broken, ..)| *broken == rule),
            "nothing breaks {rule:?}"
        );
    }
}

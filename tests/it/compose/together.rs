//! Requirements on certain containers, and on all of them together.

use serde_json::Value;
use shop::service::Service;

use super::rules::Rule;
use super::tool::{Merged, Shape};
use super::value::{holds, list, text};

/// The rules about certain containers and about all of them together.
pub(crate) fn broken(merged: &Merged, shape: Shape) -> Vec<Rule> {
    let checks: [(Rule, bool); 10] = [
        (
            Rule::EveryService,
            Service::all().all(|service| runs(merged, service)),
        ),
        (Rule::InternalNetwork, is_internal(merged, shape)),
        (Rule::Postgres16, postgres(merged)),
        (Rule::Redis7, redis(merged)),
        (Rule::Queue, queue(merged)),
        (Rule::DatabaseMonitoring, monitors_databases(merged)),
        (Rule::Agent, agent(merged)),
        (Rule::Observability, observability(merged, shape)),
        (Rule::SecretsByNeed, secrets_by_need(merged)),
        (Rule::DemoAccount, demo_account(merged, shape)),
    ];
    checks
        .into_iter()
        .filter(|(_, met)| !met)
        .map(|(rule, _)| rule)
        .collect()
}

fn is_internal(merged: &Merged, shape: Shape) -> bool {
    let internal = &merged.top("networks")["internal"];
    // The second generation leaves out what is false.
    let closed = internal["internal"] == true;
    let addressless = internal["driver_opts"]["com.docker.network.bridge.inhibit_ipv4"] == "true";
    let open_elsewhere = |name| merged.top("networks")[name]["internal"] != true;
    let production = shape == Shape::Production;
    closed == production && addressless == production && open_elsewhere("public")
}

/// One container a service, which runs that service on every address of its network.
fn runs(merged: &Merged, service: Service) -> bool {
    let Some(it) = merged.services().get(service.name()) else {
        return false;
    };
    let port = service.default_port();
    let reached = merged.services().iter().all(|(_, other)| {
        let key = format!("{}_URL", service.name().to_uppercase());
        let url = &other["environment"][&key];
        url.is_null() || *url == format!("http://{}:{port}", service.name())
    });
    let mut command = vec!["serve", "--service", service.name(), "--bind", "0.0.0.0"];
    if service == Service::Gateway {
        // Strangers reach its own port.
        command.extend(["--metrics-listen", "0.0.0.0:9464"]);
    }
    list(&it["command"]) == command && reached
}

fn command_line(it: &Value) -> String {
    list(&it["command"]).join(" ")
}

fn keeps_data(it: &Value, folder: &str) -> bool {
    it["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|volume| match volume {
            Value::String(volume) => volume.split(':').nth(1) == Some(folder),
            volume => volume["type"] == "volume" && volume["target"] == folder,
        })
}

fn postgres(merged: &Merged) -> bool {
    let it = &merged.0["services"]["postgres"];
    text(&it["image"]).starts_with("postgres:16.")
        && command_line(it).contains("shared_preload_libraries=pg_stat_statements")
        && keeps_data(it, "/var/lib/postgresql/data")
        && it["environment"]["POSTGRES_USER"] == "rumshop"
        && it["environment"]["POSTGRES_DB"] == "rumshop"
}

fn redis(merged: &Merged) -> bool {
    let it = &merged.0["services"]["redis"];
    text(&it["image"]).starts_with("redis:7.")
        && command_line(it).contains("--appendonly yes")
        && keeps_data(it, "/data")
}

fn queue(merged: &Merged) -> bool {
    let it = &merged.0["services"]["queue"];
    let users = ["orders", "payment", "notifications"];
    keeps_data(it, "/data")
        && users.iter().all(|user| {
            let values = &merged.0["services"][*user]["environment"];
            values["QUEUE_URL"] == "http://queue:9324/000000000000/shop-"
        })
}

/// The Agent finds the stores by their labels; passwords are its own variables.
fn monitors_databases(merged: &Merged) -> bool {
    let instance = |container: &str, check: &str| {
        let label = &merged.0["services"][container]["labels"]["com.datadoghq.ad.checks"];
        let parsed: Value = serde_json::from_str(&text(label)).unwrap_or_default();
        parsed[check]["instances"][0].clone()
    };
    let (postgres, redis) = (
        instance("postgres", "postgres"),
        instance("redis", "redisdb"),
    );
    let jobs = ["migrate", "migrate-monitoring"];
    let commands = jobs.map(|job| command_line(&merged.0["services"][job]));
    postgres["dbm"] == true
        && postgres["username"] == "datadog"
        && postgres["password"] == "%%env_DD_DBM_PASSWORD%%"
        && postgres["host"] == "%%host%%"
        && redis["host"] == "%%host%%"
        && commands == ["migrate up", "migrate monitoring"]
}

/// Behind a profile, with everything that the shop's telemetry goes through.
fn agent(merged: &Merged) -> bool {
    let it = &merged.0["services"]["datadog"];
    let set = |name: &str, value: &str| it["environment"][name] == value;
    let sockets = |name: &str| keeps_data(&merged.0["services"][name], "/var/run/datadog");
    holds(&it["profiles"], "datadog")
        && set("DD_APM_RECEIVER_SOCKET", "/var/run/datadog/apm.socket")
        && set(
            "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_GRPC_ENDPOINT",
            "0.0.0.0:4317",
        )
        && set(
            "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT",
            "0.0.0.0:4318",
        )
        && set("DD_DOGSTATSD_NON_LOCAL_TRAFFIC", "true")
        && set("DD_LOGS_ENABLED", "true")
        && !it["environment"]["DD_DBM_PASSWORD"].is_null()
        && sockets("datadog")
        && Service::all().all(|service| sockets(service.name()))
}

/// Behind a profile of its own, the way without Datadog: Prometheus keeps what it reads as long as the shape says, Grafana is
/// provisioned, and every process of the shop can be told where telemetry goes.
fn observability(merged: &Merged, shape: Shape) -> bool {
    let services = &merged.0["services"];
    let all = ["collector", "tempo", "prometheus", "grafana"];
    let days = match shape {
        Shape::Production => "30d",
        Shape::Development => "7d",
    };
    let retention = format!("--storage.tsdb.retention.time={days}");
    let told = |name: &str| {
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "DD_DOGSTATSD_URL"]
            .iter()
            .all(|variable| !services[name]["environment"][*variable].is_null())
    };
    all.iter()
        .all(|name| holds(&services[*name]["profiles"], "observe"))
        && list(&services["prometheus"]["command"]).contains(&retention)
        && keeps_data(&services["prometheus"], "/prometheus")
        && keeps_data(&services["grafana"], "/var/lib/grafana")
        && Service::all().all(|service| told(service.name()))
        && told("worker")
}

/// Who has no use for a secret does not get it: first of all the container that the internet talks to.
fn secrets_by_need(merged: &Merged) -> bool {
    let holders = [
        (
            "AWS_SECRET_ACCESS_KEY",
            "notifications orders payment producer worker",
        ),
        (
            "DATABASE_URL",
            "auth migrate migrate-monitoring notifications orders payment worker",
        ),
        ("DD_API_KEY", "datadog"),
        ("DD_DBM_PASSWORD", "datadog migrate-monitoring"),
        ("GF_SECURITY_ADMIN_PASSWORD", "grafana"),
        ("JWT_SECRET", "auth cart notifications orders payment"),
        ("MAIL_PROVIDER_KEY", "notifications provider"),
        ("PAYMENT_PROVIDER_KEY", "payment provider"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("REDIS_URL", "cart payment"),
        ("SHOP_ADMIN_TOKEN", "orders payment"),
        ("SHOP_AUDIT_TOKEN", "orders payment"),
        ("WEBHOOK_SECRET", "payment provider"),
    ];
    holders.iter().all(|(variable, expected)| {
        let services = merged.services().iter();
        let holding = services.filter(|(_, it)| !it["environment"][*variable].is_null());
        let mut names: Vec<_> = holding.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.join(" ") == *expected
    })
}

/// A password that everybody knows opens nothing in production.
fn demo_account(merged: &Merged, shape: Shape) -> bool {
    let given = &merged.0["services"]["auth"]["environment"]["SHOP_DEMO_ACCOUNT"];
    text(given) == (shape == Shape::Development).to_string()
}

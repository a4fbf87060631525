//! What every container has to keep to, as functions from the merged files to what is wrong with them.

use std::collections::BTreeSet;

use serde_json::Value;
use shop::service::Service;

use super::together;
use super::tool::{Merged, Shape};
use super::value::{bytes, holds, keys, list, number, seconds, text};

/// One requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    EveryService,
    NonRoot,
    NoNewPrivileges,
    NoCapabilities,
    ReadOnlyRoot,
    MemoryLimit,
    CpuLimit,
    ProcessLimit,
    HealthCheck,
    StartPeriod,
    LogRotation,
    PinnedVersion,
    Init,
    GracePeriod,
    Restart,
    Networks,
    InternalNetwork,
    PublishedPorts,
    Dependencies,
    Postgres16,
    Redis7,
    Queue,
    DatabaseMonitoring,
    Agent,
    Observability,
    SecretsByNeed,
    DemoAccount,
}

impl Rule {
    pub(crate) const ALL: [Rule; 27] = [
        Rule::EveryService,
        Rule::NonRoot,
        Rule::NoNewPrivileges,
        Rule::NoCapabilities,
        Rule::ReadOnlyRoot,
        Rule::MemoryLimit,
        Rule::CpuLimit,
        Rule::ProcessLimit,
        Rule::HealthCheck,
        Rule::StartPeriod,
        Rule::LogRotation,
        Rule::PinnedVersion,
        Rule::Init,
        Rule::GracePeriod,
        Rule::Restart,
        Rule::Networks,
        Rule::InternalNetwork,
        Rule::PublishedPorts,
        Rule::Dependencies,
        Rule::Postgres16,
        Rule::Redis7,
        Rule::Queue,
        Rule::DatabaseMonitoring,
        Rule::Agent,
        Rule::Observability,
        Rule::SecretsByNeed,
        Rule::DemoAccount,
    ];
}

/// A requirement that a container does not meet.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) container: String,
}

/// Everything that is wrong.
pub(crate) fn findings(merged: &Merged, shape: Shape) -> Vec<Finding> {
    let mut all = Vec::new();
    for (name, container) in merged.services() {
        let unmet = each(merged, shape, name, container);
        all.extend(unmet.into_iter().map(|rule| Finding {
            rule,
            container: name.clone(),
        }));
    }
    let whole = together::broken(merged, shape)
        .into_iter()
        .map(|rule| Finding {
            rule,
            container: "all together".to_owned(),
        });
    all.extend(whole);
    all
}

/// The rules that one container breaks.
fn each(merged: &Merged, shape: Shape, name: &str, it: &Value) -> Vec<Rule> {
    let checks: [(Rule, bool); 17] = [
        (Rule::NonRoot, is_numeric_user(text(&it["user"]))),
        (
            Rule::NoNewPrivileges,
            holds(&it["security_opt"], "no-new-privileges:true"),
        ),
        (Rule::NoCapabilities, has_no_capabilities(it)),
        (Rule::ReadOnlyRoot, it["read_only"] == true),
        (
            Rule::MemoryLimit,
            (1..=2 << 30).contains(&bytes(&it["mem_limit"])),
        ),
        (Rule::CpuLimit, (0.05..=4.0).contains(&number(&it["cpus"]))),
        (
            Rule::ProcessLimit,
            (1.0..=1024.0).contains(&number(&it["pids_limit"])),
        ),
        (
            Rule::HealthCheck,
            has_health_check(it) && asks_well(name, it),
        ),
        (
            Rule::StartPeriod,
            seconds(&it["healthcheck"]["start_period"]) >= 5,
        ),
        (Rule::LogRotation, rotates_logs(&it["logging"])),
        (Rule::PinnedVersion, is_pinned(text(&it["image"]))),
        (Rule::Init, it["init"] == true),
        (Rule::GracePeriod, seconds(&it["stop_grace_period"]) >= 10),
        (
            Rule::Restart,
            ["unless-stopped", "no"].contains(&text(&it["restart"]).as_str()),
        ),
        (Rule::Networks, networks(it) == expected_networks(name)),
        (Rule::PublishedPorts, published_well(shape, name, it)),
        (Rule::Dependencies, waits_well(merged, name, it)),
    ];
    checks
        .into_iter()
        .filter(|(_, met)| !met)
        .map(|(rule, _)| rule)
        .collect()
}

/// Numbers, since only those can be compared without the image.
fn is_numeric_user(user: String) -> bool {
    let mut parts = user.split(':').map(str::parse::<u32>);
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some(Ok(1..)), Some(Ok(_)), None)
    )
}

fn has_no_capabilities(it: &Value) -> bool {
    let shared = ["pid", "ipc", "userns_mode", "network_mode"];
    holds(&it["cap_drop"], "ALL")
        && list(&it["cap_add"]).is_empty()
        && it["privileged"] != true
        && list(&it["devices"]).is_empty()
        && shared.iter().all(|key| text(&it[*key]) != "host")
}

fn has_health_check(it: &Value) -> bool {
    let check = &it["healthcheck"];
    let test = list(&check["test"]);
    test.len() > 1
        && ["CMD", "CMD-SHELL"].contains(&test[0].as_str())
        && check["disable"] != true
        && seconds(&check["interval"]) > 0
        && seconds(&check["timeout"]) > 0
        && number(&check["retries"]) >= 1.0
}

/// A service is asked whether it can do its work, not only whether it is there.
fn asks_well(name: &str, it: &Value) -> bool {
    let is_service = Service::all().any(|service| service.name() == name);
    let asked = ["CMD", "shop", "health", "--ready", "--service", name];
    !is_service || list(&it["healthcheck"]["test"]) == asked
}

fn rotates_logs(logging: &Value) -> bool {
    text(&logging["driver"]) == "json-file"
        && text(&logging["options"]["max-size"]) == "10m"
        && text(&logging["options"]["max-file"]) == "3"
}

/// A digest, or a tag that names a version down to its second number.
fn is_pinned(image: String) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    let Some((_, tag)) = name.split_once(':') else {
        return false;
    };
    let version = tag
        .split('-')
        .next()
        .unwrap_or_default()
        .trim_start_matches('v');
    let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    numbers.len() >= 2 && numbers.iter().all(Result::is_ok)
}

fn networks(it: &Value) -> BTreeSet<String> {
    keys(&it["networks"])
}

fn expected_networks(name: &str) -> BTreeSet<String> {
    let names: &[&str] = match name {
        "gateway" => &["public", "internal"],
        "datadog" => &["internal", "telemetry"],
        _ => &["internal"],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Host address and published port of each publication.
fn published(it: &Value) -> Vec<(String, String)> {
    let ports = it["ports"].as_array().cloned().unwrap_or_default();
    let one = |port: &Value| match port {
        Value::String(port) => {
            let parts: Vec<_> = port
                .split('/')
                .next()
                .unwrap_or_default()
                .rsplitn(3, ':')
                .collect();
            let address = parts.get(2).copied().unwrap_or_default();
            let published = parts.get(1).copied().unwrap_or_default();
            (address.to_owned(), published.to_owned())
        }
        port => (text(&port["host_ip"]), text(&port["published"])),
    };
    ports.iter().map(one).collect()
}

/// In production the gateway's port alone; in development the usual ports, on loopback.
fn published_well(shape: Shape, name: &str, it: &Value) -> bool {
    let published = published(it);
    let ports: Vec<_> = published.iter().map(|(_, port)| port.as_str()).collect();
    let usual = Service::all()
        .find(|service| service.name() == name)
        .map(Service::default_port);
    match shape {
        Shape::Production if name == "gateway" => ports == ["5921"],
        Shape::Production => ports.is_empty(),
        Shape::Development => {
            let loopback = published.iter().all(|(address, _)| address == "127.0.0.1");
            let there = usual.is_none_or(|port| ports == [port.to_string()]);
            loopback && there
        }
    }
}

/// Waits for health, or for the success of what ends; and for every store that its variables name.
fn waits_well(merged: &Merged, name: &str, it: &Value) -> bool {
    let services = &merged.0["services"];
    let conditions = it["depends_on"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(other, how)| {
            let ends = text(&services[other.as_str()]["restart"]) == "no";
            let expected = if ends {
                "service_completed_successfully"
            } else {
                "service_healthy"
            };
            how["condition"] == expected
        });
    let awaited = awaited(merged, name);
    let values: Vec<_> = it["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .collect();
    let uses = |store: &str| {
        let host = [format!("//{store}:"), format!("@{store}:")];
        values
            .iter()
            .any(|(_, value)| host.iter().any(|host| text(value).contains(host)))
    };
    let stores = ["postgres", "redis", "queue", "provider"];
    let missing = |store: &&str| *store != name && uses(store) && !awaited.contains(*store);
    let schema = uses("postgres") && !name.starts_with("migrate") && !awaited.contains("migrate");
    let behind = name != "gateway" || Service::all().skip(1).all(|s| awaited.contains(s.name()));
    conditions && !stores.iter().any(missing) && !schema && behind
}

/// Everything that is up before a container starts.
fn awaited(merged: &Merged, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for other in keys(&merged.0["services"][next.as_str()]["depends_on"]) {
            if found.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    found
}

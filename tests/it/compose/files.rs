//! What the files say themselves, before Compose or a container engine reads them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use shop::queue::Topic;

pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn is_secret(name: &str) -> bool {
    let words = ["PASSWORD", "SECRET", "TOKEN", "KEY", "DSN", "CREDENTIAL"];
    words.iter().any(|word| name.to_uppercase().contains(word))
}

/// Whether a value is taken from outside as a whole, and asked for by name when it is missing.
fn is_required(value: &str) -> bool {
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| inner.contains(":?") && !inner.contains('$'))
}

/// The password of the URL in a line.
fn password(line: &str) -> Option<&str> {
    let (authority, _) = line.split_once("://")?.1.rsplit_once('@')?;
    Some(authority.split_once(':')?.1)
}

/// Whether a secret stands in a line of a Compose file, or could.
fn holds_secret(line: &str) -> bool {
    let in_url = password(line).is_some_and(|password| !is_required(password));
    let in_label = line.contains("\"password\"") && !line.contains("\"password\": \"%%env_");
    let flags = ["--requirepass", "--password", "PGPASSWORD="];
    let in_flag = flags.iter().any(|flag| line.contains(flag));
    let in_value = line.split_once(": ").is_some_and(|(name, value)| {
        // The one that may be empty, since a file is read as a whole, its profile used or not.
        let may_be_empty = name == "DD_API_KEY" && value == "${DD_API_KEY:-}";
        is_secret(name) && !name.starts_with("x-") && !is_required(value) && !may_be_empty
    });
    in_url || in_label || in_flag || in_value
}

fn literal_secrets(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with('#') && holds_secret(line))
        .collect()
}

#[test]
fn no_secret_stands_in_a_compose_file() {
    for file in ["compose/compose.yaml", "compose/compose.dev.yaml"] {
        let text = read(file);
        assert_eq!(literal_secrets(&text), Vec::<&str>::new(), "{file}");
    }
    for line in [
        "  JWT_SECRET: abcdef",
        "  JWT_SECRET: ${JWT_SECRET:-abcdef}",
        "  JWT_SECRET: ${JWT_SECRET}",
        "  POSTGRES_PASSWORD: rumshop",
        "  DD_API_KEY: ${DD_API_KEY:-0123456789abcdef}",
        "  DATABASE_URL: postgres://rumshop:rumshop@postgres:5432/rumshop",
        "  DATABASE_URL: postgres://rumshop:${POSTGRES_PASSWORD:-rumshop}@postgres:5432/rumshop",
        r#"  {"username": "datadog", "password": "datadog"}"#,
        "  command: [redis-server, --requirepass, hush]",
    ] {
        assert_eq!(literal_secrets(line), [line.trim()]);
    }
}

/// What is wrong with a Dockerfile.
fn dockerfile_faults(text: &str) -> Vec<&'static str> {
    let text = text.replace("\\\n", " ");
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.starts_with('#'))
        .collect();
    let with = |word: &str| {
        lines
            .iter()
            .filter(|l| l.starts_with(word))
            .copied()
            .collect::<Vec<_>>()
    };
    let pinned = |from: &&str| {
        let image = from.split_whitespace().nth(1).unwrap_or_default();
        let tag = image.split_once(':').map_or("", |(_, tag)| tag);
        let is_version = tag.contains(|c: char| c.is_ascii_digit()) && tag.contains(['.', '-']);
        is_version && tag != "latest" || image == "build"
    };
    // What runs, not what is only there to build it.
    let stages: Vec<_> = text
        .split("\nFROM ")
        .skip(1)
        .filter(|stage| {
            !stage
                .lines()
                .next()
                .is_some_and(|from| from.contains(" AS build"))
        })
        .collect();
    let last_user = |stage: &&&str| {
        let mut users = stage.lines().filter_map(|l| l.trim().strip_prefix("USER "));
        let last = users.next_back().unwrap_or("root");
        last.split(':')
            .next()
            .and_then(|user| user.parse::<u32>().ok())
            .is_some_and(|user| user > 0)
    };
    let cargo = lines.iter().filter(|l| l.contains("cargo build"));
    let mut variables = with("ENV ");
    variables.extend(with("ARG "));
    let checks = [
        (
            "an image without a version",
            with("FROM ").iter().all(pinned),
        ),
        (
            "a stage that runs as root",
            stages.len() == 3 && stages.iter().filter(last_user).count() == 3,
        ),
        (
            "a build that may change Cargo.lock",
            cargo.clone().count() > 0 && cargo.clone().all(|l| l.contains("--locked")),
        ),
        (
            "a build without caches",
            cargo
                .clone()
                .all(|l| l.matches("--mount=type=cache").count() == 2),
        ),
        (
            "a secret in a layer",
            !variables.iter().any(|l| is_secret(l)) && !text.contains("COPY .env"),
        ),
        ("an ADD, which may fetch anything", with("ADD ").is_empty()),
        (
            "no OCI labels",
            stages
                .iter()
                .all(|s| s.contains("org.opencontainers.image.title=")),
        ),
        (
            "no health check",
            with("HEALTHCHECK ")
                .iter()
                .any(|l| l.contains("--start-period=")),
        ),
        (
            "packages in the image that runs",
            stages.iter().all(|s| !s.contains("apt-get")),
        ),
        ("sources in the image that runs", with("COPY .").len() == 1),
    ];
    checks
        .into_iter()
        .filter(|(_, met)| !met)
        .map(|(fault, _)| fault)
        .collect()
}

#[test]
fn the_dockerfile_builds_small_images_without_root_or_secrets() {
    let text = read("Dockerfile");
    assert_eq!(dockerfile_faults(&text), Vec::<&str>::new());
    let broken = [
        (
            "an image without a version",
            "FROM debian:bookworm-20251229-slim",
            "FROM debian:latest",
        ),
        (
            "an image without a version",
            "FROM softwaremill/elasticmq:1.7.1",
            "FROM softwaremill/elasticmq",
        ),
        ("a stage that runs as root", "USER 10001:10001", "USER root"),
        ("a stage that runs as root", "USER 1001:0\n", ""),
        ("a build that may change Cargo.lock", "--locked", ""),
        (
            "a build without caches",
            "--mount=type=cache,target=/src/target",
            "--mount=type=tmpfs,target=/src/target",
        ),
        (
            "a secret in a layer",
            "ENV SHOP_DATA=/data",
            "ENV JWT_SECRET=abc",
        ),
        (
            "a secret in a layer",
            "ARG REVISION=unknown",
            "ARG API_TOKEN",
        ),
        (
            "an ADD, which may fetch anything",
            "EXPOSE 9324",
            "ADD https://example.com/x /x",
        ),
        (
            "no OCI labels",
            "org.opencontainers.image.title=\"loadgen queue\"",
            "title=\"queue\"",
        ),
        ("no health check", "--start-period=30s", ""),
        (
            "packages in the image that runs",
            "WORKDIR /data",
            "RUN apt-get install curl",
        ),
        (
            "sources in the image that runs",
            "EXPOSE 9324",
            "COPY . /src",
        ),
    ];
    for (fault, whole, part) in broken {
        assert!(text.contains(whole), "{whole}");
        let found = dockerfile_faults(&text.replace(whole, part));
        assert!(found.contains(&fault), "{fault}: {found:?}");
    }
}

#[test]
fn the_build_gets_the_whole_workspace_and_nothing_else() {
    let ignore = read(".dockerignore");
    let lines: BTreeSet<_> = ignore.lines().filter(|l| !l.starts_with('#')).collect();
    assert!(lines.contains("*") && lines.contains("**/.env*"));
    let manifest = read("Cargo.toml");
    let members = manifest.split_once("members = [").expect("members").1;
    let members = members.split(']').next().expect("their end");
    let members = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'));
    let needed = members.chain(["Cargo.toml", "Cargo.lock", "src", "compose/queue"]);
    let needed: BTreeSet<_> = needed
        .filter(|name| !name.is_empty())
        .map(|name| format!("!{name}"))
        .collect();
    let given: BTreeSet<_> = lines
        .iter()
        .filter(|l| l.starts_with('!'))
        .map(|l| (*l).to_owned())
        .collect();
    assert_eq!(given, needed);
}

#[test]
fn the_queue_has_every_queue_of_the_shop() {
    let file = read("compose/queue/elasticmq.conf");
    let begins = "defaultVisibilityTimeout = 30 seconds";
    for topic in Topic::ALL {
        let (queue, letters) = (topic.queue().name(), topic.dead_letters().name());
        let redrive = format!("deadLettersQueue {{ name = shop-{letters}, maxReceiveCount = 3 }}");
        for line in [
            format!("  shop-{queue} {{ {begins}, {redrive} }}\n"),
            format!("  shop-{letters} {{ {begins} }}\n"),
        ] {
            assert!(file.contains(&line), "{line}");
        }
    }
    assert!(file.contains("prune-data-on-init = false"));
}

#[test]
fn the_templates_hold_no_secret_and_git_does_not_see_the_values() {
    for file in ["compose/.env.example", "compose/.env.aws.example"] {
        for line in read(file).lines().filter(|l| !l.starts_with('#')) {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            assert!(!is_secret(name) || value.is_empty(), "{file}: {name}");
        }
    }
    for (file, ignored) in [
        ("compose/.env", true),
        ("compose/.env.aws", true),
        ("compose/.env.example", false),
    ] {
        let status = Command::new("git")
            .args(["check-ignore", "--quiet", "--no-index", file])
            .status();
        assert_eq!(status.expect("git").success(), ignored, "{file}");
    }
}

/// The values of `key:` in a file, whatever they belong to.
fn values(text: &str, key: &str) -> Vec<String> {
    let start = format!("{key}:");
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- "));
    lines
        .filter_map(|line| Some(line.strip_prefix(&start)?.trim().to_owned()))
        .collect()
}

#[test]
fn prometheus_reads_every_service_and_grafana_finds_what_its_dashboards_ask_for() {
    let scraped = read("compose/prometheus/prometheus.yml");
    for service in shop::service::Service::all() {
        let port = match service {
            shop::service::Service::Gateway => 9464,
            other => other.default_port(),
        };
        assert!(scraped.contains(&format!("- {}:{port}\n", service.name())));
    }
    let sources = values(
        &read("compose/grafana/provisioning/datasources/shop.yaml"),
        "uid",
    );
    for entry in fs::read_dir("compose/grafana/dashboards").expect("dashboards") {
        let path = entry.expect("a dashboard").path();
        let board = read(path.to_str().expect("a path"));
        let asked = board.split("\"datasource\": {").skip(1);
        for source in asked {
            let uid = source.split("\"uid\": \"").nth(1).expect("a uid");
            let uid = uid.split('"').next().expect("its end");
            let known = sources.iter().any(|source| source == uid) || uid.starts_with("-- ");
            assert!(known, "{}: {uid}", path.display());
        }
    }
}

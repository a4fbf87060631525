//! A rehearsal without containers: what each of them runs, with the variables that it gets, as processes over a real
//! PostgreSQL and Redis and a server that speaks SQS.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use reqwest::{Client, RequestBuilder};
use rustix::process::Signal;
use serde_json::{Value, json};
use shop::service::Service;
use tempfile::TempDir;
use test_servers::free_port;
use test_servers::postgres::PostgresServer;
use test_servers::redis::RedisServer;
use test_servers::sqs::TestSqs;

use super::shop_commands::shop_containers;
use super::tool::{Compose, Merged, Shape};
use super::value::{list, text};
use crate::support::{Program, eventually};

/// The containers of the shop, moved to free ports of this machine.
struct Stage {
    merged: Merged,
    postgres: PostgresServer,
    redis: RedisServer,
    queue: TestSqs,
    folder: TempDir,
    /// The free port in place of each host and port of the internal network, such as `orders:8080`.
    places: BTreeMap<String, u16>,
}

impl Stage {
    fn new() -> Self {
        let services = Service::all().map(|s| (s.name().to_owned(), s.default_port()));
        let hosts = services.chain([("provider".to_owned(), 3900)]);
        Self {
            merged: Compose::new().shape(Shape::Production),
            postgres: PostgresServer::start(),
            redis: RedisServer::start(),
            queue: TestSqs::fresh(),
            folder: tempfile::tempdir().expect("a folder"),
            places: hosts
                .map(|(host, port)| (format!("{host}:{port}"), free_port()))
                .collect(),
        }
    }

    /// The port of a container; 0 for one that has none.
    fn port(&self, name: &str) -> u16 {
        let of_name = |place: &str| place.split_once(':').is_some_and(|(host, _)| host == name);
        let place = self.places.iter().find(|(place, _)| of_name(place));
        place.map_or(0, |(_, port)| *port)
    }

    /// A word of a command, or a value, as it has to be here.
    fn moved(&self, name: &str, word: &str) -> String {
        let file = |rest: &str| self.folder.path().join(rest).display().to_string();
        let own = format!("127.0.0.1:{}", self.port(name));
        match word {
            "0.0.0.0" => return "127.0.0.1".to_owned(),
            "0.0.0.0:9464" => return "127.0.0.1:0".to_owned(),
            "3900" => return self.port("provider").to_string(),
            "/data" => return file(name),
            _ => {}
        }
        if let Some(rest) = word.strip_prefix("/tmp/") {
            return file(rest);
        }
        let places = self
            .places
            .iter()
            .map(|(place, port)| (place.clone(), format!("127.0.0.1:{port}")));
        let moved = places.fold(word.to_owned(), |word, (from, to)| word.replace(&from, &to));
        moved.replace("127.0.0.1:3900", &own)
    }

    fn value(&self, name: &str, variable: &str, value: &str) -> String {
        match variable {
            "DATABASE_URL" => self.postgres.url(),
            "REDIS_URL" => self.redis.url(),
            "QUEUE_URL" => self.queue.url().to_owned(),
            _ => self.moved(name, value),
        }
    }

    /// The shop's program with these words, and nothing from the environment but what the container gets.
    fn program(&self, name: &str, words: &[String]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .env_clear()
            .arg("shop")
            .args(words.iter().map(|word| self.moved(name, word)));
        let values = self.merged.services()[name]["environment"]
            .as_object()
            .expect("variables");
        command.envs(
            values
                .iter()
                .map(|(v, value)| (v, self.value(name, v, &text(value)))),
        );
        command.env("SHOP_DATA", self.folder.path().join(name));
        Program::spawn(command)
    }

    /// Runs a container's command, on its free port.
    fn start(&self, name: &str) -> Program {
        let mut words = list(&self.merged.services()[name]["command"]);
        if words[0] == "serve" {
            words.extend(["--port".to_owned(), format!("{name}={}", self.port(name))]);
        }
        self.program(name, &words)
    }

    /// Runs a container's health check.
    fn is_well(&self, name: &str) -> bool {
        let mut words = list(&self.merged.services()[name]["healthcheck"]["test"]).split_off(2);
        if words[1] == "--ready" {
            let url = format!("http://127.0.0.1:{}/ready", self.port(name));
            words.splice(1.., ["--url".to_owned(), url]);
        }
        self.program(name, &words).wait().code() == 0
    }
}

/// Sends a request; the answer's JSON.
fn ask(request: RequestBuilder) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let answer = request.send().await.expect("an answer");
        answer.json().await.expect("JSON")
    })
}

fn ends_well(program: Program, name: &str) {
    let ended = program.wait();
    assert_eq!(ended.code(), 0, "{name}: {}{}", ended.out, ended.err);
}

/// Starts every container's process and waits until each is well.
fn start_all(stage: &Stage) -> Vec<(String, Program)> {
    let names = shop_containers(&stage.merged).map(|(name, _)| name.clone());
    let names = names.filter(|name| !name.starts_with("migrate"));
    let mut running: Vec<_> = names
        .map(|name| (name.clone(), stage.start(&name)))
        .collect();
    for (name, program) in &mut running {
        eventually(&format!("{name} is well"), || {
            assert!(program.is_running(), "{name} ended: {}", program.err());
            stage.is_well(name).then_some(())
        });
    }
    running
}

#[test]
fn what_the_containers_run_is_a_whole_shop() {
    let stage = Stage::new();
    for job in ["migrate", "migrate-monitoring"] {
        ends_well(stage.start(job), job);
    }
    let running = start_all(&stage);
    let url = format!("http://127.0.0.1:{}/api/orders", stage.port("gateway"));
    let plain = json!({ "customerId": "123", "items": ["item1", "item2"], "total": 99.99 });
    let order = ask(Client::new().post(&url).json(&plain));
    let (Some(id), Some(token)) = (order["id"].as_str(), order["accessToken"].as_str()) else {
        panic!("no order: {order}");
    };
    eventually("the order has gone through the pipeline", || {
        let request = Client::new().get(format!("{url}/{id}"));
        let order = ask(request.bearer_auth(token));
        (order["status"] == "reserved").then_some(())
    });
    assert!(
        Path::new(&stage.moved("provider", "/data"))
            .join("provider.db")
            .exists()
    );
    for (_, program) in &running {
        program.signal(Signal::TERM);
    }
    for (name, program) in running {
        ends_well(program, &name);
    }
}

//! Each service is a process of its own. Random ones are killed during a checkout storm, or the servers that they keep
//! their data on stand still, while clients also hang up: afterwards nothing is lost, nothing is there twice, and stock
//! and money are exact.
//!
//! `STORM_KILLS=30` kills that often (the tests' own number is smaller), `STORM_SEED` chooses other victims,
//! `STANDSTILLS=10` lets each server stand still that often, and `SHOPPERS_PER_S=30` come so many shoppers. `scripts/test --long`
//! sets these. `STORM_SQS=1` puts the queues on an SQS-compatible server.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use test_servers::postgres::{PostgresServer, TestDatabase};
use test_servers::redis::RedisServer;
use test_servers::sqs::SqsServer;

use crate::town::{SERVICES, Storm, Town};

const KILLS_DEFAULT: usize = 6;
/// The storm goes on after the last kill until clients hold so many promises: enough that every kind of end has come up (of a
/// hundred orders that the shop charges by itself, ten are declined).
const PROMISES_MIN: usize = 300;
/// Those whose death could lose the most come first, so that few kills reach them, too; the others are chosen by chance.
const VICTIMS_FIRST: [&str; 3] = ["orders", "payment", "gateway"];
/// Longest moment between a promise and the kill that follows it.
const MOMENT_MS_MAX: u64 = 400;
/// How long a server stands still: longer than any operation may take.
const STANDSTILL_S: std::ops::RangeInclusive<u64> = 8..=12;
/// Promises between two standstills.
const PROMISES_BETWEEN: usize = 30;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

/// PostgreSQL and Redis of a test's own, and an SQS-compatible server where `STORM_SQS` asks for it: the one there is takes
/// a core for itself as soon as eight processes poll it, which a short test has no room for.
struct Servers {
    postgres: PostgresServer,
    redis: RedisServer,
    sqs: Option<SqsServer>,
    // Its database goes before its server.
    database: TestDatabase,
}

impl Servers {
    fn start() -> Self {
        let postgres = PostgresServer::start();
        Servers {
            database: postgres.database(),
            postgres,
            redis: RedisServer::start(),
            sqs: std::env::var_os("STORM_SQS").map(|_| SqsServer::start()),
        }
    }

    /// What tells the shop's processes to use them.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("DATABASE_URL", self.database.url().to_owned()),
            ("REDIS_URL", self.redis.url()),
        ];
        if let Some(sqs) = &self.sqs {
            let queues = format!("{}/123456789012/storm", sqs.url());
            variables.extend([
                ("QUEUE_URL", queues),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
            ]);
        }
        variables
    }
}

#[test]
fn nothing_is_lost_when_random_services_are_killed() {
    kill_at_random(Town::start(Vec::new()));
}

#[test]
fn nothing_is_lost_on_real_stores_when_random_services_are_killed() {
    let servers = Servers::start();
    kill_at_random(Town::start(servers.variables()));
}

fn kill_at_random(mut town: Town) {
    let kills = number("STORM_KILLS", KILLS_DEFAULT as u64) as usize;
    let mut chance = ChaCha8Rng::seed_from_u64(number("STORM_SEED", 4));
    let storm = Storm::on(&town, number("SHOPPERS_PER_S", 20));
    let mut killed: BTreeMap<&str, u32> = BTreeMap::new();
    for kill in 0..kills {
        storm.promises_more(1);
        // At another moment of the shop's work each time; nothing waits for this.
        std::thread::sleep(Duration::from_millis(chance.random_range(0..MOMENT_MS_MAX)));
        let any = SERVICES[chance.random_range(0..SERVICES.len())];
        let victim = VICTIMS_FIRST.get(kill).copied().unwrap_or(any);
        *killed.entry(victim).or_default() += 1;
        town.kill_and_restart(victim);
    }
    storm.promises_more(PROMISES_MIN.saturating_sub(storm.promises()));
    let counts = storm.end_and_audit(&format!("killed {killed:?}"));
    let demands = [
        ("/acknowledged", 30),
        ("/by_status/reserved", 10),
        ("/by_status/failed", 1),
        ("/by_status/cancelled", 1),
        ("/returned_minor/USD", 1),
    ];
    for (pointer, least) in demands {
        let count = counts.pointer(pointer).and_then(Value::as_i64);
        assert!(count >= Some(least), "{pointer}: {counts}");
    }
}

#[test]
fn nothing_is_lost_when_the_stores_stand_still() {
    let rounds = number("STANDSTILLS", 1);
    let mut chance = ChaCha8Rng::seed_from_u64(number("STORM_SEED", 4));
    let servers = Servers::start();
    let town = Town::start(servers.variables());
    let storm = Storm::on(&town, number("SHOPPERS_PER_S", 10));
    for _ in 0..rounds {
        let mut still = |pause: &dyn Fn(), resume: &dyn Fn()| {
            storm.promises_more(PROMISES_BETWEEN);
            pause();
            std::thread::sleep(Duration::from_secs(chance.random_range(STANDSTILL_S)));
            resume();
        };
        still(&|| servers.postgres.pause(), &|| servers.postgres.resume());
        still(&|| servers.redis.pause(), &|| servers.redis.resume());
        if let Some(sqs) = &servers.sqs {
            still(&|| sqs.pause(), &|| sqs.resume());
        }
    }
    storm.promises_more(PROMISES_BETWEEN);
    storm.end_and_audit(&format!("each server stood still {rounds} times"));
}

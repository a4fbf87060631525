//! Runs servers for as long as standard input stays open, and prints a variable with each one's URL: what
//! `scripts/test` gives to all tests.

use std::io::Read;
use std::process::ExitCode;

use test_servers::postgres::{self, PostgresServer};
use test_servers::redis::{self, RedisServer};
use test_servers::sqs::{self, SqsServer};

/// Any of the servers, and what tests know it by.
struct Shared {
    variable: &'static str,
    url: String,
    _server: Box<dyn std::any::Any>,
}

#[expect(clippy::print_stdout, reason = "the URLs are what the program is for")]
fn main() -> ExitCode {
    let started: Option<Vec<Shared>> = std::env::args().skip(1).map(|name| start(&name)).collect();
    let Some(servers) = started.filter(|servers| !servers.is_empty()) else {
        eprintln!("usage: test-servers postgres|redis|sqs ...");
        return ExitCode::FAILURE;
    };
    for server in &servers {
        println!("{}={}", server.variable, server.url);
    }
    println!();
    // Its end is the sign to stop, and so is an error.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    ExitCode::SUCCESS
}

fn start(name: &str) -> Option<Shared> {
    match name {
        "postgres" => {
            let server = PostgresServer::start();
            Some(shared(
                postgres::SHARED_SERVER_VARIABLE,
                server.url(),
                server,
            ))
        }
        "redis" => {
            let server = RedisServer::start();
            Some(shared(redis::SHARED_SERVER_VARIABLE, server.url(), server))
        }
        "sqs" => {
            let server = SqsServer::start();
            Some(shared(sqs::SHARED_SERVER_VARIABLE, server.url(), server))
        }
        _ => None,
    }
}

fn shared(variable: &'static str, url: String, server: impl std::any::Any) -> Shared {
    Shared {
        variable,
        url,
        _server: Box::new(server),
    }
}

//! Runs one server for as long as standard input stays open, and prints its URL: what `scripts/test` gives to all tests.

use std::io::Read;
use std::process::ExitCode;

use test_servers::postgres::PostgresServer;

#[expect(clippy::print_stdout, reason = "the URL is what the program is for")]
fn main() -> ExitCode {
    let server = std::env::args().nth(1);
    if server.as_deref() != Some("postgres") {
        eprintln!("usage: test-servers postgres");
        return ExitCode::FAILURE;
    }
    let server = PostgresServer::start();
    println!("{}", server.url());
    // Its end is the sign to stop, and so is an error.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    ExitCode::SUCCESS
}

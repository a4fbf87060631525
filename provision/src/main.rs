//! The `monitors` command.

use std::process::ExitCode;

use clap::Parser as _;
use provision::cli::Cli;
use provision::exit::{Exit, exit_code};

fn main() -> ExitCode {
    // Known before parsing, so that a mistyped command line is not taken for changes.
    let detailed = std::env::args_os().any(|argument| argument == "--detailed-exitcode");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return exit_code(exit, detailed);
        }
    };
    match provision::run(cli) {
        Ok(exit) => exit_code(exit, detailed),
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(Exit::Failed, detailed)
        }
    }
}

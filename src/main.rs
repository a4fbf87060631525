//! The `loadgen` program: parse, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use loadgen::cli::Cli;
use loadgen::exit::Exit;

/// Worker threads allocate and free thousands of small pieces a second; glibc's per-thread arenas grow and shrink by system
/// calls while they do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loadgen::own::refuse_huge_pages();
    let exit = match Cli::try_parse() {
        Ok(cli) => cli.execute().unwrap_or_else(|error| {
            // There is nowhere left to complain when standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            Exit::Failed
        }),
        Err(help_or_mistake) => {
            let _ = help_or_mistake.print();
            if help_or_mistake.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            }
        }
    };
    exit.into()
}

//! The `loadgen` program: parse, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use loadgen::cli::Cli;
use loadgen::exit::Exit;
use loadgen::redact;

/// Worker threads allocate and free thousands of small pieces a second; glibc's per-thread arenas grow and shrink by system
/// calls while they do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loadgen::own::refuse_huge_pages();
    let exit = match Cli::try_parse() {
        Ok(cli) => cli.execute().unwrap_or_else(|error| {
            // There is nowhere left to complain when standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {}", redact::error(&error));
            Exit::Failed
        }),
        Err(help_or_mistake) => {
            tell(&help_or_mistake);
            if help_or_mistake.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            }
        }
    };
    exit.into()
}

/// Help, or what was wrong with the command line. A mistake is quoted, and what was typed may be a secret.
fn tell(help_or_mistake: &clap::Error) {
    let text = help_or_mistake.render().to_string();
    let shown = redact::Shown::from(text.as_str());
    let _ = match help_or_mistake.use_stderr() && *shown != *text {
        true => write!(std::io::stderr(), "{shown}"),
        false => help_or_mistake.print(),
    };
}

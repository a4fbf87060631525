//! The command line as a whole: its shape, and which command does what.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    Output, check, compare, import, list, logs, metrics, preview, problem_style, report, runs,
    schema, show, traces,
};
use crate::exit::Exit;
use crate::{audit, colour, commands, engine, selftest, watch};

/// Seeded, open-loop shoppers against a realistic shop, measured honestly
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "Start here:
  loadgen run checkout-storm      a whole shop comes up, and shoppers storm its checkout
  loadgen list                    the scenarios there are
  loadgen selftest                what this machine's clock and percentiles are worth"
)]
pub struct Cli {
    /// No colours, as with NO_COLOR
    #[arg(long, alias = "no-colour", global = true)]
    no_color: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<commands::run::RunArgs>),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Check(check::CheckArgs),
    Preview(preview::PreviewArgs),
    Schema(schema::SchemaArgs),
    Import(import::ImportArgs),
    Watch(watch::WatchArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
    Runs(runs::RunsArgs),
    Traces(traces::TracesArgs),
    Logs(logs::LogsArgs),
    Metrics(metrics::MetricsArgs),
    Audit(audit::AuditArgs),
    Selftest(selftest::SelftestArgs),
    /// Run the reference shop by itself
    #[command(after_help = "Examples:
  loadgen shop serve
  loadgen shop serve --service cart --data /tmp/shop")]
    Shop(shop::cli::ShopArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:
  loadgen completions bash > ~/.local/share/bash-completion/completions/loadgen")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_help = "Examples:
  loadgen man | man -l -
  loadgen man ~/.local/share/man/man1")]
    Man {
        /// Folder for the pages of all commands
        folder: Option<PathBuf>,
    },
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When loadgen itself fails; wrong input is no error here but an exit code, after it has been explained.
    pub fn execute(self) -> anyhow::Result<Exit> {
        if self.no_color {
            colour::refuse();
        }
        match self.command {
            // These run for a while and write by themselves.
            Command::Run(args) => commands::run::run(&args),
            Command::Watch(args) => watch::run(&args),
            Command::Audit(args) => audit::run(&args),
            Command::Selftest(args) => selftest::run(&args),
            Command::Shop(args) => args.run().map(|()| Exit::Ok),
            Command::List(args) => written(|output| Ok(list::run(&args, output)?)),
            Command::Show(args) => written(|output| Ok(show::run(&args, output)?)),
            Command::Check(args) => written(|output| Ok(check::run(&args, output)?)),
            Command::Preview(args) => {
                written(|output| Ok(preview::run(&args, &engine::preview::render, output)?))
            }
            Command::Schema(args) => written(|output| Ok(schema::run(&args, output)?)),
            Command::Import(args) => written(|output| import::run(&args, output)),
            Command::Report(args) => written(|output| report::run(&args, output)),
            Command::Runs(args) => written(|output| runs::run(&args, output)),
            Command::Traces(args) => written(|output| traces::run(&args, output)),
            Command::Logs(args) => written(|output| logs::run(&args, output)),
            Command::Metrics(args) => written(|output| metrics::run(&args, output)),
            Command::Compare(args) => written(|output| compare::run(&args, output)),
            Command::Man { folder } => written(|output| man(folder.as_deref(), output)),
            Command::Completions { shell } => written(|output| Ok(completions(shell, output))),
        }
    }
}

/// The manual page of the program, or a page for each command in a folder.
fn man(folder: Option<&Path>, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    match folder {
        None => clap_mangen::Man::new(Cli::command()).render(&mut *output.out)?,
        Some(folder) => {
            shop::private::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
                .with_context(|| format!("cannot write manual pages to '{}'", folder.display()))?;
        }
    }
    Ok(Exit::Ok)
}

/// Lets a command write to the standard streams.
fn written(command: impl FnOnce(&mut Output<'_>) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    command(&mut Output {
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr(),
        style: problem_style(),
    })
}

fn completions(shell: clap_complete::Shell, output: &mut Output<'_>) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loadgen", &mut script);
    match output.out.write_all(&script) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Failed,
    }
}

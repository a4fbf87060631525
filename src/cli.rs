//! The command line as a whole: its shape, and which command does what.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{Output, check, compare, list, preview, problem_style, report, schema, show};
use crate::exit::Exit;
use crate::{audit, engine, run, selftest, watch};

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
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Check(check::CheckArgs),
    Preview(preview::PreviewArgs),
    Schema(schema::SchemaArgs),
    Watch(watch::WatchArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
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
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When loadgen itself fails; wrong input is no error here but an exit code, after it has been explained.
    pub fn execute(self) -> anyhow::Result<Exit> {
        let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr());
        let output = &mut Output {
            out: &mut out,
            err: &mut err,
            style: problem_style(),
        };
        let exit = match self.command {
            Command::List(args) => list::run(&args, output),
            Command::Show(args) => show::run(&args, output),
            Command::Check(args) => check::run(&args, output),
            Command::Preview(args) => preview::run(&args, &engine::preview::render, output),
            Command::Schema(args) => schema::run(&args, output),
            Command::Report(args) => return report::run(&args, output),
            Command::Compare(args) => return compare::run(&args, output),
            Command::Completions { shell } => Ok(completions(shell, output)),
            other => {
                drop(out);
                return other.execute_long();
            }
        };
        Ok(exit?)
    }
}

impl Command {
    /// Commands that run for a while and write by themselves.
    fn execute_long(self) -> anyhow::Result<Exit> {
        match self {
            Self::Run(args) => run::run(&args),
            Self::Watch(args) => watch::run(&args),
            Self::Audit(args) => audit::run(&args),
            Self::Selftest(args) => selftest::run(&args),
            Self::Shop(args) => args.run().map(|()| Exit::Ok),
            _ => Ok(Exit::Usage),
        }
    }
}

fn completions(shell: clap_complete::Shell, output: &mut Output<'_>) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loadgen", &mut script);
    match output.out.write_all(&script) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Failed,
    }
}

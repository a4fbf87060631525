//! One function for each command: reads, asks, prints, ends with an exit code.

mod change;
mod check;
mod drift;
mod export;
mod files;
mod import;
mod init;
mod remote;
mod show;
mod signals;
mod stand_in;
mod validate;

use std::io::{self, Write as _};

use alerting::set::Set;
use anyhow::Context as _;
use checked_yaml::{Problems, Style};

use crate::api::{Api, Endpoint, Settings};
use crate::cli::{Cli, Command, Files, Org};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::project::{Ambient, Texts};

/// Does what was typed.
///
/// # Errors
///
/// What went wrong, for the end user.
pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Init(args) => init::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Validate(args) => validate::run(&args).await,
            Command::Plan(args) => change::plan(&args).await,
            Command::Apply(args) => change::apply(&args).await,
            Command::Destroy(args) => change::destroy(&args).await,
            Command::Import(args) => import::run(&args).await,
            Command::Show(args) => show::run(&args).await,
            Command::Drift(args) => drift::run(&args).await,
            Command::Export(args) => export::run(&args),
            Command::Metrics(args) => files::metrics(&args),
            Command::Completions(args) => files::completions(&args),
            Command::Schema(args) => files::schema(&args),
            Command::Fmt(args) => files::fmt(&args),
            Command::StandIn(args) => stand_in::run(args).await,
        }
    })
}

/// The result of a command. A reader that closed the pipe has seen enough.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// The definitions, or `None` when they are wrong and that was said.
fn load(files: &Files) -> anyhow::Result<Option<Set>> {
    let texts = Texts::read(&files.dir)?;
    match texts.load(files, &ambient()) {
        Ok(set) => Ok(Some(set)),
        Err(reports) => {
            complain(&reports);
            Ok(None)
        }
    }
}

fn complain(reports: &[Problems]) {
    let style =
        if io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none() {
            Style::Colour
        } else {
            Style::Plain
        };
    for report in reports {
        eprintln!("{}", report.render(style));
    }
    let count: usize = reports.iter().map(Problems::len).sum();
    eprintln!(
        "{count} problem{} in {} file{}",
        plural(count),
        reports.len(),
        plural(reports.len())
    );
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A variable of the process's environment, which is read here and nowhere else.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn ambient() -> Ambient {
    Ambient {
        environment: variable("DD_ENV"),
        site: variable("DD_SITE"),
    }
}

/// The API at the address on the command line, else the environment's, else the project's, else the site's.
fn api(org: &Org, project_url: Option<&String>) -> anyhow::Result<(Api, Progress)> {
    let api_url = org.api_url.clone().or_else(|| variable("DD_API_URL"));
    let endpoint = Endpoint::new(Settings {
        api_url: api_url.or_else(|| project_url.cloned()),
        site: variable("DD_SITE"),
        api_key: variable("DD_API_KEY"),
        app_key: variable("DD_APP_KEY"),
    })?;
    let progress = Progress::new(org.quiet);
    Ok((Api::new(endpoint, progress)?, progress))
}

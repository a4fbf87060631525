//! `loadgen import`: a scenario from a recording or a description that other programs made.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use checked_yaml::Problems;
use clap::{Args, Subcommand, ValueEnum};

use super::report::replace;
use super::{Format, Output};
use crate::exit::Exit;
use crate::import::{self, Draft, Tally, curl, har, openapi};
use crate::redact::Shown;

/// Make a scenario from a recording, curl commands or an API's description
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen import har shop.har --output scenarios/shop.yaml
  loadgen import har shop.har --host cdn.example --no-assets --think none > shop.yaml
  loadgen import curl commands.sh > shop.yaml
  loadgen import openapi openapi.yaml --output scenarios/api.yaml

The scenario walks once; it says itself how it becomes a load. Secrets never stand in it: what has to be set in the environment is
said on standard error and at its top.")]
pub struct ImportArgs {
    #[command(subcommand)]
    from: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Har(HarArgs),
    Curl(CurlArgs),
    Openapi(OpenapiArgs),
}

/// Where the scenario goes.
#[derive(Debug, Args)]
struct OutputArgs {
    /// Write to this file, which must not be there yet, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,

    /// Name of the scenario; default: that of the file
    #[arg(long)]
    name: Option<String>,
}

/// From a HAR file, as browsers and proxies save it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  loadgen import har shop.har --output scenarios/shop.yaml

Browsers save a HAR file from the network tab of their developer tools. Taken are requests to where the pages come from; redirects
become part of the step that leads to them, and what was under way at the same time becomes `together`.")]
struct HarArgs {
    /// The recording, at most 256 MiB
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Take requests to this host (or host:port) too; `*` takes all
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,

    /// Leave out style sheets, scripts, images, fonts and media
    #[arg(long)]
    no_assets: bool,

    /// Pauses between pages: as recorded, or none
    #[arg(long, value_enum, default_value_t)]
    think: ThinkArg,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ThinkArg {
    /// As they were, rounded
    #[default]
    Recorded,
    /// No pauses
    None,
}

/// From curl commands, as browsers copy them ("Copy as cURL", bash)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen import curl commands.sh --output scenarios/shop.yaml
  xclip -o | loadgen import curl - > shop.yaml

Variables of the shell become values from the environment. Options that mean nothing to a load are listed at the top of the file.")]
struct CurlArgs {
    /// One or several commands; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    output: OutputArgs,
}

/// From an OpenAPI 3 or Swagger 2 document, YAML or JSON
#[derive(Debug, Args)]
#[command(after_help = "Example:
  loadgen import openapi openapi.yaml --output scenarios/api.yaml

What an operation demands comes from examples, defaults and schemas; ids come from the list that has them. Operations that change
something are written as comments, unless --include-writes is given.")]
struct OpenapiArgs {
    /// The document; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Send operations that change something (POST, PUT, PATCH, DELETE), too
    #[arg(long)]
    include_writes: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is said about an import.
struct Summary {
    /// Requests, and what else there is to say of them.
    kept: String,
    skipped: Tally,
    variables: Vec<String>,
}

/// Makes the scenario.
///
/// # Errors
/// A stream or a file that cannot be written.
pub fn run(args: &ImportArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let (file, to, made) = match &args.from {
        Source::Har(args) => (&args.file, &args.output, from_har(args)),
        Source::Curl(args) => (&args.file, &args.output, from_curl(args)),
        Source::Openapi(args) => (&args.file, &args.output, from_openapi(args)),
    };
    match made {
        Ok((draft, summary)) => finish(&draft, &summary, to, output),
        Err(reasons) => refuse(output, file, &reasons),
    }
}

/// A draft with what is said of it, or everything that is wrong.
type Made = Result<(Draft, Summary), Vec<String>>;

fn from_har(args: &HarArgs) -> Made {
    let bytes = read(&args.file, har::FILE_BYTES_MAX).map_err(|reason| vec![reason])?;
    let settings = har::Settings {
        name: name(&args.output, &args.file),
        hosts: args.hosts.clone(),
        without_assets: args.no_assets,
        without_thinking: args.think == ThinkArg::None,
    };
    let imported = har::import(&bytes, &settings).map_err(|reason| vec![reason])?;
    let redirects = match imported.redirects {
        0 => String::new(),
        count => format!(", {count} redirects followed by them"),
    };
    let summary = Summary {
        kept: format!("{} requests{redirects}", imported.requests),
        skipped: imported.skipped,
        variables: imported.variables,
    };
    Ok((imported.draft, summary))
}

fn from_curl(args: &CurlArgs) -> Made {
    let text = read_text(&args.file, curl::FILE_BYTES_MAX)?;
    let imported = curl::import(&text, &name(&args.output, &args.file))?;
    let summary = Summary {
        kept: format!("{} requests", imported.requests),
        skipped: imported.skipped,
        variables: Vec::new(),
    };
    Ok((imported.draft, summary))
}

fn from_openapi(args: &OpenapiArgs) -> Made {
    let text = read_text(&args.file, openapi::FILE_BYTES_MAX)?;
    let settings = openapi::Settings {
        name: name(&args.output, &args.file),
        include_writes: args.include_writes,
    };
    let file = args.file.display().to_string();
    let imported = openapi::import(&file, &text, &settings).map_err(|reason| vec![reason])?;
    let summary = Summary {
        kept: format!("{} requests", imported.requests),
        skipped: imported.skipped,
        variables: imported.variables,
    };
    Ok((imported.draft, summary))
}

/// Writes the scenario, and what there is to say about it.
fn finish(
    draft: &Draft,
    summary: &Summary,
    args: &OutputArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let text = import::scenario(draft);
    match &args.output {
        None => output.out.write_all(text.as_bytes())?,
        Some(path) => {
            if let Err(error) = write(path, &text, args.force) {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    let reason = "it is there already; `--force` replaces it".to_owned();
                    return refuse(output, path, &[reason]);
                }
                return refuse(output, path, &[format!("it cannot be written: {error}")]);
            }
        }
    }
    say(draft, summary, args, output)?;
    Ok(Exit::Ok)
}

fn say(
    draft: &Draft,
    summary: &Summary,
    args: &OutputArgs,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let err = &mut output.err;
    writeln!(
        err,
        "{}: {}",
        draft.name,
        Shown::from(summary.kept.as_str())
    )?;
    for line in summary.skipped.lines() {
        writeln!(err, "  left out: {}", Shown::from(line))?;
    }
    if !summary.variables.is_empty() {
        writeln!(
            err,
            "  taken from answers: {}",
            summary.variables.join(", ")
        )?;
    }
    for needed in &draft.needed {
        writeln!(
            err,
            "  set before it runs: {}  {}",
            needed.name,
            Shown::from(needed.what.as_str())
        )?;
    }
    if let Some(path) = &args.output {
        let path = path.display();
        writeln!(
            err,
            "next: loadgen check {path}, loadgen preview {path}, loadgen run {path}"
        )?;
    }
    Ok(())
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if force {
        // The old file or the new one, never half of it.
        return replace(path, text.as_bytes()).map_err(io::Error::other);
    }
    let mut options = shop::private::options();
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    let mut bytes = Vec::new();
    let stream: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(said)?),
    };
    stream
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(said)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(format!("it is larger than {} MiB", bytes_max >> 20)),
        false => Ok(bytes),
    }
}

fn read_text(path: &Path, bytes_max: u64) -> Result<String, Vec<String>> {
    let bytes = read(path, bytes_max).map_err(|reason| vec![reason])?;
    String::from_utf8(bytes).map_err(|_| vec!["it is no UTF-8 text".to_owned()])
}

/// Tells why there is no scenario.
fn refuse(output: &mut Output<'_>, path: &Path, reasons: &[String]) -> anyhow::Result<Exit> {
    let path = path.display().to_string();
    for reason in reasons {
        let message = format!("`{path}`: {}", Shown::from(reason.as_str()));
        output.problems(&Problems::without_text(&path, message, ""), Format::Text)?;
    }
    Ok(Exit::Usage)
}

/// The name that was given, or one made of the file's.
fn name(args: &OutputArgs, file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let given = args.name.as_deref().unwrap_or(&stem);
    let usable = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let name: String = given
        .chars()
        .map(|c| if usable(c) { c } else { '-' })
        .take(60)
        .collect();
    let name = name.trim_matches('-');
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name.to_owned(),
        Some(_) => format!("import-{name}"),
        // Standard input has no name.
        None => "imported".to_owned(),
    }
}

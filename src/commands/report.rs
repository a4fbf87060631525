//! `loadgen report`: a run folder, or the segments of one run, in the form that is asked for.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::Output;
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::figures::Figures;
use crate::report::folder::write_atomically;
use crate::report::html::{TraceUrl, page};
use crate::report::merge::merge;
use crate::report::read::{Run, read};
use crate::report::{hgrm, json, junit, markdown, table, text};

/// Show a run again, in another form, or the segments of a run as one
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen report runs/20260101-120000-checkout-storm
  loadgen report runs/20260101-120000-checkout-storm --markdown >> \"$GITHUB_STEP_SUMMARY\"
  loadgen report runs/*-checkout-storm --junit --out junit.xml
  loadgen report segment-1 segment-2 segment-3 --out whole.html
  loadgen report runs/20260101-120000-checkout-storm --hdr --step 'POST /api/orders' > orders.hgrm

Several folders must be the segments of one run (`run --segment`); their histograms are added bucket for bucket, and their
thresholds judged on the sums. The exit code says whether the report could be made; it does not repeat the run's verdict.")]
pub struct ReportArgs {
    /// Run folders: one, or the segments of one run
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// What is made.
    #[command(flatten)]
    form: FormArgs,

    /// Where it is written; - is standard output [default: report.html in the run folder for --html, standard output for all others]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The step for --hdr; all steps together if not given
    #[arg(long, value_name = "NAME", requires = "hdr")]
    step: Option<String>,

    /// Where a trace can be looked at, with {trace_id} in it; trace ids in the page become links
    #[arg(long, value_name = "URL", env = "LOADGEN_TRACE_URL", value_parser = TraceUrl::parse)]
    trace_url: Option<TraceUrl>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormArgs {
    /// One page with charts, for browsers and printers (the default)
    #[arg(long)]
    html: bool,

    /// The summary of the end of the run
    #[arg(long)]
    text: bool,

    /// Markdown, for pull requests
    #[arg(long)]
    markdown: bool,

    /// The record without its windows, with a summary of all percentiles
    #[arg(long)]
    json: bool,

    /// One row per step over the run, per phase and per window
    #[arg(long)]
    csv: bool,

    /// JUnit XML: validity and each threshold as a test case
    #[arg(long)]
    junit: bool,

    /// HdrHistogram's percentile distribution (.hgrm) of response times
    #[arg(long)]
    hdr: bool,
}

/// Writes the report.
///
/// # Errors
/// When the report cannot be written.
pub fn run(args: &ReportArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let whole = match gather(&args.runs) {
        Ok(whole) => whole,
        Err(problems) => {
            for problem in problems {
                writeln!(output.err, "error: {}", Shown::from(problem.to_string()))?;
            }
            return Ok(Exit::Usage);
        }
    };
    for remark in &whole.remarks {
        writeln!(output.err, "note: {remark}")?;
    }
    let content = match content(args, &whole) {
        Ok(content) => content,
        Err(problem) => {
            writeln!(output.err, "error: {}", Shown::from(problem.to_string()))?;
            return Ok(Exit::Usage);
        }
    };
    match place(args, &whole) {
        Some(path) => {
            replace(&path, content.as_bytes()).with_context(|| {
                format!(
                    "cannot write '{}'; choose another place with --out FILE",
                    path.display()
                )
            })?;
            writeln!(output.err, "wrote {}", path.display())?;
        }
        None => closed_pipe_is_fine(output.out.write_all(content.as_bytes()))?,
    }
    Ok(Exit::Ok)
}

/// The old file or the new one, never half of it; what is no file (a terminal, a pipe) is written as it is.
pub(super) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    // The file that a link points to, not the link.
    let target = std::fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => Ok(std::fs::write(path, content)?),
        Ok(there) => {
            write_atomically(path, |file| Ok(file.write_all(content)?))?;
            // Whoever could read the old file can read the new one.
            Ok(std::fs::set_permissions(path, there.permissions())?)
        }
        Err(_) => write_atomically(path, |file| Ok(file.write_all(content)?)),
    }
}

/// `loadgen report … | head` has got what it wanted.
fn closed_pipe_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads all folders and puts them together; every problem at once.
fn gather(paths: &[PathBuf]) -> Result<Run, Vec<String>> {
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match read(path) {
            Ok(run) => runs.push(run),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    merge(runs).map_err(|error| vec![error.to_string()])
}

fn place(args: &ReportArgs, whole: &Run) -> Option<PathBuf> {
    let f = &args.form;
    let html = !(f.text || f.markdown || f.json || f.csv || f.junit || f.hdr);
    match &args.out {
        Some(path) if path == Path::new("-") => None,
        Some(path) => Some(path.clone()),
        None if html && args.runs.len() > 1 => Some("report.html".into()),
        None if html => Some(whole.path.join("report.html")),
        None => None,
    }
}

fn content(args: &ReportArgs, run: &Run) -> Result<String, String> {
    let form = &args.form;
    if form.text {
        return Ok(text::summary(&run.report, text::Style::PLAIN));
    }
    if form.markdown {
        return Ok(markdown::markdown(run));
    }
    if form.json {
        return Ok(json::json(run));
    }
    if form.csv {
        return table::csv(run).map_err(|error| error.to_string());
    }
    if form.junit {
        return Ok(junit::junit(run));
    }
    if form.hdr {
        return distribution(run, args.step.as_deref());
    }
    page(run, args.trace_url.as_ref()).map_err(|error| error.to_string())
}

fn distribution(run: &Run, step: Option<&str>) -> Result<String, String> {
    let figures = Figures::of(&run.report);
    let Some(wanted) = step else {
        return Ok(hgrm::hgrm(&figures.all.response));
    };
    match figures.steps.iter().find(|row| row.step == wanted) {
        Some(row) => Ok(hgrm::hgrm(&row.cell.response)),
        None => {
            let known: Vec<&str> = figures.steps.iter().map(|row| row.step.as_str()).collect();
            Err(format!(
                "--step '{wanted}': the run has no such step; it has: {}",
                known.join(", ")
            ))
        }
    }
}

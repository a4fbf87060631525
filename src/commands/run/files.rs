//! The report of a run in files of one's own choice, for continuous integration.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failed;
use crate::commands::report::replace;
use crate::report::folder::RunFolder;
use crate::report::read::{Run, read};
use crate::report::{RunReport, json, junit, markdown};

/// Where the report goes besides the run folder.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// Write JUnit XML to a file at the end: the run's validity and each threshold as a test case
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Add Markdown to a file at the end, such as \"$GITHUB_STEP_SUMMARY\"; what stands in it stays
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// What makes the content of a file.
type Form = fn(&Run) -> String;

/// A flag, its file, and what makes its content.
type Wanted<'a> = (&'static str, &'a Path, Form);

impl FileArgs {
    fn wanted<'a>(&'a self, json: Option<&'a Option<PathBuf>>) -> Vec<Wanted<'a>> {
        let all: [(_, Option<&PathBuf>, Form); 3] = [
            ("--junit", self.junit.as_ref(), junit::junit),
            ("--markdown", self.markdown.as_ref(), markdown::markdown),
            ("--json", json.and_then(Option::as_ref), json::json),
        ];
        all.into_iter()
            .filter_map(|(flag, path, form)| Some((flag, path?.as_path(), form)))
            .collect()
    }

    /// Whether the files can be made: a long run should not find out at its end.
    ///
    /// # Errors
    /// All that cannot, a line each.
    pub(super) fn check(&self, json: Option<&Option<PathBuf>>) -> Result<(), String> {
        let problem = |(flag, path, _): Wanted<'_>| {
            let folder = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            let shown = path.display();
            if path == Path::new("-") {
                return Some(format!(
                    "error: {flag} -: it is written to a file; name one, or /dev/stdout"
                ));
            }
            if path.is_dir() {
                return Some(format!(
                    "error: {flag} {shown}: that is a folder; name a file in it"
                ));
            }
            (!folder.is_dir()).then(|| {
                format!(
                    "error: {flag} {shown}: there is no folder '{}'; make it first",
                    folder.display()
                )
            })
        };
        let wanted = self.wanted(json);
        let mut problems: Vec<String> = wanted.iter().copied().filter_map(problem).collect();
        problems.extend(named_twice(&wanted));
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems.join("\n")),
        }
    }

    /// Writes the files; whether all were.
    pub(super) fn write(
        &self,
        folder: &RunFolder,
        report: &RunReport,
        json: Option<&Option<PathBuf>>,
    ) -> bool {
        let wanted = self.wanted(json);
        if wanted.is_empty() {
            return true;
        }
        let run = read(folder.path()).unwrap_or_else(|_| Run {
            path: folder.path().to_owned(),
            report: report.clone(),
            samples: Vec::new(),
            remarks: vec!["run.json was not kept".to_owned()],
        });
        let write = |(flag, path, form): &Wanted<'_>| {
            let content = form(&run);
            let written = match *flag {
                "--markdown" => add(path, &content),
                _ => replace(path, content.as_bytes()),
            };
            let told = |error: anyhow::Error| {
                failed(&error.context(format!("{flag}: cannot write '{}'", path.display())))
            };
            written.map_err(told).is_ok()
        };
        // All of them, also after one that failed.
        wanted.iter().filter(|wanted| !write(wanted)).count() == 0
    }
}

/// Behind what is there already: several runs of one job have one summary.
fn add(path: &Path, content: &str) -> anyhow::Result<()> {
    Ok(shop::private::append(path)?.write_all(content.as_bytes())?)
}

/// Files that two flags name: one report would take the other's place.
fn named_twice(wanted: &[Wanted<'_>]) -> Vec<String> {
    let same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    };
    let pairs = wanted.iter().enumerate().flat_map(|(index, one)| {
        let others = wanted[index + 1..].iter();
        others.map(move |other| (one, other))
    });
    pairs
        .filter(|((_, one, _), (_, other, _))| same(one, other))
        .map(|((one, path, _), (other, ..))| {
            format!(
                "error: {one} and {other} name the same file {}; give each a file of its own",
                path.display()
            )
        })
        .collect()
}

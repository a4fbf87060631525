//! `schema`, `fmt`, `metrics`, `completions`: what needs files alone.

use std::collections::BTreeSet;

use alerting::definition::{Definitions, Project};
use anyhow::Context as _;
use clap::CommandFactory as _;

use super::{plural, print};
use crate::cli::{Cli, Completions, Fmt, Metrics, Schema};
use crate::exit::Exit;
use crate::project::Texts;
use crate::tidy;
use crate::whole_file::replace;

/// `monitors schema`
pub(super) fn schema(args: &Schema) -> anyhow::Result<Exit> {
    let schema = if args.project {
        schemars::schema_for!(Project)
    } else {
        schemars::schema_for!(Definitions)
    };
    print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(Exit::Ok)
}

/// `monitors metrics`
pub(super) fn metrics(args: &Metrics) -> anyhow::Result<Exit> {
    let Some(set) = super::load(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let names: BTreeSet<&str> = set.catalogue.names().collect();
    let mut text = String::new();
    for name in names {
        let known = set.catalogue.find(name);
        let kind = match &known {
            Some(known) if known.distribution => "distribution",
            Some(known) if known.sparse => "count",
            _ => "gauge",
        };
        let tags = known.and_then(|known| known.tags);
        let tags = tags.map_or_else(|| "any tag".to_owned(), |tags| tags.join(", "));
        text.push_str(&format!("{name:<52}{kind:<14}{tags}\n"));
    }
    print(&text)?;
    Ok(Exit::Ok)
}

/// `monitors completions`
pub(super) fn completions(args: &Completions) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "monitors", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}

/// `monitors fmt`
pub(super) fn fmt(args: &Fmt) -> anyhow::Result<Exit> {
    let texts = Texts::read(&args.dir)?;
    let mut changed = Vec::new();
    for source in &texts.files {
        let tidied = match tidy::tidy(&source.path, &source.text) {
            Ok(tidied) => tidied,
            Err(problems) => {
                super::complain(&[problems]);
                return Ok(Exit::Usage);
            }
        };
        if tidied != source.text {
            changed.push(source.path.clone());
            if !args.check {
                let path = args.dir.join(&source.path);
                replace(&path, tidied.as_bytes()).with_context(|| path.display().to_string())?;
            }
        }
    }
    let names: String = changed.iter().map(|path| format!("{path}\n")).collect();
    print(&names)?;
    let (count, word) = (
        changed.len(),
        if args.check {
            "would change"
        } else {
            "changed"
        },
    );
    eprintln!("{count} file{} {word}", plural(count));
    Ok(if args.check && count > 0 {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

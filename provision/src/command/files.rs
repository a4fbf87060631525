//! `schema` and `fmt`: what needs files alone.

use alerting::definition::{Definitions, Project};
use anyhow::Context as _;

use super::{plural, print};
use crate::cli::{Fmt, Schema};
use crate::exit::Exit;
use crate::project::Texts;
use crate::tidy;

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
                std::fs::write(&path, tidied).with_context(|| path.display().to_string())?;
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

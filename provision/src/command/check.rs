//! `check`: every definition, in every environment or in one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use alerting::rules::RULES;
use checked_yaml::Problems;
use serde_json::{Value, json};

use super::{complain, print};
use crate::cli::{Check, Files, Format};
use crate::exit::Exit;
use crate::project::{Ambient, Texts};

/// `monitors check`
pub(super) fn run(args: &Check) -> anyhow::Result<Exit> {
    if args.rules {
        print(&rules())?;
        return Ok(Exit::Ok);
    }
    let texts = Texts::read(&args.files.dir)?;
    let mut environments = texts.environments();
    if args.files.env.is_some() || environments.is_empty() {
        environments = vec![args.files.env.clone().unwrap_or_default()];
    }
    let (mut said, mut reports, mut sound) = (BTreeSet::new(), Vec::new(), String::new());
    for environment in environments {
        let env = Some(environment).filter(|name| !name.is_empty());
        let files = Files {
            env,
            ..args.files.clone()
        };
        // DD_ENV chooses where to apply, not what to check.
        let ambient = Ambient {
            environment: None,
            ..super::ambient()
        };
        match texts.load(&files, &ambient) {
            Ok(set) => {
                let _ = writeln!(
                    sound,
                    "{}: {} definitions, all sound",
                    set.environment,
                    set.objects.len()
                );
            }
            // What is wrong in every environment is said once.
            Err(found) => {
                let new = found.iter().map(|report| report.unsaid(&mut said));
                reports.extend(new.filter(|report| !report.is_empty()));
            }
        }
    }
    let ended = if reports.is_empty() {
        Exit::Ok
    } else {
        Exit::Usage
    };
    match args.format {
        Format::Json => print(&format!("{:#}\n", as_json(&reports)))?,
        Format::Text | Format::Markdown => {
            if reports.is_empty() {
                print(&sound)?;
            } else {
                complain(&reports);
            }
        }
    }
    Ok(ended)
}

fn as_json(reports: &[Problems]) -> Value {
    let files: Vec<Value> = reports.iter().map(Problems::to_json).collect();
    json!({ "version": 1, "ok": files.is_empty(), "files": files })
}

fn rules() -> String {
    let mut text = String::new();
    for rule in RULES {
        let firm = if rule.waivable {
            ""
        } else {
            " (cannot be waived)"
        };
        let _ = writeln!(text, "{:<28}{}{firm}", rule.name, rule.demands);
    }
    text
}

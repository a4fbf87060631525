//! `init`: the files of a project that checks, plans and applies as it is.

use std::path::Path;

use alerting::set::Source;
use anyhow::bail;

use super::{import, print};
use crate::cli::Init;
use crate::exit::Exit;

/// The files with `<service>` and `<team>` in place of their names.
const FILES: &[(&str, &str)] = &[
    ("monitors.yaml", include_str!("init/monitors.yaml")),
    ("metrics.yaml", include_str!("init/metrics.yaml")),
    ("monitors/<service>.yaml", include_str!("init/monitor.yaml")),
    ("slos/<service>.yaml", include_str!("init/slo.yaml")),
    (
        "dashboards/<service>.yaml",
        include_str!("init/dashboard.yaml"),
    ),
];
/// Longest name of a service or team; it becomes part of tags and file names.
const NAME_CHARACTERS_MAX: usize = 60;

/// `monitors init`
pub(super) fn run(args: &Init) -> anyhow::Result<Exit> {
    for (flag, name) in [("--service", &args.service), ("--team", &args.team)] {
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let named = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(sound);
        if !named || name.len() > NAME_CHARACTERS_MAX {
            bail!(
                "{flag}: `{name}` cannot be part of a tag; begin with a letter, use lower-case letters, digits, `-` and \
                 `_`, at most {NAME_CHARACTERS_MAX} characters"
            );
        }
    }
    let named = |text: &str| {
        text.replace("<service>", &args.service)
            .replace("<team>", &args.team)
    };
    let files: Vec<Source> = FILES
        .iter()
        .map(|(path, text)| Source {
            path: named(path),
            text: named(text),
        })
        .collect();
    import::write(&args.dir, &files)?;
    let mut text: String = files
        .iter()
        .map(|file| format!("{}\n", file.path))
        .collect();
    let dir = if args.dir == Path::new(".") {
        String::new()
    } else {
        format!(" --dir {}", args.dir.display())
    };
    text.push_str(&format!(
        "Next: monitors check{dir}, then with DD_API_KEY, DD_APP_KEY and DD_SITE: monitors plan{dir}\n"
    ));
    print(&text)?;
    Ok(Exit::Ok)
}

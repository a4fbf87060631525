//! `import`: an org as files.

use std::path::Path;

use alerting::object::{Kind, Remote};
use alerting::set::Source;
use anyhow::{Context as _, bail};

use super::{api, complain, print};
use crate::api::{Api, ApiError};
use crate::cli::Import;
use crate::exit::Exit;
use crate::import;
use crate::project::{PROJECT_FILE, project_file};
use crate::whole_file::replace;

/// `monitors import`
pub(super) async fn run(args: &Import) -> anyhow::Result<Exit> {
    let (api, progress) = api(&args.org, project_url(&args.out)?.as_ref())?;
    progress.line("reading the org");
    let mut remotes = fetch(&api, args).await?;
    let marked = args.managed.as_deref();
    remotes.retain(|remote| remote.key().map(|key| key.namespace).as_deref() == marked);
    if remotes.is_empty() {
        bail!(
            "nothing to import: no object fits; what carries the mark of a namespace is taken with --managed <namespace>"
        );
    }
    let imported = match import::import(&remotes, &args.namespace, marked) {
        Ok(imported) => imported,
        Err(reports) => {
            complain(&reports);
            bail!(
                "the org holds definitions that cannot be written as files; leave them out with --only"
            );
        }
    };
    write(&args.out, &imported.files)?;
    let mut text = format!(
        "{} objects in {} files in {}; {} rules waived.\n",
        imported.count,
        imported.files.len(),
        args.out.display(),
        imported.waivers
    );
    for reason in &imported.left_out {
        text.push_str(&format!("left out: {reason}\n"));
    }
    text.push_str(&format!(
        "Next: monitors plan --dir {}\n",
        args.out.display()
    ));
    print(&text)?;
    Ok(Exit::Ok)
}

/// The address that the project in the folder to write to names, or that of the project that one stands in: an import
/// must not go elsewhere because a flag was forgotten.
fn project_url(out: &Path) -> anyhow::Result<Option<String>> {
    for folder in [out, Path::new(".")] {
        let found = project_file(folder)?;
        let Some(project) = found else { continue };
        let mut urls: Vec<&String> = project
            .environments
            .values()
            .filter_map(|environment| environment.api_url.as_ref())
            .collect();
        urls.dedup();
        return match (urls.as_slice(), project.api_url) {
            ([], url) => Ok(url),
            ([url], None) => Ok(Some((*url).clone())),
            _ => bail!(
                "{}: the environments have API addresses of their own; choose one with --api-url",
                folder.join(PROJECT_FILE).display()
            ),
        };
    }
    Ok(None)
}

async fn fetch(api: &Api, args: &Import) -> Result<Vec<Remote>, ApiError> {
    let fits = |remote: &Remote| {
        let name = remote.key().map(|key| key.name);
        args.only.is_empty()
            || args.only.iter().any(|pattern| {
                let title = import::fits(pattern, remote.title());
                title
                    || name
                        .as_ref()
                        .is_some_and(|name| import::fits(pattern, name))
            })
    };
    let monitors = api.list_monitors(None).await?;
    let slos = api.list_slos(None).await?;
    let dashboards = api.list_dashboards().await?;
    let shown = dashboards
        .into_iter()
        .filter(fits)
        .map(|remote| remote.id)
        .collect();
    let mut found: Vec<Remote> = monitors.into_iter().chain(slos).filter(fits).collect();
    found.extend(api.get_all(Kind::Dashboard, shown).await?);
    Ok(found)
}

/// All or nothing as far as existing files go: none is overwritten.
pub(super) fn write(out: &Path, files: &[Source]) -> anyhow::Result<()> {
    let existing: Vec<String> = files
        .iter()
        .map(|file| out.join(&file.path))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if !existing.is_empty() {
        bail!(
            "these files exist: {}; choose another --out, or remove them",
            existing.join(", ")
        );
    }
    for file in files {
        let path = out.join(&file.path);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        replace(&path, file.text.as_bytes()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

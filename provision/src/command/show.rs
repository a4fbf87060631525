//! `show`: what exists in the namespace, or one definition.

use std::fmt::Write as _;

use alerting::object::{Kind, Remote};
use alerting::set::Set;
use anyhow::bail;
use serde_json::Value;

use super::{api, load, print};
use crate::cli::{Files, Show};
use crate::exit::Exit;
use crate::project::Texts;

/// `monitors show`
pub(super) async fn run(args: &Show) -> anyhow::Result<Exit> {
    match &args.name {
        Some(name) if args.remote => existing(args, name).await,
        Some(name) => defined(&args.files, name),
        None => all(args).await,
    }
}

fn defined(files: &Files, name: &str) -> anyhow::Result<Exit> {
    let Some(set) = load(files)? else {
        return Ok(Exit::Usage);
    };
    let found: Vec<_> = set
        .objects
        .iter()
        .filter(|object| object.key.name == name)
        .collect();
    if found.is_empty() {
        let names = set.objects.iter().map(|object| object.key.name.as_str());
        let close = checked_yaml::did_you_mean(name, names).unwrap_or_default();
        bail!(
            "there is no definition `{name}` in environment {}. {close}",
            set.environment
        );
    }
    for object in found {
        let origin = &object.origin;
        print(&format!(
            "{} {} ({}:{})\n{:#}\n",
            object.kind, object.key.name, origin.file, origin.line, object.payload
        ))?;
    }
    Ok(Exit::Ok)
}

/// The namespace alone is needed, so definitions may be wrong.
fn namespace(files: &Files) -> anyhow::Result<Option<Set>> {
    let mut texts = Texts::read(&files.dir)?;
    texts.files.clear();
    match texts.load(files, &super::ambient()) {
        Ok(set) => Ok(Some(set)),
        Err(reports) => {
            super::complain(&reports);
            Ok(None)
        }
    }
}

async fn existing(args: &Show, name: &str) -> anyhow::Result<Exit> {
    let Some(set) = namespace(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, _) = api(&args.org, set.api_url.as_ref())?;
    let namespace = set.namespace;
    let found = api.managed(&namespace).await?;
    let mut shown = 0;
    for remote in found
        .iter()
        .filter(|remote| remote.key().is_some_and(|key| key.name == name))
    {
        shown += 1;
        print(&format!(
            "{} {name} [{}]\n{:#}\n",
            remote.kind, remote.id, remote.value
        ))?;
    }
    if shown == 0 {
        bail!("there is no object `{name}` in namespace {namespace}");
    }
    Ok(Exit::Ok)
}

async fn all(args: &Show) -> anyhow::Result<Exit> {
    let Some(set) = namespace(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, _) = api(&args.org, set.api_url.as_ref())?;
    let namespace = set.namespace;
    let mut found = api.managed(&namespace).await?;
    found.sort_by_key(|remote| (remote.kind, remote.key()));
    let mut text = String::new();
    for remote in &found {
        let name = remote.key().map(|key| key.name).unwrap_or_default();
        let (kind, id, title) = (remote.kind, &remote.id, remote.title());
        let _ = writeln!(
            text,
            "{kind:<10}{name:<36}{id:<34}{:<11}{title}",
            state(remote)
        );
    }
    let _ = writeln!(text, "{} objects in namespace {namespace}", found.len());
    print(&text)?;
    Ok(Exit::Ok)
}

fn state(remote: &Remote) -> &str {
    let muted = remote
        .value
        .pointer("/options/silenced")
        .and_then(Value::as_object);
    match remote.kind {
        Kind::Monitor if muted.is_some_and(|muted| !muted.is_empty()) => "muted",
        Kind::Monitor => remote
            .value
            .get("overall_state")
            .and_then(Value::as_str)
            .unwrap_or("-"),
        Kind::Slo | Kind::Dashboard => "-",
    }
}

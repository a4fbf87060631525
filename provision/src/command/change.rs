//! `plan`, `apply`, `destroy`: the same plan, shown or carried out.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use alerting::plan::{self, Action, Guard, Options, Plan, Refusal};
use serde_json::json;

use super::{api, load, print, remote, signals};
use crate::api::Api;
use crate::apply;
use crate::cli;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::project::Texts;

/// `monitors plan`
pub(super) async fn plan(args: &cli::Plan) -> anyhow::Result<Exit> {
    let Some(set) = load(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, _) = api(&args.org, set.api_url.as_ref())?;
    let existing = remote::fetch(&api, &set.namespace, &set.objects).await?;
    let options = options(&set.namespace, &args.only, &args.deletes);
    let mut plan = match plan::plan(&set.objects, &existing, &options) {
        Ok(plan) => plan,
        Err(refusals) => return Ok(refuse(&refusals)),
    };
    remote::name_foreign_users(&api, &mut plan).await?;
    let format = if args.markdown {
        cli::Format::Markdown
    } else {
        args.format
    };
    print(&match format {
        cli::Format::Text => plan::text(&plan),
        cli::Format::Markdown => plan::markdown(&plan),
        cli::Format::Json => json_text(&plan)?,
    })?;
    Ok(if args.detailed_exitcode && plan.has_changes() {
        Exit::Changes
    } else {
        Exit::Ok
    })
}

/// `monitors apply`
pub(super) async fn apply(args: &cli::Apply) -> anyhow::Result<Exit> {
    let Some(set) = load(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, progress) = api(&args.org, set.api_url.as_ref())?;
    let existing = remote::fetch(&api, &set.namespace, &set.objects).await?;
    let options = options(&set.namespace, &args.only, &args.deletes);
    let mut plan = match plan::plan(&set.objects, &existing, &options) {
        Ok(plan) => plan,
        Err(refusals) => return Ok(refuse(&refusals)),
    };
    remote::name_foreign_users(&api, &mut plan).await?;
    carry_out(&api, plan, progress, args.yes).await
}

/// `monitors destroy`
pub(super) async fn destroy(args: &cli::Destroy) -> anyhow::Result<Exit> {
    // A definition that is wrong must not keep its objects alive: only the project file is needed.
    let mut texts = Texts::read(&args.files.dir)?;
    texts.files.clear();
    let set = match texts.load(&args.files, &super::ambient()) {
        Ok(set) => set,
        Err(reports) => {
            super::complain(&reports);
            return Ok(Exit::Usage);
        }
    };
    let (api, progress) = api(&args.org, set.api_url.as_ref())?;
    let existing = api.managed(&set.namespace).await?;
    let options = Options {
        namespace: set.namespace.clone(),
        only: args.only.clone(),
        guard: Guard {
            delete_percent_max: 100,
            allow_delete_all: true,
        },
    };
    match plan::plan(&[], &existing, &options) {
        Ok(mut plan) => {
            remote::name_foreign_users(&api, &mut plan).await?;
            carry_out(&api, plan, progress, args.yes).await
        }
        Err(refusals) => Ok(refuse(&refusals)),
    }
}

fn options(namespace: &str, only: &[String], deletes: &cli::Deletes) -> Options {
    Options {
        namespace: namespace.to_owned(),
        only: only.to_vec(),
        guard: Guard {
            delete_percent_max: deletes.max_delete_percent,
            allow_delete_all: deletes.allow_delete_all,
        },
    }
}

pub(super) fn refuse(refusals: &[Refusal]) -> Exit {
    for refusal in refusals {
        eprintln!("refused: {refusal}");
    }
    Exit::Refused
}

fn json_text(plan: &Plan) -> anyhow::Result<String> {
    let value = json!({
        "version": 1,
        "summary": {
            "create": plan.count(Action::Create),
            "update": plan.count(Action::Update),
            "adopt": plan.count(Action::Adopt),
            "delete": plan.count(Action::Delete),
            "unchanged": plan.unchanged,
        },
        "plan": plan,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

async fn carry_out(api: &Api, plan: Plan, progress: Progress, yes: bool) -> anyhow::Result<Exit> {
    print(&plan::text(&plan))?;
    if plan.operations.is_empty() {
        return Ok(Exit::Ok);
    }
    if !yes && !io::stdin().is_terminal() {
        eprintln!("refused: there is no terminal to ask on; pass --yes to do this without asking");
        return Ok(Exit::Refused);
    }
    if !yes && !confirmed(api, &plan)? {
        eprintln!("Nothing was changed.");
        return Ok(Exit::Refused);
    }
    let watch = signals::watch(progress)?;
    let results = tokio::select! {
        results = apply::apply(api, plan, progress, watch.stop()) => results,
        () = watch.abandoned() => {
            eprintln!("Requests under way were left; what they did is found by the next apply.");
            return Ok(watch.finish().unwrap_or(Exit::Interrupted));
        }
    };
    print(&results.text())?;
    Ok(match watch.finish() {
        Some(exit) => exit,
        None if results.is_complete() => Exit::Ok,
        None => Exit::Failed,
    })
}

fn confirmed(api: &Api, plan: &Plan) -> anyhow::Result<bool> {
    let (count, namespace, url) = (plan.operations.len(), &plan.namespace, api.url());
    eprint!("Do this to namespace {namespace} at {url}? {count} requests. Only `yes` is taken: ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

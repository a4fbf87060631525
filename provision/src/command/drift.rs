//! `drift`: a plan read from the other side. What an apply would undo is what someone changed by hand.

use std::fmt::Write as _;

use alerting::diff::{self, Change};
use alerting::object::Remote;
use alerting::plan::{self, Action, Guard, Operation, Options, Plan};
use serde_json::{Value, json};

use super::change::refuse;
use super::{api, load, print, remote};
use crate::cli::{Drift, Format};
use crate::exit::Exit;

/// `monitors drift`
pub(super) async fn run(args: &Drift) -> anyhow::Result<Exit> {
    let Some(set) = load(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, _) = api(&args.org, set.api_url.as_ref())?;
    let existing = remote::fetch(&api, &set.namespace, &set.objects).await?;
    let options = Options {
        namespace: set.namespace.clone(),
        only: args.only.clone(),
        // Nothing is deleted here.
        guard: Guard {
            delete_percent_max: 100,
            allow_delete_all: true,
        },
    };
    let plan = match plan::plan(&set.objects, &existing, &options) {
        Ok(plan) => plan,
        Err(refusals) => return Ok(refuse(&refusals)),
    };
    let drifted: Vec<Drifted<'_>> = plan
        .operations
        .iter()
        .map(|operation| Drifted::new(operation, &existing))
        .collect();
    print(&match args.format {
        Format::Text => text(&drifted, &plan),
        Format::Markdown => markdown(&drifted, &plan),
        Format::Json => format!("{:#}\n", as_json(&drifted, &plan)),
    })?;
    Ok(if args.detailed_exitcode && plan.has_changes() {
        Exit::Changes
    } else {
        Exit::Ok
    })
}

/// One object that is not as the files say.
struct Drifted<'p> {
    operation: &'p Operation,
    /// From what the files say to what the server has.
    changes: Vec<Change>,
    modified: Option<String>,
}

impl<'p> Drifted<'p> {
    fn new(operation: &'p Operation, existing: &[Remote]) -> Self {
        let changes = operation.changes.iter().map(|change| Change {
            path: change.path.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
        });
        let id = operation.id.as_ref();
        let remote = existing
            .iter()
            .find(|remote| remote.kind == operation.kind && Some(&remote.id) == id);
        Self {
            operation,
            changes: changes.collect(),
            modified: remote.and_then(modified),
        }
    }

    fn line(&self) -> String {
        let Operation {
            kind, key, title, ..
        } = self.operation;
        let id = self
            .operation
            .id
            .as_ref()
            .map(|id| format!(" [{id}]"))
            .unwrap_or_default();
        let what = match self.operation.action {
            Action::Create => "missing",
            Action::Update => "changed",
            Action::Adopt => "not marked",
            Action::Delete => "not defined",
        };
        let when = self
            .modified
            .as_ref()
            .map(|at| format!(", last changed {at}"))
            .unwrap_or_default();
        format!("{what}: {kind} {}{id}: {title}{when}", key.name)
    }
}

/// When an object was last changed, in whichever form its kind says so.
fn modified(remote: &Remote) -> Option<String> {
    let at = remote
        .value
        .get("modified")
        .or_else(|| remote.value.get("modified_at"))?;
    match at {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            let at = time::OffsetDateTime::from_unix_timestamp(number.as_i64()?).ok()?;
            at.format(&time::format_description::well_known::Rfc3339)
                .ok()
        }
        _ => None,
    }
}

fn summary(drifted: &[Drifted<'_>], plan: &Plan) -> String {
    if drifted.is_empty() {
        return format!("No drift: {} objects are as the files say.", plan.unchanged);
    }
    format!(
        "{} drifted; {} as the files say.",
        drifted.len(),
        plan.unchanged
    )
}

fn text(drifted: &[Drifted<'_>], plan: &Plan) -> String {
    let mut text = String::new();
    for one in drifted {
        let _ = writeln!(text, "{}", one.line());
        if one.operation.action == Action::Update {
            text.push_str(&diff::text(&one.changes, "    "));
        }
    }
    let _ = writeln!(text, "{}", summary(drifted, plan));
    text
}

fn markdown(drifted: &[Drifted<'_>], plan: &Plan) -> String {
    let mut text = format!(
        "### Drift: `{}`\n\n{}\n",
        plan.namespace,
        summary(drifted, plan)
    );
    for one in drifted {
        let body = diff::text(&one.changes, "").replace("```", "` ` `");
        let line = one.line().replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(
            text,
            "\n<details><summary>{line}</summary>\n\n```diff\n{body}```\n\n</details>\n"
        );
    }
    text
}

fn as_json(drifted: &[Drifted<'_>], plan: &Plan) -> Value {
    let objects: Vec<Value> = drifted
        .iter()
        .map(|one| {
            json!({
                "action": one.operation.action,
                "kind": one.operation.kind,
                "key": one.operation.key,
                "id": one.operation.id,
                "title": one.operation.title,
                "modified": one.modified,
                "changes": one.changes,
            })
        })
        .collect();
    json!({ "version": 1, "namespace": plan.namespace, "drifted": objects, "unchanged": plan.unchanged })
}

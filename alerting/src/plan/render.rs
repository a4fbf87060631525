//! A plan as text and as Markdown. Shows what the plan says and computes nothing.

use std::fmt::Write as _;

use super::operation::{Action, Operation, Plan};
use crate::diff;

impl Action {
    fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Adopt => '=',
            Self::Delete => '-',
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
        }
    }
}

/// For a terminal, without colour.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for operation in &plan.operations {
        let _ = writeln!(out, "{} {}", operation.action.sign(), headline(operation));
        if operation.action == Action::Update {
            out.push_str(&diff::text(&operation.changes, "    "));
        }
    }
    let _ = writeln!(out, "{}", summary(plan));
    out
}

/// For a pull request: the counts first, then a foldable block for each operation that has details.
pub fn markdown(plan: &Plan) -> String {
    let mut out = format!("### Monitors: `{}`\n\n{}\n", plan.namespace, summary(plan));
    for operation in &plan.operations {
        let line = escape(&headline(operation));
        if operation.action == Action::Update {
            let _ = write!(
                out,
                "\n<details><summary>{line}</summary>\n\n```diff\n{}```\n\n</details>\n",
                body(operation)
            );
        } else {
            let _ = write!(out, "\n{line}\n");
        }
    }
    out
}

/// Signs in the first column, where Markdown's `diff` colours them; nothing in it ends the block.
fn body(operation: &Operation) -> String {
    let text = diff::text(&operation.changes, "").replace("```", "` ` `");
    text.lines()
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect()
}

fn headline(operation: &Operation) -> String {
    let id = operation
        .id
        .as_ref()
        .map(|id| format!(" [{id}]"))
        .unwrap_or_default();
    let note = operation
        .note
        .as_ref()
        .map(|note| format!(" ({note})"))
        .unwrap_or_default();
    let Operation {
        action,
        kind,
        key,
        title,
        ..
    } = operation;
    format!("{} {kind} {}{id}: {title}{note}", action.word(), key.name)
}

fn summary(plan: &Plan) -> String {
    let count = |action| plan.count(action);
    let adopted = match count(Action::Adopt) {
        0 => String::new(),
        adopted => format!(", {adopted} to adopt (adds the mark only)"),
    };
    format!(
        "{} to create, {} to update, {} to delete{adopted}; {} unchanged.",
        count(Action::Create),
        count(Action::Update),
        count(Action::Delete),
        plan.unchanged
    )
}

fn escape(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

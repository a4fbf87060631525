//! Carries out a plan: stage by stage, several requests at a time within a stage, keeping what worked. Must not decide
//! what belongs into a plan.

mod stages;

use std::sync::atomic::{AtomicUsize, Ordering};

use alerting::object::{self, Ids, Kind, Link};
use alerting::plan::{Action, Operation, Plan};
use alerting::update::Update;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;

use crate::api::{Api, ApiError, IN_FLIGHT_MAX};
use crate::progress::Progress;

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The API did not let it be.
    Failed(ApiError),
    /// It needs something that could not be created.
    Needs(Vec<Link>),
    /// It was not started: the run was interrupted, or the keys open nothing.
    NotStarted,
}

/// What became of a plan.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Each operation with its outcome, in the order of the plan's stages.
    pub outcomes: Vec<(Operation, Outcome)>,
}

impl Results {
    /// How many operations of an action were carried out.
    pub fn done(&self, action: Action) -> usize {
        let done = |(operation, outcome): &&(Operation, Outcome)| {
            operation.action == action && *outcome == Outcome::Done
        };
        self.outcomes.iter().filter(done).count()
    }

    /// Whether every operation was carried out.
    pub fn is_complete(&self) -> bool {
        self.outcomes
            .iter()
            .all(|(_, outcome)| *outcome == Outcome::Done)
    }

    /// The summary for people; names everything that was not carried out.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} created, {} updated, {} adopted, {} deleted.\n",
            self.done(Action::Create),
            self.done(Action::Update),
            self.done(Action::Adopt),
            self.done(Action::Delete),
        );
        let not_started = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::NotStarted)
            .count();
        for (operation, outcome) in &self.outcomes {
            let reason = match outcome {
                Outcome::Failed(error) => format!("{error}{}", type_hint(operation)),
                Outcome::Needs(links) => {
                    let names: Vec<String> = links
                        .iter()
                        .map(|link| format!("{} {}", link.kind, link.name))
                        .collect();
                    format!("needs {}, which does not exist", names.join(", "))
                }
                Outcome::Done | Outcome::NotStarted => continue,
            };
            text.push_str(&format!("failed: {}: {reason}\n", headline(operation)));
        }
        if not_started > 0 {
            text.push_str(&format!("{not_started} not started.\n"));
        }
        if !self.is_complete() {
            text.push_str("What was done is kept; run apply again for the rest.\n");
        }
        text
    }
}

/// A plan creates an object anew when its type changes, but never one that is to be taken over.
fn type_hint(operation: &Operation) -> &'static str {
    let typed = operation.changes.iter().any(|change| change.path == "type");
    if typed && operation.action == Action::Update {
        "; the API does not change a type: remove `adopt`, so that it is created anew"
    } else {
        ""
    }
}

fn headline(operation: &Operation) -> String {
    let action = match operation.action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Adopt => "adopt",
        Action::Delete => "delete",
    };
    let id = operation
        .id
        .as_ref()
        .map(|id| format!(" [{id}]"))
        .unwrap_or_default();
    format!("{action} {} {}{id}", operation.kind, operation.key.name)
}

/// Carries out the plan. When `stop` turns true nothing new is started; requests under way are waited for, so that
/// what they did is known.
pub async fn apply(
    api: &Api,
    plan: Plan,
    progress: Progress,
    stop: watch::Receiver<bool>,
) -> Results {
    let total = plan.operations.len();
    let mut ids = plan.ids.clone();
    let run = Run {
        api,
        progress,
        total,
        finished: AtomicUsize::new(0),
        stop,
        planned_with: plan.ids,
    };
    let mut results = Results::default();
    let mut keys_refused = false;
    for stage in stages::stages(plan.operations) {
        let started = stage
            .into_iter()
            .map(|operation| run.execute(operation, &ids, keys_refused));
        let ended: Vec<_> = futures_util::stream::iter(started)
            .buffered(IN_FLIGHT_MAX)
            .collect()
            .await;
        // One refusal may be about one object that is restricted to roles; a whole stage of them is about the keys.
        keys_refused |= ended.iter().all(|(_, outcome, _)| is_about_keys(outcome));
        for (operation, outcome, made) in ended {
            ids.extend(made.map(|id| (link_to(operation.kind, &operation.key.name), id)));
            results.outcomes.push((operation, outcome));
        }
    }
    results
}

fn is_about_keys(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.is_about_keys())
}

struct Run<'a> {
    api: &'a Api,
    progress: Progress,
    total: usize,
    finished: AtomicUsize,
    stop: watch::Receiver<bool>,
    /// The ids that the plan knew: what was made since does not count as a change behind its back.
    planned_with: Ids,
}

impl Run<'_> {
    async fn execute(
        &self,
        operation: Operation,
        ids: &Ids,
        keys_refused: bool,
    ) -> (Operation, Outcome, Option<String>) {
        if keys_refused || *self.stop.borrow() {
            return (operation, Outcome::NotStarted, None);
        }
        let (outcome, made) = match self.request(&operation, ids).await {
            Ok(made) => (Outcome::Done, made),
            Err(outcome) => (outcome, None),
        };
        self.tell(&operation, &outcome, made.as_deref());
        (operation, outcome, made)
    }

    async fn request(&self, operation: &Operation, ids: &Ids) -> Result<Option<String>, Outcome> {
        let kind = operation.kind;
        let Some(wanted) = &operation.wanted else {
            let id = operation.id.as_deref().unwrap_or_default();
            let deleted = self.api.delete(kind, id).await;
            return deleted.map(|()| None).map_err(Outcome::Failed);
        };
        let (resolved, missing) = object::resolve(wanted, ids);
        if !missing.is_empty() {
            return Err(Outcome::Needs(missing));
        }
        let done = match &operation.id {
            Some(id) => self.update(operation, id, &resolved).await.map(|()| None),
            None => {
                let created = self.api.create(kind, &operation.key, &resolved).await;
                created.map(|remote| Some(remote.id))
            }
        };
        done.map_err(Outcome::Failed)
    }

    /// Merges what is wanted over what the server has at this moment, so that a mute made a second ago survives, and
    /// sends nothing that the plan did not show.
    async fn update(
        &self,
        operation: &Operation,
        id: &str,
        resolved: &Value,
    ) -> Result<(), ApiError> {
        let kind = operation.kind;
        let current = self.api.get(kind, id).await?.ok_or(ApiError::Gone)?;
        let wanted = operation.wanted.as_ref().unwrap_or(resolved);
        let (wanted, _) = object::resolve(wanted, &self.planned_with);
        let update = Update::new(kind, &current.value, &wanted);
        // An earlier attempt that was cut off may have done it already.
        if update.changes != operation.changes && !update.changes.is_empty() {
            return Err(ApiError::Changed);
        }
        let update = Update::new(kind, &current.value, resolved);
        if update.changes.is_empty() {
            return Ok(());
        }
        self.api.update(kind, id, &update.body).await
    }

    fn tell(&self, operation: &Operation, outcome: &Outcome, made: Option<&str>) {
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        let id = made.map(|id| format!(" → {id}")).unwrap_or_default();
        let end = match outcome {
            Outcome::Done => "",
            _ => " – failed",
        };
        let total = self.total;
        self.progress.line(&format!(
            "[{finished}/{total}] {}{id}{end}",
            headline(operation)
        ));
    }
}

fn link_to(kind: Kind, name: &str) -> Link {
    Link {
        kind,
        name: name.to_owned(),
    }
}

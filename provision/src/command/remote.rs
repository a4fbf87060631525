//! What the server has, as far as a plan needs it.

use std::collections::BTreeSet;

use alerting::object::{Kind, Object, Remote};
use alerting::plan::{self, Action, Operation, Plan};

use crate::api::{Api, ApiError};

/// The namespace's objects, and those that definitions want to take over by id.
pub(super) async fn fetch(
    api: &Api,
    namespace: &str,
    objects: &[Object],
) -> Result<Vec<Remote>, ApiError> {
    let mut found = api.managed(namespace).await?;
    let known: BTreeSet<(Kind, String)> = found
        .iter()
        .map(|remote| (remote.kind, remote.id.clone()))
        .collect();
    for kind in Kind::ALL {
        let wanted = objects.iter().filter(|object| object.kind == kind);
        let wanted = wanted.filter_map(|object| object.adopt.clone());
        let missing: Vec<String> = wanted
            .filter(|id| !known.contains(&(kind, id.clone())))
            .collect();
        found.extend(adopted(api, kind, missing).await?);
    }
    Ok(found)
}

/// Says with the deletes of a plan who else in the org uses the objects. Only what the API refuses to break is asked
/// for, and only when something is deleted.
pub(super) async fn name_foreign_users(api: &Api, plan: &mut Plan) -> Result<(), ApiError> {
    let deletes = |operation: &Operation| {
        operation.action == Action::Delete && operation.kind != Kind::Dashboard
    };
    if !plan.operations.iter().any(deletes) {
        return Ok(());
    }
    let mut everything = api.list_monitors(None).await?;
    everything.extend(api.list_slos(None).await?);
    plan::name_foreign_users(plan, &everything);
    Ok(())
}

/// Many at once come cheaper from the list, for which the API has a stricter limit than for single objects.
async fn adopted(api: &Api, kind: Kind, ids: Vec<String>) -> Result<Vec<Remote>, ApiError> {
    /// From this many on a list costs less than asking one by one.
    const LIST_FROM: usize = 20;
    if ids.len() < LIST_FROM || kind == Kind::Dashboard {
        return api.get_all(kind, ids).await;
    }
    let mut listed = match kind {
        Kind::Monitor => api.list_monitors(None).await?,
        Kind::Slo | Kind::Dashboard => api.list_slos(None).await?,
    };
    let ids: BTreeSet<String> = ids.into_iter().collect();
    listed.retain(|remote| ids.contains(&remote.id));
    Ok(listed)
}

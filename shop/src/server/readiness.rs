//! Readiness: whether a service can do its work now, as opposed to liveness.
//!
//! A service is ready when it reaches everything without which its answers are 503. What it can do without for a while,
//! such as the queue behind the outbox, is reported and does not count. Verdicts are kept for a moment, so that asking
//! costs the stores nothing.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::now_ms;
use crate::context::Context;
use crate::queue::Topic;
use crate::role::PipelineRole;
use crate::service::Service;

/// How long a verdict is good for.
const VERDICT_TTL: Duration = Duration::from_secs(1);
/// How long a store or queue may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a service behind the gateway may take, which may have to ask its stores first.
const PEER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The cart that is looked at; nobody's.
const PROBE_SESSION: &str = "readiness";

/// Whether a service can do its work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether everything is there without which it cannot answer.
    pub(super) ready: bool,
    /// Its short name.
    service: &'static str,
    /// What it needs, one by one.
    checks: Vec<Check>,
}

/// One thing that a service needs.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Check {
    /// `database`, `sessions`, `queue`, or the name of a service.
    name: &'static str,
    /// Whether it can be reached.
    ok: bool,
    /// Whether the service is of no use without it.
    required: bool,
}

/// Something that may be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Database,
    Sessions,
    Queue,
    Peer(Service),
}

/// The latest verdict on one service.
#[derive(Default)]
pub(super) struct LatestVerdict(Mutex<Option<(Instant, Readiness)>>);

impl LatestVerdict {
    /// The verdict of a moment ago, or a new one; whoever asks meanwhile gets the same.
    pub(super) async fn of(&self, service: Service, context: &Context) -> Readiness {
        let mut latest = self.0.lock().await;
        if let Some((at, verdict)) = &*latest
            && at.elapsed() < VERDICT_TTL
        {
            return verdict.clone();
        }
        let verdict = judge(service, context).await;
        *latest = Some((Instant::now(), verdict.clone()));
        verdict
    }
}

/// What a service needs, and whether it is of no use without it.
fn needs(service: Service, context: &Context) -> Vec<(Need, bool)> {
    let mut needs = match service {
        // The shop sells without search, recommendations and mail, and not without the others.
        Service::Gateway => [
            (Service::Orders, true),
            (Service::Cart, true),
            (Service::Auth, true),
            (Service::Payment, true),
            (Service::Search, false),
            (Service::Recommendations, false),
            (Service::Notifications, false),
        ]
        .map(|(service, required)| (Need::Peer(service), required))
        .to_vec(),
        Service::Orders | Service::Auth | Service::Notifications => vec![(Need::Database, true)],
        Service::Cart => vec![(Need::Sessions, true)],
        Service::Payment => vec![(Need::Database, true), (Need::Sessions, true)],
        Service::Search | Service::Recommendations => Vec::new(),
    };
    let works_on_queue = |role: &PipelineRole| role.service() == service;
    if context.config.roles().iter().any(works_on_queue) {
        // Orders are taken all the same; their events wait in the outbox.
        needs.push((Need::Queue, false));
    }
    needs
}

async fn judge(service: Service, context: &Context) -> Readiness {
    let checks = needs(service, context)
        .into_iter()
        .map(|(need, required)| async move {
            Check {
                name: need.name(),
                ok: need.is_met(context).await,
                required,
            }
        });
    let checks = join_all(checks).await;
    Readiness {
        ready: checks.iter().all(|check| check.ok || !check.required),
        service: service.name(),
        checks,
    }
}

impl Need {
    fn name(self) -> &'static str {
        match self {
            Need::Database => "database",
            Need::Sessions => "sessions",
            Need::Queue => "queue",
            Need::Peer(service) => service.name(),
        }
    }

    async fn is_met(self, context: &Context) -> bool {
        let limit = match self {
            Need::Peer(_) => PEER_TIMEOUT,
            _ => CHECK_TIMEOUT,
        };
        timeout(limit, self.ask(context)).await.unwrap_or(false)
    }

    async fn ask(self, context: &Context) -> bool {
        let stores = &context.stores;
        match self {
            Need::Database => stores.orders.get(Uuid::nil()).await.is_ok(),
            Need::Sessions => {
                let session = PROBE_SESSION.to_owned();
                stores.carts.get(session, now_ms()).await.is_ok()
            }
            Need::Queue => {
                let queue = &context.resources.queue;
                queue.depth(Topic::Payments.queue()).await.is_ok()
            }
            Need::Peer(service) => {
                let ready = context.peers.get::<serde_json::Value>(service, "/ready");
                ready.await.is_ok()
            }
        }
    }
}
